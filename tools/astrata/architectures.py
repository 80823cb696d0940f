"""The machines that the system runs on: which emulator and packages each needs, and what it boots."""
from __future__ import annotations

import os

from astrata.errors import UsageError


class Architecture:
    """One processor architecture as ./astrata sees it."""

    def __init__(self, name: str, emulator: str, machines: tuple[str, ...], processor: str, bench_processor: str,
                 kernel: str, debian_name: str, release: str | None):
        self.name, self.emulator = name, emulator
        # The first is what runs unless another is asked for.
        self.machines, self.processor, self.bench_processor = machines, processor, bench_processor
        # The file that boots, in the build's folder `kernel`.
        self.kernel = kernel
        # What Debian and container images call it, and the release that has packages for it; None: the host's own.
        self.debian_name, self.release = debian_name, release

    @property
    def counted_idleness(self) -> str:
        """What an idle processor's time does when instructions are counted: it jumps to the next timer, where there is one.

        OpenSBI's timer always has one, in the year 2262, so that on riscv64 it must pass as it does outside.
        """
        return "sleep=on" if self.name == "riscv64" else "sleep=off"

    @property
    def sign_of_life(self) -> bytes:
        """What a console shows once it can be typed at; nothing: anything at all. OpenSBI has it to itself before."""
        return b">>> " if self.name == "riscv64" else b""

    @property
    def is_native(self) -> bool:
        """Whether the host is of this architecture."""
        return self.release is None

    @property
    def package_groups(self) -> tuple[str, ...]:
        return ("run",) if self.is_native else (f"run-{self.name}",)

    @property
    def scenario_groups(self) -> tuple[str, ...]:
        return ("scenarios",) if self.is_native else ("scenarios", f"scenarios-{self.name}")

    def machine_words(self, machine: str, processors: int) -> str:
        """What QEMU's -M says for a machine that may have so many processors."""
        # The virt machine's default interrupt controller, GICv2, numbers no more than eight.
        return f"{machine},gic-version=3" if self.name == "aarch64" and processors > 8 else machine

    @property
    def debugger(self) -> str:
        return "gdb" if self.is_native else "gdb-multiarch"


ARCHITECTURES = {entry.name: entry for entry in (
    # Benchmarks do without the two features that make Linux copy with `rep movsb`, which TCG runs byte by byte.
    Architecture("x86_64", "qemu-system-x86_64", ("microvm", "q35"), "max", "max,-erms,-fsrm", "bedrock.elf", "amd64", None),
    # The default pointer authentication is very slow to emulate.
    Architecture("aarch64", "qemu-system-aarch64", ("virt",), "max,pauth-impdef=on", "max,pauth-impdef=on",
                 "bedrock.image", "arm64", "bookworm"),
    Architecture("riscv64", "qemu-system-riscv64", ("virt",), "rv64", "rv64", "bedrock.image", "riscv64", "trixie"),
)}
MACHINES = tuple(dict.fromkeys(machine for entry in ARCHITECTURES.values() for machine in entry.machines))

NATIVE = "x86_64"


def architecture(name: str, text: str) -> str:
    """Option converter for --arch."""
    if text not in ARCHITECTURES:
        raise UsageError(f"{name} {text}: unknown architecture, expected {', '.join(ARCHITECTURES)}")
    return text


def default() -> str:
    """What --arch is when it is not given: for suites, the environment says."""
    return architecture("ASTRATA_ARCH", os.environ.get("ASTRATA_ARCH") or NATIVE)


def chosen_machine(architecture_name: str, machine: str | None) -> str:
    """The machine to run, which must be one of the architecture's."""
    known = ARCHITECTURES[architecture_name].machines
    if machine is not None and machine not in known:
        raise UsageError(f"--machine {machine}: {architecture_name} has {' and '.join(known)}")
    return machine or known[0]
