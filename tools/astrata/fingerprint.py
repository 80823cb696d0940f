"""Has anything changed? Fingerprints of file trees from their metadata, in a few milliseconds for the whole source tree."""
from __future__ import annotations

import os

from astrata import paths

# What the builds read. Everything else (docs, scenarios) can change without a rebuild.
SOURCES = ["CMakeLists.txt", "abi", "apps", "kernel", "lib", "sdk", "strates", "tools/cmake"]
IMAGE_TOOLS = ["boot_archive.py", "built_in_root.py", "cpio.py"]


def of_paths(names: list[str], root: str) -> str:
    """Fingerprint of files and folders (recursively) below `root`: name, kind, size, time and inode of each."""
    import hashlib

    lines: list[str] = []
    for name in names:
        path = os.path.join(root, name)
        if os.path.isdir(path):
            _walk(path, lines)
        elif os.path.exists(path):
            _add(path, os.stat(path), lines)
    return hashlib.sha256("\n".join(sorted(lines)).encode("utf-8", "surrogateescape")).hexdigest()


def of_sources() -> str:
    """Fingerprint of everything that the builds and the boot archive are made from."""
    return of_paths(SOURCES + [os.path.join("tools/astrata", name) for name in IMAGE_TOOLS], paths.ROOT)


def _walk(folder: str, lines: list[str]) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name == "__pycache__":
                continue
            if entry.is_dir(follow_symlinks=False):
                _walk(entry.path, lines)
            else:
                _add(entry.path, entry.stat(follow_symlinks=False), lines)


def _add(path: str, status: os.stat_result, lines: list[str]) -> None:
    lines.append(f"{path} {status.st_mode} {status.st_size} {status.st_mtime_ns} {status.st_ino}")
