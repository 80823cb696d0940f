"""./astrata test: builds everything and runs the whole suite, or the part of it whose names match.

The kinds of tests, by name: `tools.*` (Python unit tests), `abi.*` (interface compiler and goldens), folder names such as
`lib.elf` (C++ unit tests), `fuzz.*` (fuzzers, a short run), `lint.*` and `docs.*` (rules of the tree), and everything else
is a scenario that boots the system.
"""
from __future__ import annotations

import fnmatch
import glob
import os
import shutil

from astrata import architectures, conformance, jobs, layering, packages, paths, scenarios
from astrata.architectures import ARCHITECTURES
from astrata.errors import CommandError, UsageError
from astrata.options import Arguments, Option, parse, whole_number

USAGE = "[OPTION...] [FILTER]"
OPTIONS = [
    Option("--arch", "ARCHITECTURE", help="where scenarios run: x86_64, aarch64, riscv64 or all (x86_64, and a few on the others)"),
    Option("--jobs", "NUMBER", convert=whole_number(1, 64), help="how many tests at once (as many as processors)"),
    Option("--list", help="only print the names"),
    Option("--pending", help="also scenarios that are ahead of what they test (tests/pending)"),
]
# Scenarios that the whole suite runs on every architecture, beside all of them on the native one.
SMOKE: tuple[str, ...] = (
    "run.uname", "run.exit_status", "run.stdin_to_stdout", "run.processors", "linux.processes", "linux.signal_handlers", "linux.threads",
    "linux.vdso", "linux.vector_registers", "root.static_programs", "chevron.commands", "isolation.programs_behind_each_wall",
    "supervision.killed_disk_driver", "hostile.crashes", "limits.memory_of_a_silo")
UNIT_LAYERS = ("lib", "kernel", "sdk", "strates", "apps")
LOGS = os.path.join(paths.BUILD, "test-logs")


def main(words: list[str]) -> int:
    """Runs `./astrata test WORDS...`; the last line on stdout is `N passed, N failed`."""
    import signal

    from astrata import build

    # Started in the background of a script, this ignores interrupts; tests that send one must not inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = parse("test", OPTIONS, words)
    places = chosen_architectures(arguments.arch)
    if len(arguments.positional) > 1 or arguments.command is not None:
        raise UsageError("test: takes one FILTER at most")
    pattern = arguments.positional[0] if arguments.positional else None
    every = all_names(arguments.pending, places)
    chosen = [name for name in every if matches(name, pattern)]
    if not chosen:
        raise UsageError(f"test: nothing matches {pattern!r} (see ./astrata test --list)")
    if arguments.list:
        print("\n".join(chosen))
        return 0
    return Suite(arguments, every, chosen, places, whole=pattern is None and architectures.NATIVE in places).run()


def usual_places() -> dict[str, tuple[str, ...] | None]:
    """As `chosen_architectures`, when nobody asks for one."""
    return {name: None if name == architectures.NATIVE else SMOKE for name in ARCHITECTURES}


def chosen_architectures(text: str | None) -> dict[str, tuple[str, ...] | None]:
    """Where scenarios run, and which do (None: all that can). The first architecture's are called by their names alone."""
    if text is None and not os.environ.get("ASTRATA_ARCH"):
        return usual_places()
    if text == "all":
        return dict.fromkeys(ARCHITECTURES)
    return {architectures.architecture("--arch", text) if text else architectures.default(): None}


def scenario_runs(pending: bool, places: dict[str, tuple[str, ...] | None]) -> dict[str, tuple[str, str, scenarios.Found]]:
    """Name of the test -> architecture, scenario, and what is known of that."""
    runs = {}
    for architecture, names in places.items():
        suffix = "" if architecture == next(iter(places)) else f"@{architecture}"
        for name, found in scenarios.find(pending).items():
            if (names is None or name in names) and (not found.only or architecture in found.only):
                runs[name + suffix] = (architecture, name, found)
    return runs


def matches(name: str, pattern: str | None) -> bool:
    """A filter is a part of the name, or a shell pattern for all of it."""
    return pattern is None or pattern in name or fnmatch.fnmatchcase(name, pattern)


def all_names(pending: bool = False, places: dict[str, tuple[str, ...] | None] = {architectures.NATIVE: None}) -> list[str]:
    """Every test there is, without building anything."""
    found = scenario_runs(pending, places)
    names = ["lint.layering", *python_tests(), *host_tests(), *models(), *found]
    if os.path.exists(goldens_compiler()):
        names.append("abi.goldens")
    return [*names, "docs.conformance"]


def goldens_compiler() -> str:
    return os.path.join(paths.ROOT, "abi", "compiler", "main.py")


def python_tests() -> dict[str, str]:
    """Name -> file of the Python unit tests."""
    found = {}
    for prefix, folder in (("tools", paths.TOOLS), ("abi", os.path.join(paths.ROOT, "abi", "compiler"))):
        for path in sorted(glob.glob(os.path.join(folder, "**", "*_test.py"), recursive=True)):
            found[f"{prefix}.{os.path.basename(path).removesuffix('_test.py')}"] = path
    return found


def host_tests() -> list[str]:
    """Names of C++ unit tests (one for each folder that has any) and fuzzers, by the rule of tools/cmake/host.cmake."""
    names = set()
    for layer in UNIT_LAYERS:
        for path in glob.glob(os.path.join(paths.ROOT, layer, "**", "*.cc"), recursive=True):
            folder, name = os.path.split(os.path.relpath(path, paths.ROOT))
            if name.endswith("_test.cc"):
                names.add(folder.replace("/", "."))
            elif name.endswith("_fuzz.cc"):
                names.add(f"fuzz.{folder.replace('/', '.')}.{name[:-3]}")
    return sorted(names)


def models() -> dict[str, str]:
    """Name -> file of the models that are checked state by state (model.FOLDER.NAME for NAME_model.pml)."""
    found = {}
    for layer in UNIT_LAYERS:
        for path in sorted(glob.glob(os.path.join(paths.ROOT, layer, "**", "*_model.pml"), recursive=True)):
            place = os.path.relpath(path, paths.ROOT).removesuffix("_model.pml").replace("/", ".")
            found[f"model.{place}"] = path
    return found


class Suite:
    """One run of the chosen tests."""

    def __init__(self, arguments: Arguments, every: list[str], chosen: list[str], places: dict[str, tuple[str, ...] | None], whole: bool):
        self.arguments, self.every, self.chosen, self.places, self.whole = arguments, every, set(chosen), places, whole
        self.passed: list[str] = []
        self.failed: list[str] = []

    def run(self) -> int:
        shutil.rmtree(LOGS, ignore_errors=True)
        todo = self._python_jobs() + self._host_jobs() + self._model_jobs() + self._scenario_jobs()
        if "lint.layering" in self.chosen:
            self._lint()
        # Long ones first, so that none is left running alone at the end.
        todo.sort(key=lambda job: -job.timeout)
        jobs.run(todo, self.arguments.jobs or os.cpu_count() or 2, LOGS, self._report)
        if "docs.conformance" in self.chosen:
            # What works is said of the native architecture; the others have fewer scenarios.
            passed = set(self.passed) if self.whole and architectures.NATIVE in self.places else None
            self._record("docs.conformance", "\n".join(conformance.check_files(passed, set(self.every) | set(all_names(places=usual_places())))))
        if self.failed:
            print("failed: " + " ".join(sorted(self.failed)))
        print(f"{len(self.passed)} passed, {len(self.failed)} failed", flush=True)
        return 1 if self.failed else 0

    def _record(self, name: str, problem: str, log: str = "", seconds: float = 0) -> None:
        (self.failed if problem else self.passed).append(name)
        print(f"{'FAILED' if problem else 'ok':<6} {name} ({seconds:.1f} s)", flush=True)
        if problem:
            print("       " + "\n       ".join((log.rstrip() + "\n" + problem).strip().splitlines()), flush=True)

    def _report(self, result: jobs.Result) -> None:
        log = ""
        if not result.passed:
            with open(result.job.log, encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
            log = "\n".join(lines if len(lines) <= 80 else ["...", *lines[-80:]])
        self._record(result.job.name, result.problem, log, result.seconds)

    def _lint(self) -> None:
        problems, notices = layering.check()
        for notice in notices:
            print("notice: " + notice)
        self._record("lint.layering", "\n".join(problems))

    def _python_jobs(self) -> list[jobs.Job]:
        todo = []
        for name, path in python_tests().items():
            if name not in self.chosen:
                continue
            if name.startswith("tools."):
                folder, module = os.path.join(paths.ROOT, "tools"), "astrata." + os.path.basename(path)[:-3]
            else:
                folder, module = os.path.dirname(path), os.path.basename(path)[:-3]
            todo.append(jobs.Job(name, ["/usr/bin/python3", "-S", "-m", "unittest", module], 120, folder))
        if any(job.name.startswith("tools.") for job in todo):
            packages.ensure("build", "run", "scenarios")
        if "abi.goldens" in self.chosen:
            todo.append(jobs.Job("abi.goldens", ["/usr/bin/python3", "-S", goldens_compiler(), "--source", paths.ROOT,
                                                 "--check"], 60, paths.ROOT))
        return todo

    def _host_jobs(self) -> list[jobs.Job]:
        names = [name for name in host_tests() if name in self.chosen]
        if not names:
            return []
        from astrata import build

        try:
            folder = build.ready_host()
        except CommandError as error:
            self._record("build.host", str(error))
            return []
        todo = []
        for name in names:
            if name.startswith("fuzz."):
                todo.append(jobs.Job(name, fuzzer_command(folder, name), 120, folder))
            else:
                todo.append(jobs.Job(name, [os.path.join(folder, f"test.{name}"), "--gtest_brief=1"], 300, folder))
        return todo

    def _model_jobs(self) -> list[jobs.Job]:
        chosen = {name: path for name, path in models().items() if name in self.chosen}
        if chosen:
            packages.ensure("models")
        worker = os.path.join(paths.TOOLS, "model_worker.py")
        return [jobs.Job(name, ["/usr/bin/python3", "-IS", worker, path], 120, paths.ROOT) for name, path in chosen.items()]

    def _scenario_jobs(self) -> list[jobs.Job]:
        runs = {name: run for name, run in scenario_runs(self.arguments.pending, self.places).items() if name in self.chosen}
        todo = []
        for architecture in self.places:
            here = {name: run for name, run in runs.items() if run[0] == architecture}
            if here and self._is_ready(architecture):
                todo += [jobs.Job(name, ["/usr/bin/python3", "-IS", scenarios.WORKER, found.path, scenario], found.timeout, paths.ROOT,
                                  {"ASTRATA_ARCH": architecture})
                         for name, (_, scenario, found) in here.items()]
        return todo

    def _is_ready(self, architecture: str) -> bool:
        from astrata import build

        packages.ensure(*ARCHITECTURES[architecture].scenario_groups)
        try:
            build.ready_system(architecture)
        except CommandError as error:
            self._record(f"build.{architecture}", str(error))
            return False
        return True


def fuzzer_command(folder: str, name: str) -> list[str]:
    """A short, repeatable run of a fuzzer on its kept inputs (`NAME_corpus/` beside it) and new ones."""
    place, _, stem = name.removeprefix("fuzz.").rpartition(".")
    found = os.path.join(folder, "corpus", f"{place}.{stem}")
    os.makedirs(found, exist_ok=True)
    kept = os.path.join(paths.ROOT, place.replace(".", "/"), f"{stem}_corpus")
    return [os.path.join(folder, name), "-runs=20000", "-max_total_time=20", "-timeout=10", "-seed=1",
            "-print_final_stats=1", f"-artifact_prefix={LOGS}/", found, *([kept] if os.path.isdir(kept) else [])]
