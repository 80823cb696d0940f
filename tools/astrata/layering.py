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
# Where machines may be told apart: their own folders, and the files that describe them to the build and to ./astrata.
MACHINE_PLACES = re.compile(r"(?:^|/)(?:arch|platform)/|^tools/cmake/machines/|^tools/astrata/architectures\.py$|_test\.py$")
MACHINE_NAME = r"(?:x86|i386|ia32|amd64|aarch64|arm64|__arm|riscv)"
# A condition on one of their names, by the file's extension.
_PREPROCESSOR = re.compile(r"^\s*#\s*(?:el)?if\w*\b.*" + MACHINE_NAME, re.IGNORECASE)
_CMAKE = re.compile(r"^\s*(?:else)?if\s*\(.*" + MACHINE_NAME, re.IGNORECASE)
_PYTHON = re.compile(r"\b(?:if|elif|while|and|or|assert)\b.*[\"']\w*" + MACHINE_NAME + r"\w*[\"']", re.IGNORECASE)
MACHINE_CONDITIONS = {".h": _PREPROCESSOR, ".cc": _PREPROCESSOR, ".S": _PREPROCESSOR, ".inc": _PREPROCESSOR, ".ld": _PREPROCESSOR,
                      ".cmake": _CMAKE, ".txt": _CMAKE, ".py": _PYTHON}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
LONG_FILE = 800


def source_files(root: str = paths.ROOT) -> list[str]:
    """The system's sources and those of its tools, relative to `root`."""
    found = ["CMakeLists.txt"] if os.path.exists(os.path.join(root, "CMakeLists.txt")) else []
    for layer in (*LAYERS, "tools"):
        for folder, folders, names in os.walk(os.path.join(root, layer)):
            folders[:] = sorted(name for name in folders if name not in ("golden", "goldens", "__pycache__"))
            found += [os.path.relpath(os.path.join(folder, name), root) for name in sorted(names)
                      if name.endswith(tuple(MACHINE_CONDITIONS))]
    return found


def check_text(name: str, text: str, homes: set[str]) -> list[str]:
    """Problems of one file. `homes` are the folders with a strate.toml: code in one does not use another's."""
    problems = []
    layer = name.split("/")[0]
    condition = MACHINE_CONDITIONS.get(os.path.splitext(name)[1])
    if MACHINE_PLACES.search(name):
        condition = None
    for number, line in enumerate(text.splitlines(), start=1):
        if condition is not None and condition.search(line):
            problems.append(f"{name}:{number}: a condition on the machine, outside arch/, platform/ and descriptions of machines")
        found = INCLUDE.match(line)
        if not found or layer not in MAY_INCLUDE:
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
