"""./astrata fmt: formats C++ sources as .clang-format says."""
from __future__ import annotations

import os
import subprocess

from astrata import packages, paths
from astrata.errors import CommandError
from astrata.options import Option, parse

USAGE = "[OPTION...] [FILE...]"
OPTIONS = [
    Option("--all", help="every source file, not only those that differ from the last commit"),
    Option("--check", help="change nothing, fail if something would change"),
]
EXTENSIONS = (".h", ".cc", ".c")


def main(words: list[str]) -> int:
    """Runs `./astrata fmt WORDS...`."""
    arguments = parse("fmt", OPTIONS, words)
    packages.ensure("format")
    files = [os.path.abspath(path) for path in arguments.positional] or sources(arguments.all)
    if not files:
        return 0
    mode = ["--dry-run", "--Werror"] if arguments.check else ["-i"]
    result = subprocess.run(["clang-format-22", *mode, *files], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, check=False)
    if result.returncode != 0:
        raise CommandError(result.stdout.strip() or "clang-format failed")
    return 0


def sources(every: bool) -> list[str]:
    """Source files of the tree (or only changed and new ones), by git."""
    listing = [["git", "ls-files", "-z"]] if every else [["git", "diff", "--name-only", "-z", "--diff-filter=d", "HEAD"]]
    listing.append(["git", "ls-files", "-z", "--others", "--exclude-standard"])
    names: set[str] = set()
    for command in listing:
        output = subprocess.run(command, cwd=paths.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                check=False)
        if output.returncode != 0:
            raise CommandError(output.stderr.strip())
        names.update(output.stdout.split("\0"))
    return sorted(os.path.join(paths.ROOT, name) for name in names
                  if name.endswith(EXTENSIONS) and "/golden" not in name and os.path.exists(os.path.join(paths.ROOT, name)))
