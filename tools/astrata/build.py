"""Configures and builds: `host` (unit tests and fuzzers) and the system for one architecture, quietly unless it fails."""
from __future__ import annotations

import os

from astrata import fingerprint, packages, paths
from astrata.architectures import ARCHITECTURES
from astrata.errors import CommandError
from astrata.locks import file_lock
from astrata.messages import say


class System:
    """Open files of one consistent build of the system: a build that follows replaces the files, never changes these."""

    def __init__(self, target: str):
        self.target, self.folder = target, paths.target_build(target)
        folder = self.folder
        # A test may boot a kernel that was built otherwise.
        self.kernel = os.open(os.environ.get("ASTRATA_KERNEL") or boot_path(target, folder), os.O_RDONLY)
        # Tests and benchmarks start strates that nobody else wants in memory.
        self.archive = os.open(archive_path(folder, bool(os.environ.get("ASTRATA_TEST_STRATES"))), os.O_RDONLY)


def kernel_path(folder: str) -> str:
    return os.path.join(folder, "kernel", "bedrock.elf")


def boot_path(target: str, folder: str) -> str:
    """What the machine boots: the ELF file, or a flat image of it."""
    return os.path.join(folder, "kernel", ARCHITECTURES[target].kernel)


def archive_path(folder: str, with_tests: bool = False) -> str:
    return os.path.join(folder, "test.archive" if with_tests else "boot.archive")


def ready_system(target: str) -> System:
    """The system built from the sources as they are now, building only if something changed."""
    packages.ensure("build", *ARCHITECTURES[target].package_groups)
    folder = paths.target_build(target)
    products = (boot_path(target, folder), archive_path(folder), archive_path(folder, with_tests=True))
    lock = folder + ".lock"
    waiting = "another build is under way, waiting for it"
    with file_lock(lock, shared=True, announce=waiting):
        if _is_fresh(folder, *products):
            return System(target)
    with file_lock(lock, announce=waiting):
        if not _is_fresh(folder, *products):
            _build_locked(target, folder, lambda: _make_archive(target, folder))
        return System(target)


def ready_checked_kernel(target: str) -> str:
    """A kernel that checks the order of its locks, for ASTRATA_KERNEL."""
    packages.ensure("build")
    folder = paths.target_build(target) + "-checked"
    with file_lock(folder + ".lock", announce="another build is under way, waiting for it"):
        if not os.path.exists(os.path.join(folder, "build.ninja")):
            _configure(target, folder, "-DASTRATA_CHECK_LOCKS=ON")
        _run(["ninja", "-C", folder, "-j", str(os.cpu_count() or 1), "--quiet", "bedrock"], "the build")
    return boot_path(target, folder)


def ready_host() -> str:
    """Folder with the host build, brought up to date."""
    packages.ensure("build", "unit-tests")
    with file_lock(paths.HOST_BUILD + ".lock", announce="another build is under way, waiting for it"):
        if not _is_fresh(paths.HOST_BUILD):
            _build_locked("host", paths.HOST_BUILD)
    return paths.HOST_BUILD


def _is_fresh(folder: str, *products: str) -> bool:
    try:
        with open(os.path.join(folder, "built-from"), encoding="utf-8") as file:
            return file.read() == fingerprint.of_sources() and all(map(os.path.exists, products))
    except OSError:
        return False


def _build_locked(target: str, folder: str, finish=None) -> None:
    """One configure (if needed), one build and `finish()`; records the fingerprint that the sources had before."""
    before = fingerprint.of_sources()
    stamp = os.path.join(folder, "built-from")
    if os.path.exists(stamp):
        os.unlink(stamp)
    say("building host tools and tests" if target == "host" else f"building the system for {target}")
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        _configure(target, folder)
    ninja = ["ninja", "-C", folder, "-j", str(os.cpu_count() or 1), "--quiet"]
    # What is generated changes before ninja looks at it: a run that makes a header does not compile what includes it anew.
    _run([*ninja, "astrata_generated"], "generating sources")
    _run(ninja, "the build")
    if finish:
        finish()
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(before)


def _configure(target: str, folder: str, *options: str) -> None:
    _run(["cmake", "-G", "Ninja", "-S", paths.ROOT, "-B", folder, f"-DASTRATA_TARGET={target}",
          "-DCMAKE_CXX_COMPILER=clang++-22", "-DCMAKE_ASM_COMPILER=clang-22",
          "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache", "-DPython3_EXECUTABLE=/usr/bin/python3", *options], "configuring")


def _make_archive(target: str, folder: str) -> None:
    from astrata import boot_archive

    for with_tests in (False, True):
        boot_archive.build(target, folder, archive_path(folder, with_tests), with_tests=with_tests)


def _run(command: list[str], what: str) -> None:
    """Runs a build tool that dies with this process; on failure shows its output and raises."""
    import subprocess

    result = subprocess.run(["setpriv", "--pdeathsig", "TERM", *command], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if result.returncode != 0:
        # Compilers' command lines run to kilobytes and explain nothing.
        lines = [line if len(line) <= 300 else line[:300] + "..." for line in result.stdout.splitlines()
                 if "GLOB mismatch" not in line]
        # The first failures explain the rest.
        shown = lines if len(lines) <= 120 else [*lines[:100], f"... ({len(lines) - 100} more lines)"]
        raise CommandError("\n".join([f"{what} failed", *shown]))
