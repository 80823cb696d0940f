"""Writes the table by which Bedrock moves itself to a random place (kernel/arch/<machine>/boot) into the linked image.

The image is linked with --emit-relocs at a fixed address. Sites that hold absolute addresses of the image go into its section
.relocations: a count, then a word each, the site's distance from the image's start, doubled, plus one if the address has eight
bytes, not four. Relative ones move along. Some are for the boot code only: physical addresses, and numbers that are no addresses.
"""
from __future__ import annotations

import struct
import sys

class Kinds:
    """Relocation types of one machine, by what moving the image means to them."""

    def __init__(self, eight_bytes: int, four_bytes: int | None, physical: int | None, relative: list[int]):
        self.eight_bytes, self.four_bytes, self.physical, self.relative = eight_bytes, four_bytes, physical, frozenset(relative)


# By e_machine. The image moves by whole pages, so what holds only the place within a page is relative, too.
MACHINES = {
    # R_X86_64_*: 64, 32S, 32; PC32, PLT32, PC64
    62: Kinds(1, 11, 10, [2, 4, 24]),
    # R_AARCH64_*: ABS64; PREL64 to PREL16, LD_PREL_LO19 to ADR_PREL_PG_HI21, ADD_ABS_LO12_NC, LDST8_ABS_LO12_NC, branches,
    # LDST16 to LDST64_ABS_LO12_NC, LDST128_ABS_LO12_NC, PLT32
    183: Kinds(257, None, None, [260, 261, 262, 273, 274, 275, 277, 278, 279, 280, 282, 283, 284, 285, 286, 299, 314]),
    # R_RISCV_*: 64; BRANCH to CALL_PLT, PCREL_HI20 to PCREL_LO12_S, ADD8 to SUB64, ALIGN, RVC_BRANCH, RVC_JUMP, SUB6 to 32_PCREL, PLT32
    243: Kinds(2, None, None, [16, 17, 18, 19, 23, 24, 25, *range(33, 41), 43, 44, 45, *range(52, 58), 59]),
}
SHT_RELA, SHT_SYMTAB, SHF_ALLOC, SHN_ABS, SHN_COMMON = 4, 2, 2, 0xfff1, 0xfff2
BOOT_SECTIONS = (".boot", ".note.boot")


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
    (machine,) = struct.unpack_from("<H", data, 18)
    if machine not in MACHINES:
        raise ImageError(f"for an unknown machine ({machine})")
    kinds = MACHINES[machine]
    words = []
    for section in found:
        target = found[section.info] if section.type == SHT_RELA else None
        if target is None or target.flags & SHF_ALLOC == 0:
            continue
        homes = symbol_sections(data, found[section.link])
        for at in range(section.offset, section.offset + section.size, 24):
            address, info, _ = struct.unpack_from("<QQq", data, at)
            kind, home = info & 0xffffffff, homes[info >> 32]
            if target.name in BOOT_SECTIONS and (kind == kinds.physical or home == SHN_ABS):
                continue
            if home in (0, SHN_ABS, SHN_COMMON):
                raise ImageError(f"{target.name} refers at {address:#x} to a symbol outside the image")
            if kind in (kinds.eight_bytes, kinds.four_bytes):
                words.append((address - image_start) << 1 | (kind == kinds.eight_bytes))
            elif kind not in kinds.relative:
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
