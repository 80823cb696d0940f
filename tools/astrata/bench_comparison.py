"""./astrata bench --compare linux: the same static binary on this system and on Debian's kernel, and Bedrock's primitives.

Linux is measured three ways: A with every processor feature, B without fast string instructions (which the emulator runs byte by
byte, and which it therefore should not claim), C as B without mitigations, auditing and the like. Ratios are to B.
"""
from __future__ import annotations

import os
from typing import TYPE_CHECKING

from astrata import bench_targets, machine, measure
from astrata.errors import MachineError
from astrata.messages import say

if TYPE_CHECKING:
    from astrata.bench_command import Benchmark

PAIRS = 5
CALLS_SECONDS = 300
CPU = {"A": "max", "B": "max,-erms,-fsrm", "C": "max,-erms,-fsrm"}
WORDS = {"A": "", "B": "", "C": " mitigations=off apparmor=0 audit=0 init_on_alloc=0"}
HOSTINGS = {"kernel": "linux=kernel", "user": "linux=user"}
Metrics = dict[str, float]


class Comparison:
    """All figures of one comparison. A metric that could not be measured is absent."""

    def __init__(self, benchmark: Benchmark):
        self._benchmark = benchmark
        self.linux: dict[str, Metrics] = {}           # instructions, by configuration
        self.here: dict[str, Metrics] = {}            # instructions, by hosting
        self.native: Metrics = {}
        self.wall: dict[int, tuple[Metrics, Metrics]] = {}  # by processors: ticks here (hosted in the kernel) and on Linux B
        self.problems: list[str] = []

    def measure(self) -> None:
        """Takes some minutes."""
        counted = machine.Options(icount=True)
        for configuration in CPU:
            say(f"measuring Linux {configuration}")
            self.linux[configuration] = self._linux(configuration, counted)
        for hosting in HOSTINGS:
            say(f"measuring calls with the personality in {hosting} mode")
            self.here[hosting] = self._here(hosting, counted)
        say("measuring Bedrock's primitives")
        try:
            self.native = self._benchmark.native_metrics()
        except MachineError as error:
            self.problems.append(str(error).splitlines()[0])
        for processors in (1, 2):
            say(f"measuring time, {processors} processor{'s' * (processors > 1)}")
            self.wall[processors] = self._pairs(processors)

    def _linux(self, configuration: str, options: machine.Options) -> Metrics:
        try:
            return self._benchmark.linux.boot("linux_init", ["/bench/linux_calls"], options, seconds=CALLS_SECONDS,
                                              cpu=CPU[configuration], words=WORDS[configuration]).metrics()
        except MachineError as error:
            self.problems.append(f"Linux {configuration}: {str(error).splitlines()[0]}")
            return {}

    def _here(self, hosting: str, options: machine.Options) -> Metrics:
        """All metrics of one boot; those that it did not reach are tried alone."""
        found: Metrics = {}
        before = os.environ.get("ASTRATA_ISOLATION")
        os.environ["ASTRATA_ISOLATION"] = HOSTINGS[hosting]
        try:
            found = self._calls([], options, hosting)
            for target in bench_targets.CALLS:
                if target.metric not in found and not any(target.metric in problem for problem in self.problems):
                    found.update(self._calls([target.metric], options, hosting))
        finally:
            if before is None:
                del os.environ["ASTRATA_ISOLATION"]
            else:
                os.environ["ASTRATA_ISOLATION"] = before
        return found

    def _calls(self, metrics: list[str], options: machine.Options, hosting: str) -> Metrics:
        try:
            boot = measure.run_command(self._benchmark.system, ["/bench/linux_calls", *metrics], options, seconds=CALLS_SECONDS)
        except MachineError as error:
            self.problems.append(f"{' '.join(metrics) or 'all calls'}, {hosting} mode: {str(error).splitlines()[0]}")
            return {}
        for line in boot.output.splitlines():
            problem = f"{line} ({hosting} mode)"
            if " failed " in line and problem not in self.problems:
                self.problems.append(problem)
        return boot.metrics()

    def _pairs(self, processors: int) -> tuple[Metrics, Metrics]:
        """Medians of runs in turn, in ticks of the processor's counter."""
        here, linux = [], []
        for _ in range(PAIRS):
            options = machine.Options(smp=processors)
            linux.append(self._linux("B", options))
            here.append(self._here_once(options))
        return _medians(here), _medians(linux)

    def _here_once(self, options: machine.Options) -> Metrics:
        return self._calls([], options, "kernel")

    # ---- Showing.

    def rows(self) -> list[dict]:
        """One for each metric: figures, ratios and verdicts."""
        rows = []
        reference = self.linux.get("B", {})
        for target in bench_targets.CALLS:
            linux = reference.get(target.metric)
            row = {"metric": target.metric, "must": target.hosted, "stretch": target.stretch, "user_must": target.user,
                   **{f"linux_{name}": metrics.get(target.metric) for name, metrics in self.linux.items()},
                   **{hosting: metrics.get(target.metric) for hosting, metrics in self.here.items()}}
            row["ratio"] = _ratio(row.get("kernel"), linux)
            row["user_ratio"] = _ratio(row.get("user"), linux)
            row["verdict"] = _verdict(row["ratio"], target.hosted, target.stretch)
            row["user_verdict"] = _verdict(row["user_ratio"], target.user, None)
            for processors, (here, there) in self.wall.items():
                row[f"wall_{processors}"] = _ratio(here.get(target.metric), there.get(target.metric))
            row["wall_must"] = target.hosted_wall
            rows.append(row)
        return rows

    def native_rows(self) -> list[dict]:
        """Bedrock's primitives beside seL4's."""
        return [{"metric": primitive.metric, "sel4": primitive.sel4, "must": primitive.must, "stretch": primitive.stretch,
                 "value": self.native.get(primitive.metric),
                 "verdict": _verdict(self.native.get(primitive.metric), primitive.must, primitive.stretch)}
                for primitive in bench_targets.NATIVE]

    def yardsticks(self) -> list[str]:
        """How alike the machine was for both systems while time was measured."""
        lines = []
        for processors, (here, linux) in self.wall.items():
            for name in bench_targets.YARDSTICKS:
                ratio = _ratio(here.get(name), linux.get(name))
                if ratio is not None:
                    is_fair = abs(ratio - 1) <= bench_targets.YARDSTICK_TOLERANCE
                    lines.append(f"{name}, {processors} CPU: {ratio:.2f}{'' if is_fair else ' (the host was too busy: the times of this column mean little)'}")
        return lines

    def as_json(self) -> dict:
        return {"calls": self.rows(), "primitives": self.native_rows(), "yardsticks": self.yardsticks(), "problems": self.problems}

    def _tables(self) -> list[tuple[str, list[list[str]]]]:
        calls = [["metric", "Linux A", "B", "C", "kernel", "/B", "must", "stretch", "", "user", "/B", "must", ""]]
        for row in self.rows():
            calls.append([row["metric"], *(_figure(row.get(f"linux_{name}")) for name in CPU), _figure(row.get("kernel")),
                          _share(row["ratio"]), _share(row["must"]), _share(row["stretch"]), row["verdict"], _figure(row.get("user")),
                          _share(row["user_ratio"]), _share(row["user_must"]), row["user_verdict"]])
        walls = [["metric", "1 CPU", "must", "2 CPUs"]]
        for row in self.rows():
            walls.append([row["metric"], _share(row.get("wall_1")), _share(row["wall_must"]), _share(row.get("wall_2"))])
        native = [["primitive", "seL4", "here", "must", "stretch", ""]]
        for row in self.native_rows():
            native.append([row["metric"], _figure(row["sel4"]), _figure(row["value"]), _figure(row["must"]), _figure(row["stretch"]), row["verdict"]])
        return [("Instructions of Linux calls, personality in kernel and in user mode", calls),
                ("Time beside Linux B, personality in kernel mode", walls), ("Instructions of Bedrock's primitives", native)]

    def as_text(self) -> str:
        parts = []
        for title, cells in self._tables():
            widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
            parts.append("\n".join([title, *("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells), ""]))
        return "\n".join([*parts, *self.yardsticks(), *self.problems])

    def as_page(self, figures) -> str:
        """docs/performance.md."""
        lines = ["# Performance", "", "Made by `./astrata bench --compare linux --write docs/performance.md`; do not edit.", "",
                 "The same static binary on both systems, in the same QEMU without hardware virtualisation. Instructions are counted under",
                 "`-icount shift=0` with one processor and repeat to about 1 %; times are medians of five alternating pairs. Linux is Debian's",
                 f"cloud kernel {self._benchmark.linux.release}: A with every processor feature, B without fast string instructions, C as B with",
                 "mitigations, auditing and zeroing on allocation off. Ratios are to B. Linux B runs with its default mitigations for",
                 "speculation; docs/security.md says which protections this system has.", "",
                 "Bedrock times its ways to copy memory at boot and takes the fastest, so rows that copy much show another routine in each table:",
                 "string instructions where instructions are counted, unrolled moves where time passes as it does. `copy=` fixes one.", "", "## Goals", "", "| figure | goal | here | Linux | |",
                 "|---|--:|--:|--:|---|"]
        for row in figures:
            lines.append(f"| {row.metric} ({row.unit}) | {_figure(row.goal)} | {_figure(row.value)} | {_figure(row.linux)} | {row.verdict()} |")
        for title, cells in self._tables():
            lines += ["", f"## {title}", "", "| " + " | ".join(cells[0]) + " |", "|---|" + "--:|" * (len(cells[0]) - 1)]
            lines += ["| " + " | ".join(line) + " |" for line in cells[1:]]
        lines += ["", "How alike the machine was for both while time was measured (here / Linux):", ""]
        lines += [f"- {line}" for line in self.yardsticks()]
        if self.problems:
            lines += ["", "Not measured:", "", *(f"- {problem}" for problem in self.problems)]
        return "\n".join(lines) + "\n"


def _medians(runs: list[Metrics]) -> Metrics:
    names = {name for run in runs for name in run}
    return {name: measure.median([run[name] for run in runs if name in run]) for name in names}


def _ratio(value: float | None, reference: float | None) -> float | None:
    return value / reference if value is not None and reference else None


def _verdict(value: float | None, must: float | None, stretch: float | None) -> str:
    if value is None:
        return "not measured"
    if must is None:
        return "-"
    if stretch is not None and value <= stretch:
        return "stretch"
    return "must" if value <= must else f"missed by {(value - must) / must:.0%}"


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 10 else f"{value:.3g}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
