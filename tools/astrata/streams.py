"""Byte streams between descriptors, non-blocking, with bounded buffers: who reads slowly slows down who writes."""
from __future__ import annotations

import os
import stat

CHUNK = 1 << 16
CAPACITY = 1 << 18


class Reader:
    """Reads what is there. Does not change the flags of descriptors that other processes share with us."""

    def __init__(self, descriptor: int):
        self.fd = descriptor
        self.at_end = False
        self.total = 0

    def read(self) -> bytes:
        """Some bytes; empty when there is nothing now or (`at_end`) never again. Call when poll says readable."""
        try:
            data = os.read(self.fd, CHUNK)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError:  # a terminal that hung up, a peer that died: nothing more will come
            data = b""
        self.at_end = not data
        self.total += len(data)
        return data


class Writer:
    """Buffers and writes without ever blocking the loop; `broken` once the other side no longer listens."""

    def __init__(self, descriptor: int):
        self.fd, self._limit, self._own = _non_blocking(descriptor)
        self._buffer = bytearray()
        self.broken = False
        self.total = 0

    @property
    def pending(self) -> int:
        return len(self._buffer)

    @property
    def has_room(self) -> bool:
        return len(self._buffer) < CAPACITY

    def put(self, data: bytes) -> None:
        """Queues bytes and writes what goes at once."""
        if self.broken:
            return
        self._buffer += data
        self.flush()

    def flush(self) -> None:
        """Writes as much as is accepted now. Call when poll says writable."""
        while self._buffer and not self.broken:
            try:
                with memoryview(self._buffer) as view:
                    written = os.write(self.fd, view[: self._limit])
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self.broken = True
                self._buffer.clear()
                return
            self.total += written
            del self._buffer[:written]
            if self._limit < CHUNK:
                return  # only one write is known not to block; ask poll before the next

    def close(self) -> None:
        if self._own:
            os.close(self.fd)


def _non_blocking(descriptor: int) -> tuple[int, int, bool]:
    """Descriptor to write to, how much at once, and whether it is our own.

    O_NONBLOCK belongs to the open file, which our parent shares, so pipes and terminals are opened anew through /proc.
    Where that is not allowed, one write of a page after poll said "writable" does not block either.
    """
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode) or not os.get_blocking(descriptor):
        return descriptor, CHUNK, False
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        try:
            own = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
            return own, CHUNK, True
        except OSError:
            pass
    return descriptor, 4096, False


class Tail:
    """The last bytes of a log that may be long."""

    def __init__(self, capacity: int = 1 << 16):
        self._data, self._capacity = bytearray(), capacity

    def put(self, data: bytes) -> None:
        self._data += data
        del self._data[: -self._capacity]

    def text(self) -> str:
        return self._data.decode("utf-8", "replace").replace("\r\n", "\n")
