"""The user's terminal on the guest's serial console: Chevron without a command. Ctrl-A x leaves."""
from __future__ import annotations

import select
import signal

from astrata.errors import MachineError
from astrata.machine import Machine
from astrata.signals import SignalPipe
from astrata.streams import Reader, Writer

ESCAPE = 1  # Ctrl-A
END_OF_FILE = b"\x04"  # Ctrl-D
READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


class EscapeFilter:
    """Finds Ctrl-A x in what is typed. Ctrl-A twice sends one; with any other key both go to the guest."""

    def __init__(self):
        self._after_escape = False
        self.quit = False

    def feed(self, data: bytes) -> bytes:
        output = bytearray()
        for byte in data:
            if self._after_escape:
                self._after_escape = False
                if byte in b"xX":
                    self.quit = True
                    break
                if byte != ESCAPE:
                    output.append(ESCAPE)
                output.append(byte)
            elif byte == ESCAPE:
                self._after_escape = True
            else:
                output.append(byte)
        return bytes(output)


class ConsoleRelay:
    """Moves bytes both ways until the machine ends or the user leaves."""

    def __init__(self, machine: Machine, is_terminal: bool, sign_of_life: bytes = b""):
        self.machine = machine
        fd = machine.channels["serial"].fileno()
        self.keys, self.to_guest = Reader(0), Writer(fd)
        self.from_guest, self.output = Reader(fd), Writer(1)
        self.filter = EscapeFilter() if is_terminal else None
        self.has_spoken = is_terminal
        self.sign_of_life, self.heard = sign_of_life, b""

    def run(self) -> int:
        """Exit status: 0 when the system was shut down or left, 128 + N after a signal."""
        with SignalPipe(signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT) as signals:
            while True:
                if self.filter and self.filter.quit:
                    return 0
                if self.from_guest.at_end and not self.output.pending and self.machine.has_ended():
                    return self._ended()
                if self.output.broken:
                    return 128 + signal.SIGPIPE
                self._step(signals)
                for number in signals.take():
                    if number != signal.SIGCHLD:
                        return 128 + number

    def _ended(self) -> int:
        errors = self.machine.error_output()
        if self.machine.status != 0:
            raise MachineError(f"QEMU ended with status {self.machine.status}\n{errors}".rstrip())
        return 0

    def _step(self, signals: SignalPipe) -> None:
        poll = select.poll()
        poll.register(signals.fd, READABLE)
        fd = self.from_guest.fd
        serial = (READABLE if self.output.has_room and not self.from_guest.at_end else 0)
        serial |= select.POLLOUT if self.to_guest.pending else 0
        if serial:
            poll.register(fd, serial)
        # The console's chip may be reset by the guest's driver as it starts, losing what came before: a script piped
        # in waits for the first sign of life; behind a firmware that speaks too, that is Chevron's prompt.
        if self.has_spoken and not self.keys.at_end and self.to_guest.has_room:
            poll.register(0, READABLE)
        if self.output.pending:
            poll.register(self.output.fd, select.POLLOUT)
        for ready, events in poll.poll():
            if ready == fd and events & select.POLLOUT:
                self.to_guest.flush()
            if ready == fd and events & READABLE and self.output.has_room and not self.from_guest.at_end:
                data = self.from_guest.read()
                if not self.has_spoken and data:
                    # A sign may come in two pieces.
                    self.heard = self.heard[-len(self.sign_of_life):] + data
                    self.has_spoken = self.sign_of_life in self.heard
                self.output.put(data)
            elif ready == 0:
                self._on_keys()
            elif ready == self.output.fd:
                self.output.flush()

    def _on_keys(self) -> None:
        data = self.keys.read()
        if self.filter:
            data = self.filter.feed(data)
        elif self.keys.at_end:
            data = END_OF_FILE
        self.to_guest.put(data)
