"""Chooses the subcommand and turns errors into one line and a status."""
from __future__ import annotations

import sys

from astrata.errors import CommandError, UsageError

# Subcommand -> (module, one line). Modules are imported when used: `run` should not pay for `bench`.
COMMANDS = {
    "run": ("run_command", "boot the system; with a command, run it and exit with its status"),
    "test": ("test_command", "build everything and run the whole suite, or what matches FILTER"),
    "bench": ("bench_command", "measure, and print the figures beside their goals"),
    "build": ("build_command", "build host tools and the system"),
    "image": ("image_command", "make a bootable ISO or disk image"),
    "debug": ("debug_command", "boot under gdb, stopped at the first instruction"),
    "new": ("scaffold_command", "write the skeleton of a driver, strate or syscall"),
    "fmt": ("format_command", "format the sources with clang-format"),
    "lint": ("lint_command", "check layering and architecture rules, with --tidy also clang-tidy"),
}


def overview() -> str:
    """Text of `./astrata help`."""
    width = max(map(len, COMMANDS))
    lines = ["usage: ./astrata SUBCOMMAND [OPTION...] [-- COMMAND ARGUMENT...]", ""]
    lines += [f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(lines + ["", "./astrata help SUBCOMMAND shows its options."])


def details(name: str) -> str:
    """Text of `./astrata help NAME`."""
    module = load(name)
    lines = [f"usage: ./astrata {name} {module.USAGE}".rstrip(), "", f"{COMMANDS[name][1]}", ""]
    shown = [(f"{option.name} {option.value or ''}".rstrip(), option.help) for option in module.OPTIONS]
    width = max((len(left) for left, _ in shown), default=0)
    return "\n".join(lines + [f"  {left:<{width}}  {text}" for left, text in shown]).rstrip()


def load(name: str):
    """Imports the module behind a subcommand."""
    if name not in COMMANDS:
        raise UsageError(f"unknown subcommand {name!r} (see ./astrata help)")
    from importlib import import_module

    return import_module("astrata." + COMMANDS[name][0])


def main(words: list[str]) -> int:
    """Runs `./astrata WORDS...` and returns its exit status."""
    try:
        if not words:
            print(overview(), file=sys.stderr)
            return 2
        if words[0] in ("help", "--help", "-h"):
            print(details(words[1]) if len(words) > 1 else overview())
            return 0
        options = words[1 : words.index("--")] if "--" in words else words[1:]
        if "--help" in options or "-h" in options:
            print(details(words[0]))
            return 0
        return load(words[0]).main(words[1:])
    except CommandError as error:
        print(f"astrata: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141
    except OSError as error:
        if not error.filename:
            raise
        print(f"astrata: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
