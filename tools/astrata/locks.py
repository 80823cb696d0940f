"""File locks between runs of ./astrata; the kernel releases them when their holder dies, however it dies."""
from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager

from astrata.messages import say


@contextmanager
def file_lock(path: str, shared: bool = False, announce: str | None = None):
    """Holds a lock on `path`; says `announce` once if somebody else has it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if announce:
                say(announce)
            fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)
