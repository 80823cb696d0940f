"""./astrata build: the system and the host's tests, without running anything."""
from __future__ import annotations

import os
import subprocess

from astrata import architectures, build, paths
from astrata.errors import CommandError, UsageError
from astrata.messages import say
from astrata.options import Option, parse

USAGE = "[OPTION...] [system|host|reference]"
OPTIONS = [Option("--arch", "ARCHITECTURE", convert=architectures.architecture, help="x86_64 (also without this option), aarch64 or riscv64")]
PARTS = ("system", "host", "reference")


def main(words: list[str]) -> int:
    """Runs `./astrata build WORDS...`."""
    arguments = parse("build", OPTIONS, words)
    arch = arguments.arch or architectures.default()
    parts = arguments.positional or list(PARTS)
    for part in parts:
        if part not in PARTS:
            raise UsageError(f"build: unknown part {part!r}, expected {', '.join(PARTS)}")
    if "system" in parts:
        build.ready_system(arch)
        say(f"the system is in {os.path.relpath(paths.target_build(arch))}")
    if "host" in parts:
        build.ready_host()
        say(f"the host's tests are in {os.path.relpath(paths.HOST_BUILD)}")
    if "reference" in parts:
        build_reference()
    return 0


def build_reference() -> None:
    """Writes the pages on system calls and interfaces."""
    folder = os.path.join(paths.BUILD, "reference")
    command = ["/usr/bin/python3", "-S", os.path.join(paths.ROOT, "abi", "compiler", "main.py"), "--source", paths.ROOT,
               "--reference", folder]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        raise CommandError(result.stdout.strip())
    say(f"reference pages are in {os.path.relpath(folder)}")
