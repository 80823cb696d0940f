"""Compiles the benchmark programs: static Linux binaries, the same files for both systems."""
from __future__ import annotations

import os
import subprocess

from astrata import cpio, paths

SOURCES = os.path.join(paths.ROOT, "tests", "benchmarks")
FOLDER = os.path.join(paths.BUILD, "benchmarks")
PROGRAMS = {"linux_calls": "linux_calls.c", "sequential_read": "sequential_read.c", "linux_init": "linux_init.c",
            "first_instruction": "first_instruction.S"}


def build() -> dict[str, str]:
    """Name -> path of each program, compiled if its source is newer."""
    os.makedirs(FOLDER, exist_ok=True)
    built = {}
    for name, source in PROGRAMS.items():
        source = os.path.join(SOURCES, source)
        program = built[name] = os.path.join(FOLDER, name)
        if os.path.exists(program) and os.stat(program).st_mtime > os.stat(source).st_mtime:
            continue
        flags = ["-nostdlib"] if source.endswith(".S") else ["-O2", "-pthread"]
        temporary = f"{program}.{os.getpid()}"
        subprocess.run(["clang-22", "-static", *flags, source, "-o", temporary], check=True)
        os.replace(temporary, program)
    return built


def members(prefix: str) -> list[cpio.Entry]:
    """The programs as archive members below `prefix`."""
    entries = [cpio.directory(prefix)]
    for name, path in sorted(build().items()):
        with open(path, "rb") as file:
            entries.append(cpio.file(f"{prefix}/{name}", file.read(), 0o755))
    return entries


def ticks_per_second() -> float:
    """Rate of the host's time stamp counter, which is the guest's in plain TCG."""
    source = ("#include <stdio.h>\n#include <time.h>\n#include <x86intrin.h>\n"
              "static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }\n"
              "int main(void) { double a = now(); unsigned long long x = __rdtsc(); while (now() < a + 0.2) {} "
              'unsigned long long y = __rdtsc(); printf("%.0f\\n", (double)(y - x) / (now() - a)); }\n')
    program = os.path.join(FOLDER, f"ticks.{os.getpid()}")
    os.makedirs(FOLDER, exist_ok=True)
    subprocess.run(["clang-22", "-O1", "-x", "c", "-", "-o", program], input=source.encode(), check=True)
    try:
        return float(subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout)
    finally:
        os.unlink(program)
