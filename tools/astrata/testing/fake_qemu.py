#!/usr/bin/python3 -IS
"""Stands in for QEMU and the guest in it: speaks the run protocol, and runs the command on the host.

Commands that begin with @ make it misbehave in the ways that a machine can.
"""
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse


def channels(words):
    """Sockets by name, from the -chardev arguments."""
    found = {}
    for word in words:
        if word.startswith("socket,id="):
            fields = dict(field.partition("=")[::2] for field in word.split(",")[1:])
            found[fields["id"]] = socket.socket(fileno=int(fields["fd"]))
    return found


class Guest:
    def __init__(self, ports):
        self.ports = ports
        self.sent = {"stdout": 0, "stderr": 0}
        self.request, self.environment, self.process = None, {}, None
        self.stdin_end, self.directory = None, "/"

    def say(self, *words):
        self.ports["control"].sendall((" ".join(map(str, words)) + "\n").encode())

    def listen(self):
        for line in self.ports["control"].makefile("rb"):
            verb, *words = line.rstrip(b"\n").split(b" ")
            words = [urllib.parse.unquote_to_bytes(word) for word in words]
            verb = verb.decode()
            if verb == "command":
                self.request = words
            elif verb == "environment":
                name, _, value = words[0].partition(b"=")
                self.environment[name] = value
            elif verb == "directory":
                self.directory = words[0]
            elif verb == "go":
                threading.Thread(target=self.run, daemon=True).start()
            elif verb == "stdin-closed":
                self.stdin_end = int(words[0])
            elif verb == "signal" and self.process:
                self.process.send_signal(signal.Signals["SIG" + words[0].decode()])

    def run(self):
        self.say("ready")
        name = self.request[0]
        if name == b"@crash":
            self.ports["serial"].sendall(b"early line\r\npanic: out of cheese\r\n")
            os._exit(0)
        if name == b"@error":
            self.say("error", "cannot%20start%20it")
            time.sleep(60)
        if name == b"@garbage":
            self.say("exit", "seven")
            time.sleep(60)
        if name == b"@qemu-fails":
            print("qemu: something is wrong with the machine", file=sys.stderr, flush=True)
            os._exit(1)
        if name == b"@late":
            # The outcome is known before the last bytes of output arrive.
            self.say("exit", 3, 6, 0)
            time.sleep(0.1)
            self.ports["stdout"].sendall(b"late!\n")
            time.sleep(60)
        try:
            self.process = subprocess.Popen(self.request, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE, env=self.environment, cwd=self.directory)
        except OSError:
            self.say("exit", 127, 0, 0)
            return
        threading.Thread(target=self.feed, daemon=True).start()
        pumps = [threading.Thread(target=self.drain, args=(name, getattr(self.process, name))) for name in self.sent]
        for pump in pumps:
            pump.start()
        status = self.process.wait()
        for pump in pumps:
            pump.join()
        verb, number = ("exit", status) if status >= 0 else ("signal", -status)
        self.say(verb, number, self.sent["stdout"], self.sent["stderr"])

    def feed(self):
        """Passes stdin on until as many bytes as the other side announced have come."""
        total = 0
        port = self.ports["stdin"]
        port.settimeout(0.01)
        try:
            while self.stdin_end is None or total < self.stdin_end:
                try:
                    data = port.recv(4096)
                except TimeoutError:
                    continue
                if not data:
                    break
                total += len(data)
                self.process.stdin.write(data)
                self.process.stdin.flush()
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def drain(self, name, source):
        while data := os.read(source.fileno(), 1 << 16):
            self.ports[name].sendall(data)
            self.sent[name] += len(data)


def console(serial):
    """Without a command: an echo on the serial line that ends at `shutdown` or Ctrl-D."""
    serial.sendall(b">>> ")
    line = b""
    while data := serial.recv(1):
        if data == b"\x04":
            serial.sendall(b"bye\r\n")
            break
        line += data
        if data in b"\r\n":
            serial.sendall(b"you said " + line.strip() + b"\r\n>>> ")
            if line.strip() == b"shutdown":
                break
            line = b""


def main():
    ports = channels(sys.argv)
    if os.environ.get("FAKE_QEMU_ARGUMENTS"):
        with open(os.environ["FAKE_QEMU_ARGUMENTS"], "w", encoding="utf-8") as file:
            file.write("\n".join(sys.argv))
    if "control" in ports:
        Guest(ports).listen()
    else:
        console(ports["serial"])


main()
