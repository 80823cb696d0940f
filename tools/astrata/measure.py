"""Boots machines for measuring: Astrata with one command, Astrata's console with a script, or another kernel."""
from __future__ import annotations

import os
import re
import select
import signal
import statistics
import time
from contextlib import contextmanager

from astrata import machine, protocol
from astrata.command_relay import CommandRelay
from astrata.errors import MachineError
from astrata.streams import Reader, Writer

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
# At the beginning of a line, or after the time that a strate's log puts there.
METRIC = re.compile(r"^(?:\[[^\]\n]*\] *)?([a-z0-9_]+) ([0-9.]+) ([A-Za-z]+)\s*$", re.MULTILINE)


class Boot:
    """What one boot showed: the program's output, its status, and when what was waited for came (seconds from QEMU's
    start): a command's first output, or the text that ended a console."""

    def __init__(self, output: str, status: int, reached: float | None):
        self.output, self.status, self.reached = output, status, reached

    def metrics(self) -> dict[str, float]:
        """Lines `NAME VALUE UNIT` of the output."""
        return {name: float(value) for name, value, _ in METRIC.findall(self.output.replace("\r", ""))}


class TimedOut(MachineError):
    """The machine did not get there in time."""


@contextmanager
def deadline(seconds: float):
    """Raises TimedOut in the block after `seconds`."""

    def expire(*_):
        raise TimedOut(f"no end after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class _TimedRelay(CommandRelay):
    """A relay that notes when the command's first output came."""

    first_output: float | None = None

    def _on_output(self, number: int) -> None:
        if self.first_output is None:
            self.first_output = time.monotonic()
        super()._on_output(number)


def run_command(system, command: list[str], options: machine.Options, rootfs: int | None = None,
                seconds: float = 60) -> Boot:
    """Boots Astrata with one command and captures what it prints."""
    options.cpu = options.architecture.bench_processor
    disks = [machine.Disk(rootfs, "root")] if rootfs is not None else []
    append = "session=virtio console=none root=" + ("disk" if disks else "archive")
    with open(os.devnull, "rb") as nothing, open(os.memfd_create("output"), "r+b", buffering=0) as captured:
        started = time.monotonic()
        guest = machine.Machine(options, system.kernel, system.archive, append, disks, (*machine.PORTS, "serial"))
        try:
            with deadline(seconds):
                relay = _TimedRelay(guest, protocol.Request(command, ENVIRONMENT), False,
                                    (nothing.fileno(), captured.fileno(), captured.fileno()))
                status = relay.run()
        except protocol.ProtocolError as error:
            raise MachineError(f"the guest does not follow the protocol: {error}") from error
        finally:
            guest.kill()
        captured.seek(0)
        first = relay.first_output - started if relay.first_output else None
        return Boot(captured.read().decode("utf-8", "replace"), status, first)


def run_console(kernel: int, archive: int, append: str, options: machine.Options, until: str | None,
                disks: list[machine.Disk] | None = None, script: list[tuple[str, str]] = (), seconds: float = 60,
                cpu: str | None = None) -> Boot:
    """Boots any kernel with its console on the serial line; types each answer of `script` (prompt, answer) when its prompt
    shows, and ends when `until` shows (None: when the machine stops)."""
    options.cpu = cpu or options.architecture.bench_processor
    started = time.monotonic()
    guest = machine.Machine(options, kernel, archive, append, disks or [], ("serial",))
    fd = guest.channels["serial"].fileno()
    reader, writer = Reader(fd), Writer(fd)
    output, todo, seen = "", list(script), 0
    try:
        with deadline(seconds):
            while not reader.at_end and (until is None or until not in output):
                select.select([fd], [], [])
                output += reader.read().decode("utf-8", "replace")
                while todo and todo[0][0] in output[seen:]:
                    seen += output[seen:].index(todo[0][0]) + len(todo[0][0])
                    writer.put(todo.pop(0)[1].encode())
        reached = time.monotonic() - started
    except TimedOut as error:
        raise TimedOut(f"{error}; the console's end:\n{output[-800:]}") from error
    finally:
        guest.kill()
    if until is not None and until not in output:
        raise MachineError(f"the machine stopped before {until!r} showed; the console's end:\n{output[-800:]}")
    return Boot(output, 0, reached)


def median(values: list[float]) -> float:
    return statistics.median(values)


def smallest(reaches, low: int, high: int) -> int:
    """Smallest number in (low, high] for which `reaches` holds, given that it holds for all above some limit."""
    if not reaches(high):
        raise MachineError(f"not even with {high}")
    while high - low > 1:
        middle = (low + high) // 2
        if reaches(middle):
            high = middle
        else:
            low = middle
    return high
