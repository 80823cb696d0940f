"""./astrata lint: rules that compilers do not check; with --tidy also clang-tidy on the host build."""
from __future__ import annotations

import os
import subprocess

from astrata import build, conformance, format_command, layering, packages, paths
from astrata.errors import CommandError
from astrata.messages import say
from astrata.options import Option, no_words, parse

USAGE = "[OPTION...]"
OPTIONS = [
    Option("--tidy", help="also clang-tidy, on sources that differ from the last commit"),
    Option("--all", help="with --tidy: on all sources"),
]
CHECKS = ("-*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-macro-parentheses,clang-analyzer-*,"
          "performance-*,misc-unused-*,bugprone-unused-return-value,cert-err33-c")


def main(words: list[str]) -> int:
    """Runs `./astrata lint WORDS...`."""
    arguments = parse("lint", OPTIONS, words)
    no_words("lint", arguments)
    problems, notices = layering.check()
    from astrata.test_command import all_names, usual_places

    problems += conformance.check_files(None, set(all_names(places=usual_places())))
    for notice in notices:
        say("notice: " + notice)
    if arguments.tidy:
        problems += tidy(arguments.all)
    if problems:
        raise CommandError("\n".join(["lint:", *problems]))
    return 0


def tidy(every: bool) -> list[str]:
    """clang-tidy's findings in sources of the host build."""
    packages.ensure("tidy")
    folder = build.ready_host()
    files = [path for path in format_command.sources(every) if path.endswith(".cc")
             and os.path.relpath(path, paths.ROOT).startswith("lib/")]
    if not files:
        return []
    result = subprocess.run(["clang-tidy-22", "--quiet", f"--checks={CHECKS}", "-p", folder, *files],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return [line for line in result.stdout.splitlines() if "warning:" in line or "error:" in line]
