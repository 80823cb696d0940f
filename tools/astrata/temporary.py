"""Temporary folders that vanish with their run: on exit, and if it was killed, when the next run starts."""
from __future__ import annotations

import os
from contextlib import contextmanager

from astrata import paths


def _base() -> str:
    return os.path.join(paths.cache(), "temporary")


@contextmanager
def temporary_folder(purpose: str):
    """A fresh folder named after this process; it and everything in it is removed at the end."""
    import shutil
    import tempfile

    remove_orphans()
    os.makedirs(_base(), exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f"{os.getpid()}.{_start_time(os.getpid())}.{purpose}.", dir=_base())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, onerror=_make_removable)


def remove_orphans() -> None:
    """Removes the folders of runs that are no more. The start time tells a reused process number from the old owner."""
    try:
        names = os.listdir(_base())
    except OSError:
        return
    for name in names:
        owner, started, *_ = name.split(".") + ["", ""]
        if owner.isdigit() and _start_time(int(owner)) != started:
            import shutil

            shutil.rmtree(os.path.join(_base(), name), onerror=_make_removable)


def _start_time(process: int) -> str:
    """Start time of a process in clock ticks since boot; "gone" if there is none. Field 22 of /proc/PID/stat."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        return "gone"


def _make_removable(function, path, _error) -> None:
    """Unpacked trees may hold folders without write permission; gives it and tries again, once."""
    try:
        os.chmod(os.path.dirname(path), 0o700)
        if os.path.isdir(path) and not os.path.islink(path):
            os.chmod(path, 0o700)
            for inner, folders, _ in os.walk(path):
                for folder in folders:
                    os.chmod(os.path.join(inner, folder), 0o700, follow_symlinks=True)
        function(path)
    except OSError:
        pass
