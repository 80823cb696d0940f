"""./astrata bench: measures the system and prints the figures beside their goals.

Instructions are counted under `-icount shift=0` on one processor, where they repeat; wall times are medians of runs that
alternate with the Linux that they are compared with, in the same QEMU with the same processor features.
"""
from __future__ import annotations

import json
import os
import random
import re
import subprocess

from astrata import architectures, bench_comparison, bench_programs, boot_archive, build, machine, measure, packages, paths
from astrata.errors import MachineError, UsageError
from astrata.linux_reference import LinuxReference
from astrata.messages import say
from astrata.options import Option, choice, no_words, parse

USAGE = "[OPTION...]"
OPTIONS = [
    Option("--compare", "SYSTEM", convert=choice("linux"), help="linux: every system call's cost beside Debian's kernel"),
    Option("--write", "FILE", help="with --compare: also write the figures as a page (docs/performance.md is made so)"),
    Option("--json", help="one JSON document on stdout instead of tables"),
    Option("--arch", "ARCHITECTURE", convert=architectures.architecture, help="x86_64 (also without this option); aarch64 or riscv64, where no Linux is compared with"),
]
REPEATS = 5
PROMPT = ">>> "
MEMORY_PROBE_SECONDS = 20
FILE_BYTES = 64 << 20


class Row:
    """One figure: what it is, what it should be, what it is here and on Linux. `value` None means it could not be measured."""

    def __init__(self, metric: str, unit: str, goal: float, at_least: bool = False):
        self.metric, self.unit, self.goal, self.at_least = metric, unit, goal, at_least
        self.value: float | None = None
        self.linux: float | None = None
        self.judged: float | None = None  # what the goal speaks of: the value, or its ratio to Linux
        self.problem = ""

    def verdict(self) -> str:
        if self.judged is None:
            return self.problem or "not measured"
        if (self.judged >= self.goal) if self.at_least else (self.judged <= self.goal):
            return "reached"
        return f"missed by {abs(self.judged - self.goal) / self.goal:.0%}"

    def as_json(self) -> dict:
        ratio = self.value / self.linux if self.value is not None and self.linux else None
        return {"metric": self.metric, "unit": self.unit, "goal": self.goal, "goal_is_minimum": self.at_least,
                "value": self.value, "linux": self.linux, "ratio": ratio, "judged": self.judged, "verdict": self.verdict()}


def main(words: list[str]) -> int:
    """Runs `./astrata bench WORDS...`."""
    arguments = parse("bench", OPTIONS, words)
    no_words("bench", arguments)
    arch = architectures.ARCHITECTURES[arguments.arch or architectures.default()]
    if arguments.compare and not arch.is_native:
        raise UsageError(f"--compare: there is no Linux for {arch.name} to compare with")
    packages.ensure("build", "bench", *arch.package_groups, *arch.scenario_groups[1:])
    # Machines are made without naming theirs.
    os.environ["ASTRATA_ARCH"] = arch.name
    benchmark = Benchmark(arch)
    tables = {"figures": benchmark.figures()}
    comparison = None
    if arguments.compare:
        comparison = bench_comparison.Comparison(benchmark)
        comparison.measure()
    if arguments.write and comparison is None:
        raise UsageError("--write: needs --compare linux")
    if arguments.json:
        document = {name: [row.as_json() for row in rows] for name, rows in tables.items()}
        if comparison:
            document["comparison"] = comparison.as_json()
        print(json.dumps(document, indent=1))
    else:
        for rows in tables.values():
            print(table(rows), flush=True)
        if comparison:
            print(comparison.as_text(), flush=True)
    if arguments.write:
        with open(arguments.write, "w", encoding="utf-8") as file:
            file.write(comparison.as_page(tables["figures"]))
    return 0


def table(rows: list[Row]) -> str:
    """Rows as aligned text."""
    cells = [["metric", "goal", "here", "Linux", "here/Linux", ""]]
    for row in rows:
        ratio = f"{row.value / row.linux:.2f}" if row.value is not None and row.linux else ""
        is_share = row.judged is not None and row.judged != row.value
        goal = f"{'>=' if row.at_least else '<='} {number(row.goal)}{' of Linux' if is_share else ''}"
        cells.append([f"{row.metric} ({row.unit})", goal, number(row.value), number(row.linux), ratio, row.verdict()])
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]
    return "\n".join([*lines, ""])


def number(value: float | None) -> str:
    if value is None:
        return "-"
    if value >= 1e6:
        return f"{value / 1e6:,.1f} M"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


class Benchmark:
    """Measures one build of the system."""

    def __init__(self, architecture: architectures.Architecture):
        folder = paths.target_build(architecture.name)
        self.plain = build.ready_system(architecture.name)
        self.system = build.ready_system(architecture.name)
        # The same boot archive with the benchmark strates, and the benchmark programs in its root file system.
        archive = os.path.join(bench_programs.folder(architecture.name), "boot.archive")
        programs = bench_programs.members("root/bench", architecture.name)
        boot_archive.build(architecture.name, folder, archive, programs, with_tests=True)
        self.system.archive = os.open(archive, os.O_RDONLY | os.O_CLOEXEC)
        self.linux = LinuxReference() if architecture.is_native else None

    def figures(self) -> list[Row]:
        """The table of goals."""
        rows = []
        measured = [self._native_rows, self._getppid, self._boot_instructions, self._smallest_memory, self._memory_held]
        if self.linux is not None:  # these say nothing by themselves
            measured += [self._boot_time, self._sequential_read]
        for measure_row in measured:
            say("measuring " + measure_row.__name__.strip("_").replace("_", " "))
            rows += measure_row()
        return rows

    def _native_rows(self) -> list[Row]:
        """The native benchmark is a strate; its figures, medians of its own rounds, are lines of its log."""
        rows = [Row("ipc_round_trip_4_words", "instructions", 1500), Row("null_syscall_native", "instructions", 100)]
        try:
            metrics = self.native_metrics()
            for row in rows:
                row.value = row.judged = metrics.get(row.metric)
        except MachineError as error:
            for row in rows:
                row.problem = first_line(error)
        return rows

    def native_metrics(self) -> dict[str, float]:
        """Instructions of Bedrock's primitives."""
        # Started from the shell; the log is read until the figures are there.
        script = [(PROMPT, "strate start benchmark\r"),
                  (PROMPT, "sleep 2; strate logs benchmark; strate start benchmark-interrupt\r"),
                  (PROMPT, "sleep 2; strate logs benchmark-interrupt; echo the; echo end\r")]
        return self._console(script, machine.Options(icount=True), "the\r\nend", self.system).metrics()

    def _console(self, script: list[tuple[str, str]], options: machine.Options, until: str, system: build.System) -> measure.Boot:
        return measure.run_console(system.kernel, system.archive, "session=console console=none root=archive", options,
                                   until, script=script)

    def _getppid(self) -> list[Row]:
        row = Row("getppid_linux", "instructions", 1000)
        try:
            boot = measure.run_command(self.system, ["/bench/linux_calls", "null_syscall"], machine.Options(icount=True))
            row.value = row.judged = boot.metrics().get("null_syscall")
        except MachineError as error:
            row.problem = first_line(error)
        return [row]

    def _boot_instructions(self) -> list[Row]:
        row = Row("boot_to_first_program", "instructions", 100e6)
        try:
            options = machine.Options(icount=True)
            values = [measure.run_command(self.system, ["/bench/first_instruction"], options).metrics()["first_instruction"]
                      for _ in range(REPEATS)]
            row.value = row.judged = measure.median(values)
            if self.linux is not None:
                linux = self.linux.boot("first_instruction", [], machine.Options(icount=True), until=" ticks")
                row.linux = linux.metrics().get("first_instruction")
        except (MachineError, KeyError) as error:
            row.problem = first_line(error)
        return [row]

    def _boot_time(self) -> list[Row]:
        row = Row("boot_to_first_program", "ms", 0.4)
        here, linux = [], []
        try:
            for _ in range(REPEATS):
                here.append(measure.run_command(self.system, ["/bench/first_instruction"], machine.Options()).reached * 1000)
                boot = self.linux.boot("first_instruction", [], machine.Options(), until=" ticks")
                linux.append(boot.reached * 1000)
            row.value, row.linux = measure.median(here), measure.median(linux)
            row.judged = row.value / row.linux
        except (MachineError, TypeError) as error:
            row.problem = first_line(error)
        return [row]

    def _smallest_memory(self) -> list[Row]:
        row = Row("smallest_memory", "MiB", 24)

        def reaches_here(megabytes: int) -> bool:
            try:
                options = machine.Options(memory=megabytes << 20)
                return measure.run_command(self.plain, ["sh", "-c", "true"], options, seconds=MEMORY_PROBE_SECONDS).status == 0
            except MachineError:
                return False

        def reaches_linux(megabytes: int) -> bool:
            try:
                options = machine.Options(memory=megabytes << 20)
                self.linux.boot("first_instruction", [], options, until=" ticks", seconds=MEMORY_PROBE_SECONDS)
                return True
            except MachineError:
                return False

        try:
            row.value = row.judged = measure.smallest(reaches_here, 2, 256)
            if self.linux is not None:
                row.linux = measure.smallest(reaches_linux, 32, 256)
        except MachineError as error:
            row.problem = first_line(error)
        return [row]

    def _memory_held(self) -> list[Row]:
        row = Row("memory_held_after_boot", "MiB", 12)
        try:
            boot = self._console([(PROMPT, "mem\r")], machine.Options(), "boot images", self.plain)
            free = re.search(r"^free\s+\S+\s+(\d+)", boot.output, re.MULTILINE)
            if not free:
                raise MachineError("mem shows no free memory")
            row.value = row.judged = 256 - int(free[1]) / (1 << 20)
            if self.linux is not None:
                linux = self.linux.boot("linux_init", [], machine.Options())
                row.linux = 256 - linux.metrics()["memory_free"] / 1024
        except (MachineError, KeyError) as error:
            row.problem = first_line(error)
        return [row]

    def _sequential_read(self) -> list[Row]:
        """Ticks for a 64 MiB file right after boot, as MB/s."""
        row = Row("sequential_read_64m_cold", "MB/s", 0.5, at_least=True)
        try:
            image = disk_image()
            here, linux, sums = [], [], set()
            for _ in range(REPEATS):
                for results, boot in ((here, self._read_here(image)), (linux, self._read_linux(image))):
                    metrics = boot.metrics()
                    results.append(metrics["sequential_read"])
                    sums.add((metrics["sequential_read_bytes"], metrics["sequential_read_sum"]))
            if len(sums) != 1:
                raise MachineError("the two systems read different bytes")
            row.value, row.linux = (FILE_BYTES / 1e6 * self.linux.ticks_per_second / measure.median(ticks)
                                    for ticks in (here, linux))
            row.judged = row.value / row.linux
        except KeyError as error:
            row.problem = f"no figure for {error}"
        except MachineError as error:
            row.problem = first_line(error)
        return [row]

    def _read_here(self, image: int) -> measure.Boot:
        return measure.run_command(self.system, ["/bench/sequential_read", "/data"], machine.Options(), image, 120)

    def _read_linux(self, image: int) -> measure.Boot:
        return self.linux.boot("linux_init", ["/bench/sequential_read", "/disk/data"], machine.Options(), disk=image)


def disk_image() -> int:
    """An ext4 image with default features, the benchmark programs and one 64 MiB file of noise, made once."""
    image = os.path.join(bench_programs.FOLDER, "disk.ext4")
    programs = bench_programs.build()
    newest = max(os.stat(path).st_mtime for path in programs.values())
    if not os.path.exists(image) or os.stat(image).st_mtime < newest:
        from astrata.temporary import temporary_folder

        with temporary_folder("bench") as folder:
            os.mkdir(f"{folder}/bench")
            for name, path in programs.items():
                subprocess.run(["cp", path, f"{folder}/bench/{name}"], check=True)
            generator = random.Random(1)
            with open(f"{folder}/data", "wb") as file:
                for _ in range(FILE_BYTES >> 20):
                    file.write(generator.randbytes(1 << 20))
            subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-d", folder, f"{image}.new", "128M"], check=True,
                           stdout=subprocess.DEVNULL)
        os.replace(f"{image}.new", image)
    descriptor = os.open(image, os.O_RDONLY | os.O_CLOEXEC)
    while os.read(descriptor, 1 << 20):  # into the host's cache, for both alike
        pass
    return descriptor


def first_line(problem) -> str:
    lines = str(problem).strip().splitlines()
    return lines[0][:80] if lines else ""
