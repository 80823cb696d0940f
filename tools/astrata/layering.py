"""Rules of the layout that the compiler does not know: which folder may include which, and where architectures may show."""
from __future__ import annotations

import os
import re

from astrata import paths

LAYERS = ("abi", "lib", "kernel", "sdk", "strates", "apps")
MAY_INCLUDE = {
    "abi": {"abi"},
    "lib": {"abi", "lib"},
    "kernel": {"abi", "lib", "kernel"},
    "sdk": {"abi", "lib", "sdk"},
    "strates": {"abi", "lib", "sdk", "strates"},
    "apps": {"abi", "lib", "sdk", "apps"},
}
ARCHITECTURE_FOLDERS = ("kernel/arch/", "kernel/platform/", "lib/mmio/", "lib/freestanding/")
ARCHITECTURE = re.compile(
    r"^\s*#\s*(?:if|ifdef|ifndef|elif|elifdef)\b.*\b(?:__x86_64__|__i386__|__amd64__|__aarch64__|__arm__|__riscv\w*)")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
LONG_FILE = 800


def source_files(root: str = paths.ROOT) -> list[str]:
    """C++ and assembler files of the system, relative to `root`."""
    found = []
    for layer in LAYERS:
        for folder, folders, names in os.walk(os.path.join(root, layer)):
            folders[:] = sorted(name for name in folders if name not in ("golden", "goldens", "__pycache__"))
            found += [os.path.relpath(os.path.join(folder, name), root) for name in sorted(names)
                      if name.endswith((".h", ".cc", ".S", ".inc"))]
    return found


def check_text(name: str, text: str, homes: set[str]) -> list[str]:
    """Problems of one file. `homes` are the folders with a strate.toml: code in one does not use another's."""
    problems = []
    layer = name.split("/")[0]
    for number, line in enumerate(text.splitlines(), start=1):
        if ARCHITECTURE.match(line) and not name.startswith(ARCHITECTURE_FOLDERS):
            problems.append(f"{name}:{number}: architecture conditional outside {', '.join(ARCHITECTURE_FOLDERS)}")
        found = INCLUDE.match(line)
        if not found:
            continue
        included = found[1]
        target = included.split("/")[0]
        if "/../" in included or included.startswith("../"):
            problems.append(f"{name}:{number}: includes by a relative path: {included}")
        elif name.startswith("lib/base/") and target in LAYERS and not included.startswith("lib/base/"):
            problems.append(f"{name}:{number}: lib/base depends on nothing: {included}")
        elif included.startswith("lib/base/"):
            continue  # the vocabulary (Result, Bytes, units) that generated code speaks too
        elif target in LAYERS and target not in MAY_INCLUDE[layer]:
            problems.append(f"{name}:{number}: {layer}/ may not depend on {target}/: {included}")
        elif target == layer and layer in ("strates", "apps"):
            own, other = _home(name, homes), _home(included, homes)
            if other and own != other:
                problems.append(f"{name}:{number}: {own or name} may not depend on {other}: {included}")
    return problems


def _home(name: str, homes: set[str]) -> str:
    folder = os.path.dirname(name)
    while folder and folder not in homes:
        folder = os.path.dirname(folder)
    return folder


def check(root: str = paths.ROOT) -> tuple[list[str], list[str]]:
    """(problems, notices) of the whole tree; a notice is worth a look and no more."""
    files = source_files(root)
    homes = {os.path.relpath(folder, root) for layer in ("strates", "apps")
             for folder, _, names in os.walk(os.path.join(root, layer)) if "strate.toml" in names}
    problems, notices = [], []
    for name in files:
        with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
            text = file.read()
        problems += check_text(name, text, homes)
        length = text.count("\n")
        if length > LONG_FILE:
            notices.append(f"{name}: {length} lines, probably more than one idea")
    return problems, notices
