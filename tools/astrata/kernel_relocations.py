"""Writes the table by which Bedrock moves itself to a random place (kernel/arch/x86_64/boot/start.cc) into the linked image.

The image is linked with --emit-relocs at a fixed address. Sites that hold absolute addresses of the image (R_X86_64_64 and
R_X86_64_32S) go into its section .relocations: a count, then a word each, the site's distance from the image's start, doubled,
plus one if the address has eight bytes. R_X86_64_32 is for physical addresses, in the boot code only, and relative ones move along.
"""
from __future__ import annotations

import struct
import sys

R_64, R_PC32, R_PLT32, R_32, R_32S, R_PC64 = 1, 2, 4, 10, 11, 24
RELATIVE = (R_PC32, R_PLT32, R_PC64)
SHT_RELA, SHT_SYMTAB, SHF_ALLOC, SHN_ABS, SHN_COMMON = 4, 2, 2, 0xfff1, 0xfff2
PHYSICAL_SECTIONS = (".boot", ".note.pvh")


class ImageError(Exception):
    """The image cannot be moved; the text says why."""


class Section:
    def __init__(self, data: bytes, at: int):
        (self.name_at, self.type, self.flags, self.address, self.offset, self.size, self.link, self.info, _, _) = struct.unpack_from(
            "<IIQQQQIIQQ", data, at)
        self.name = ""


def sections(data: bytes) -> list[Section]:
    """The section headers of a 64-bit little-endian ELF file."""
    if data[:6] != b"\x7fELF\x02\x01":
        raise ImageError("not a 64-bit little-endian ELF file")
    (start,) = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    found = [Section(data, start + index * size) for index in range(count)]
    for section in found:
        at = found[names].offset + section.name_at
        section.name = data[at:data.index(b"\0", at)].decode()
    return found


def symbol_sections(data: bytes, table: Section) -> list[int]:
    return [struct.unpack_from("<H", data, table.offset + at + 6)[0] for at in range(0, table.size, 24)]


def sites(data: bytes, image_start: int) -> list[int]:
    """The words of the table, ascending."""
    found = sections(data)
    words = []
    for section in found:
        target = found[section.info] if section.type == SHT_RELA else None
        if target is None or target.flags & SHF_ALLOC == 0:
            continue
        homes = symbol_sections(data, found[section.link])
        for at in range(section.offset, section.offset + section.size, 24):
            address, info, _ = struct.unpack_from("<QQq", data, at)
            kind, home = info & 0xffffffff, homes[info >> 32]
            if home in (0, SHN_ABS, SHN_COMMON):
                raise ImageError(f"{target.name} refers at {address:#x} to a symbol outside the image")
            if kind in (R_64, R_32S):
                words.append((address - image_start) << 1 | (kind == R_64))
            elif not (kind in RELATIVE or kind == R_32 and target.name in PHYSICAL_SECTIONS):
                raise ImageError(f"{target.name} has a relocation of type {kind} at {address:#x}")
    return sorted(words)


def write_table(data: bytearray) -> int:
    """Puts the table into the image; returns how many sites it has."""
    image_start = next(section.address for section in sections(data) if section.name == ".boot")
    place = next(section for section in sections(data) if section.name == ".relocations")
    words = sites(data, image_start)
    if not words:
        raise ImageError("there are no relocations: was it linked with --emit-relocs?")
    if 4 + 4 * len(words) > place.size:
        raise ImageError(f".relocations has room for {place.size // 4 - 1} sites, {len(words)} are needed: kernel/linker.ld")
    struct.pack_into(f"<I{len(words)}I", data, place.offset, len(words), *words)
    return len(words)


def main(path: str) -> int:
    with open(path, "r+b") as file:
        data = bytearray(file.read())
        try:
            write_table(data)
        except ImageError as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
        file.seek(0)
        file.write(data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
