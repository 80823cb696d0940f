"""The boot archive's format: cpio "newc" (portable ASCII with SVR4 magic 070701), with file data on page boundaries.

A regular file's name is followed by as many NUL bytes (counted in its size, as the format allows) as bring its data to a
multiple of the page size, so that the system can map a file straight from the archive. Stock cpio tools read it.
"""
from __future__ import annotations

import stat

PAGE = 4096
HEADER = 110
TRAILER = "TRAILER!!!"


class Entry:
    """One member: a path without leading slash, a full mode (type and permissions), and its bytes."""

    def __init__(self, path: str, mode: int, data: bytes = b""):
        if not path or path.startswith("/") or "\0" in path or ".." in path.split("/"):
            raise ValueError(f"not a path inside an archive: {path!r}")
        self.path, self.mode, self.data = path, mode, data


def file(path: str, data: bytes, mode: int = 0o644) -> Entry:
    return Entry(path, stat.S_IFREG | mode, data)


def directory(path: str, mode: int = 0o755) -> Entry:
    return Entry(path, stat.S_IFDIR | mode)


def symlink(path: str, target: str) -> Entry:
    return Entry(path, stat.S_IFLNK | 0o777, target.encode("utf-8", "surrogateescape"))


def write(entries: list[Entry], page: int = PAGE) -> bytes:
    """The archive as bytes. The same entries give the same bytes: no times, no host's inode numbers."""
    output = bytearray()
    seen: set[str] = set()
    for inode, entry in enumerate(entries, start=1):
        if entry.path in seen:
            raise ValueError(f"twice in one archive: {entry.path}")
        seen.add(entry.path)
        if len(entry.data) >= 1 << 32:
            raise ValueError(f"too large for a boot archive: {entry.path}")
        align = page if stat.S_ISREG(entry.mode) and entry.data else 4
        _append(output, entry.path, inode, entry.mode, entry.data, align)
    _append(output, TRAILER, 0, 0, b"", 4)
    output += bytes(-len(output) % page)
    return bytes(output)


def _append(output: bytearray, path: str, inode: int, mode: int, data: bytes, align: int) -> None:
    name = path.encode("utf-8", "surrogateescape") + b"\0"
    name += bytes(-(len(output) + HEADER + len(name)) % align)
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (inode, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(name), 0)
    output += b"070701" + b"".join(b"%08X" % field for field in fields)
    output += name
    output += bytes(-len(output) % 4)
    output += data
    output += bytes(-len(output) % 4)


def read(archive: bytes) -> dict[str, Entry]:
    """Members by path, for tests and `image`; raises ValueError on anything that is not newc."""
    entries: dict[str, Entry] = {}
    offset = 0
    while True:
        header = archive[offset : offset + HEADER]
        if len(header) < HEADER or header[:6] != b"070701":
            raise ValueError(f"no cpio header at offset {offset}")
        fields = [int(header[6 + 8 * index : 14 + 8 * index], 16) for index in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = archive[offset + HEADER : offset + HEADER + name_size].split(b"\0")[0].decode("utf-8", "surrogateescape")
        offset += HEADER + name_size
        offset += -offset % 4
        if name == TRAILER:
            return entries
        if offset + size > len(archive):
            raise ValueError(f"{name}: data past the end of the archive")
        entries[name] = Entry(name, mode, archive[offset : offset + size])
        entries[name].offset = offset
        offset += size
        offset += -offset % 4
