"""./astrata new: skeletons that build, run and have a test from the start."""
from __future__ import annotations

import os
import re
import subprocess

from astrata import paths, scaffold_templates as templates
from astrata.errors import CommandError, UsageError
from astrata.messages import say
from astrata.options import parse

USAGE = "strate NAME | driver CLASS/NAME | syscall NAME"
OPTIONS: list = []
STRATE_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
SYSCALL_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")


def main(words: list[str]) -> int:
    """Runs `./astrata new WORDS...`."""
    arguments = parse("new", OPTIONS, words)
    if len(arguments.positional) != 2 or arguments.positional[0] not in ("strate", "driver", "syscall"):
        raise UsageError(f"new: expected {USAGE}")
    kind, name = arguments.positional
    make = {"strate": new_strate, "driver": new_driver, "syscall": new_syscall}[kind]
    for path in make(paths.ROOT, name):
        say(f"wrote {os.path.relpath(path, paths.ROOT)}")
    return 0


def new_strate(root: str, name: str) -> list[str]:
    """A server with an interface of its own, and a test of the two."""
    _check_name(STRATE_NAME, name, "words of lower-case letters joined by -")
    words = _words(name)
    folder = os.path.join(root, "strates", name)
    written = _write_all(words, {
        os.path.join(root, "abi", "interfaces", f"{words['snake']}.abi"): templates.INTERFACE,
        f"{folder}/README.md": templates.STRATE_README,
        f"{folder}/strate.toml": templates.STRATE_MANIFEST,
        f"{folder}/server.h": templates.STRATE_SERVER,
        f"{folder}/server_test.cc": templates.STRATE_TEST,
        f"{folder}/main.cc": templates.STRATE_MAIN,
    })
    _accept_goldens(root)
    return written


def new_driver(root: str, name: str) -> list[str]:
    """A driver for a PCI device: finds its registers and its interrupt, and counts interrupts."""
    device_class, slash, device = name.partition("/")
    if not slash:
        raise UsageError("new driver: expected CLASS/NAME, such as block/foo")
    for part in (device_class, device):
        _check_name(STRATE_NAME, part, "words of lower-case letters joined by -")
    words = {**_words(device), "class": device_class}
    folder = os.path.join(root, "strates", "drivers", device_class, device)
    return _write_all(words, {
        f"{folder}/README.md": templates.DRIVER_README,
        f"{folder}/strate.toml": templates.DRIVER_MANIFEST,
        f"{folder}/registers.h": templates.DRIVER_REGISTERS,
        f"{folder}/registers_test.cc": templates.DRIVER_TEST,
        f"{folder}/main.cc": templates.DRIVER_MAIN,
    })


def new_syscall(root: str, name: str) -> list[str]:
    """A declaration at the end of abi/syscalls.abi (numbers are append-only) and its handler."""
    _check_name(SYSCALL_NAME, name, "lower-case words joined by _, object first: memory_object_clone")
    declarations = os.path.join(root, "abi", "syscalls.abi")
    with open(declarations, encoding="utf-8") as file:
        text = file.read()
    if re.search(rf"^syscall {name}\(", text, re.MULTILINE):
        raise UsageError(f"there is a system call {name} already")
    words = {**_words(name.replace("_", "-")), "name": name}
    written = _write_all(words, {os.path.join(root, "kernel", "trap", f"{name}.cc"): templates.SYSCALL_HANDLER})
    with open(declarations, "w", encoding="utf-8") as file:
        file.write(text.rstrip("\n") + "\n" + fill(templates.SYSCALL_DECLARATION, words))
    _accept_goldens(root)
    return [declarations, *written]


def fill(template: str, words: dict[str, str]) -> str:
    """Replaces @word@ marks; C++ and TOML are full of braces, so nothing that uses them."""
    return re.sub(r"@([a-z]+)@", lambda found: words[found[1]], template)


def _words(name: str) -> dict[str, str]:
    parts = name.split("-")
    return {"name": name, "snake": "_".join(parts), "pascal": "".join(part.capitalize() for part in parts),
            "text": " ".join(parts)}


def _check_name(pattern: re.Pattern, name: str, rule: str) -> None:
    if not pattern.fullmatch(name) or len(name) > 31:
        raise UsageError(f"new: {name!r} is no good name; use {rule}, at most 31 characters")


def _write_all(words: dict[str, str], files: dict[str, str]) -> list[str]:
    for path in files:
        if os.path.exists(path):
            raise UsageError(f"new: {path} exists already")
    for path, template in files.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(fill(template, words))
    return list(files)


def _accept_goldens(root: str) -> None:
    command = ["/usr/bin/python3", "-S", os.path.join(root, "abi", "compiler", "main.py"), "--source", root,
               "--update-goldens"]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        raise CommandError(result.stdout.strip())
