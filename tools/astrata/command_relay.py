"""One command in the guest: moves its three streams, forwards signals and sizes, and waits for how it ended."""
from __future__ import annotations

import os
import select
import signal
import time

from astrata import protocol, terminal
from astrata.errors import MachineError
from astrata.machine import Machine
from astrata.messages import say
from astrata.signals import SignalPipe
from astrata.streams import Reader, Tail, Writer

READABLE = select.POLLIN | select.POLLHUP | select.POLLERR
WRITABLE = select.POLLOUT | select.POLLHUP | select.POLLERR
FORWARDED = {signal.SIGINT: "INT", signal.SIGTERM: "TERM", signal.SIGHUP: "HUP"}
# How long a command whose reader went away may take to notice before the machine is switched off.
BROKEN_PIPE_PATIENCE = 1.0


class CommandRelay:
    """Runs one request on a booting machine; `run` returns the exit status for our own process."""

    def __init__(self, machine: Machine, request: protocol.Request, console_to_stderr: bool = False,
                 streams: tuple[int, int, int] = (0, 1, 2)):
        self.machine = machine
        ends = {name: channel.fileno() for name, channel in machine.channels.items()}
        self.stdin, self.to_guest = Reader(streams[0]), Writer(ends["stdin"])
        self.from_guest = {1: Reader(ends["stdout"]), 2: Reader(ends["stderr"])}
        self.outputs = {1: Writer(streams[1]), 2: Writer(streams[2])}
        self.control_in, self.control_out = Reader(ends["control"]), Writer(ends["control"])
        self.serial, self.console = Reader(ends["serial"]), Tail()
        self.console_to_stderr = console_to_stderr
        self.lines = protocol.LineReader()
        self.has_terminal = request.terminal is not None
        self.outcome: protocol.Outcome | None = None
        self.guest_is_ready = False
        self.stdin_is_done = False
        self.interrupted_by = 0
        self.give_up_at: float | None = None
        self.control_out.put(request.encode())

    def run(self) -> int:
        """The loop. Raises MachineError if the guest refuses the command or dies before it ended."""
        watched = [signal.SIGCHLD, signal.SIGWINCH, signal.SIGTSTP, *FORWARDED]
        with SignalPipe(*watched) as self.signals:
            try:
                while True:
                    status = self._finished()
                    if status is not None:
                        return status
                    self._step()
            finally:
                for writer in self.outputs.values():
                    writer.close()

    def _finished(self) -> int | None:
        if self.outputs[1].broken and (self.outcome or time.monotonic() >= self.give_up_at):
            return 128 + signal.SIGPIPE
        flushed = not any(writer.pending for writer in self.outputs.values())
        if self.outcome and flushed and self._output_is_complete():
            return self.outcome.status
        everything_read = self.control_in.at_end and all(reader.at_end for reader in self.from_guest.values())
        if everything_read and flushed and self.machine.has_ended():
            if self.interrupted_by:
                return 128 + self.interrupted_by
            raise self._crash()
        return None

    def _output_is_complete(self) -> bool:
        return (self.from_guest[1].total >= self.outcome.stdout_bytes
                and self.from_guest[2].total >= self.outcome.stderr_bytes)

    def _crash(self) -> MachineError:
        while data := self.serial.read():
            self._log(data)
        parts = ["the system stopped before the command ended"]
        errors = self.machine.error_output()
        if errors:
            parts = [f"QEMU ended with status {self.machine.status}", errors]
        tail = self.console.text().splitlines()[-60:]
        return MachineError("\n".join(parts + (["last lines of its console:", *tail] if tail else [])))

    def _step(self) -> None:
        """Waits for the next events and handles them."""
        handlers: dict[int, tuple[int, list]] = {}

        def watch(fd, events, handler):
            mask, found = handlers.get(fd, (0, []))
            handlers[fd] = (mask | events, [*found, (events, handler)])

        watch(self.signals.fd, READABLE, self._on_signals)
        if not self.control_in.at_end:
            watch(self.control_in.fd, READABLE, self._on_control)
        if self.control_out.pending:
            watch(self.control_out.fd, WRITABLE, self.control_out.flush)
        if not self.serial.at_end:
            watch(self.serial.fd, READABLE, self._on_serial)
        if not self.stdin.at_end and self.to_guest.has_room and not self.to_guest.broken:
            watch(self.stdin.fd, READABLE, self._on_stdin)
        if self.to_guest.pending:
            watch(self.to_guest.fd, WRITABLE, self.to_guest.flush)
        for number, reader in self.from_guest.items():
            writer = self.outputs[number]
            if not reader.at_end and writer.has_room:
                watch(reader.fd, READABLE, lambda number=number: self._on_output(number))
            if writer.pending:
                watch(writer.fd, WRITABLE, lambda number=number: self._on_writable(number))
        poll = select.poll()
        for fd, (mask, _) in handlers.items():
            poll.register(fd, mask)
        for fd, happened in poll.poll(self._timeout()):
            for events, handler in handlers[fd][1]:
                if happened & (events | select.POLLNVAL):
                    handler()

    def _timeout(self) -> int | None:
        if self.give_up_at is None:
            return None
        return max(0, int((self.give_up_at - time.monotonic()) * 1000) + 1)

    def _on_stdin(self) -> None:
        self.to_guest.put(self.stdin.read())
        if self.stdin.at_end and not self.stdin_is_done:
            self.stdin_is_done = True
            self.control_out.put(protocol.encode("stdin-closed", self.stdin.total))

    def _on_output(self, number: int) -> None:
        self.outputs[number].put(self.from_guest[number].read())
        self._check_broken(number)

    def _on_writable(self, number: int) -> None:
        self.outputs[number].flush()
        self._check_broken(number)

    def _check_broken(self, number: int) -> None:
        if number == 1 and self.outputs[1].broken and self.give_up_at is None:
            self.give_up_at = time.monotonic() + BROKEN_PIPE_PATIENCE
            self.control_out.put(protocol.encode("signal", "PIPE"))

    def _on_control(self) -> None:
        for line in self.lines.feed(self.control_in.read()):
            verb, words = protocol.decode(line)
            if verb == "ready":
                self.guest_is_ready = True
            elif verb == "error":
                raise MachineError(" ".join(words))
            elif found := protocol.outcome(verb, words):
                self.outcome = found
            else:
                raise protocol.ProtocolError(f"unknown verb {verb!r}")

    def _on_serial(self) -> None:
        self._log(self.serial.read())

    def _log(self, data: bytes) -> None:
        self.console.put(data)
        if self.console_to_stderr:
            self.outputs[2].put(data)

    def _on_signals(self) -> None:
        for number in self.signals.take():
            if number == signal.SIGWINCH and self.has_terminal:
                self.control_out.put(protocol.encode("size", *terminal.size()))
            elif number == signal.SIGTSTP:
                self._stop_and_continue()
            elif number in FORWARDED:
                self._interrupt(number)

    def _interrupt(self, number: int) -> None:
        """The first goes to the command; a second one, or one that comes while the system boots, ends the machine."""
        if self.interrupted_by or not self.guest_is_ready:
            self.machine.kill()
        else:
            self.control_out.put(protocol.encode("signal", FORWARDED[signal.Signals(number)]))
        self.interrupted_by = number

    def _stop_and_continue(self) -> None:
        """Ctrl-Z on a run without a terminal of its own stops the machine too, until the shell continues us."""
        if self.machine.has_ended():
            return
        os.kill(self.machine.process, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.kill(self.machine.process, signal.SIGCONT)


def relay_command(machine: Machine, request: protocol.Request, console_to_stderr: bool = False) -> int:
    """Runs the request and turns a garbled conversation into an ordinary error."""
    try:
        return CommandRelay(machine, request, console_to_stderr).run()
    except protocol.ProtocolError as error:
        say("the guest does not follow the protocol")
        raise MachineError(str(error)) from error
