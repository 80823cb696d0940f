"""Compiles the benchmark programs: static Linux binaries, the same files for both systems and, but for arch/, all architectures."""
from __future__ import annotations

import os
import subprocess

from astrata import cpio, paths
from astrata.architectures import ARCHITECTURES, NATIVE

SOURCES = os.path.join(paths.ROOT, "tests", "benchmarks")
FOLDER = os.path.join(paths.BUILD, "benchmarks")
PROGRAMS = {"linux_calls": "linux_calls.c", "sequential_read": "sequential_read.c", "linux_init": "linux_init.c",
            "first_instruction": "first_instruction.S"}


def folder(architecture: str) -> str:
    return FOLDER if ARCHITECTURES[architecture].is_native else f"{FOLDER}-{architecture}"


def build(architecture: str = NATIVE) -> dict[str, str]:
    """Name -> path of each program, compiled if its source is newer."""
    os.makedirs(folder(architecture), exist_ok=True)
    machine_sources = os.path.join(SOURCES, "arch", architecture)
    compiler = "clang-22" if ARCHITECTURES[architecture].is_native else f"{architecture}-linux-gnu-gcc"
    built = {}
    for name, source in PROGRAMS.items():
        source = os.path.join(machine_sources if source.endswith(".S") else SOURCES, source)
        program = built[name] = os.path.join(folder(architecture), name)
        newest = max(os.stat(path).st_mtime for path in (source, os.path.join(machine_sources, "ticks.h")))
        if os.path.exists(program) and os.stat(program).st_mtime > newest:
            continue
        flags = ["-nostdlib"] if source.endswith(".S") else ["-O2", "-pthread", f"-I{machine_sources}"]
        temporary = f"{program}.{os.getpid()}"
        subprocess.run([compiler, "-static", *flags, source, "-o", temporary], check=True)
        os.replace(temporary, program)
    return built


def members(prefix: str, architecture: str = NATIVE) -> list[cpio.Entry]:
    """The programs as archive members below `prefix`."""
    entries = [cpio.directory(prefix)]
    for name, path in sorted(build(architecture).items()):
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
