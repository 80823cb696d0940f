"""A bootable raw disk without privileges: GUID partition table (UEFI 2.10, chapter 5), GRUB for BIOS in a partition of its
own, and a FAT file system with GRUB for UEFI, the kernel and the boot archive."""
from __future__ import annotations

import struct
import uuid
import zlib

SECTOR = 512
TABLE_SECTORS = 32  # 128 entries of 128 bytes
FIRST_USABLE = 2 + TABLE_SECTORS
BIOS_BOOT = uuid.UUID("21686148-6449-6E6F-744E-656564454649")
EFI_SYSTEM = uuid.UUID("C12A7328-F81F-11D2-BA4B-00A0C93EC93B")
ALIGN = 2048  # partitions begin on whole MiB
# Where GRUB's first stages keep what grub-bios-setup fills in (boot.S: kernel_sector; diskboot.S: the last list entry).
BOOT_KERNEL_SECTOR = 0x5C
DISKBOOT_LIST = SECTOR - 12


class Partition:
    """Where a partition lies (`first` sector, `sectors` long), what kind it is, and its bytes."""

    def __init__(self, kind: uuid.UUID, name: str, data: bytes):
        self.kind, self.name, self.data = kind, name, data
        self.sectors = -(-len(data) // SECTOR)
        self.first = 0


def layout(partitions: list[Partition]) -> int:
    """Gives each partition its place; returns the size of the disk in sectors."""
    at = ALIGN
    for partition in partitions:
        partition.first = at
        at += -(-partition.sectors // ALIGN) * ALIGN
    return at + ALIGN


def install_bios_loader(boot_sector: bytes, core: bytes, core_first: int) -> tuple[bytes, bytes]:
    """GRUB's boot.img and core.img with the sector numbers filled in: the boot sector loads the core's first sector, which
    loads the rest."""
    sector = bytearray(boot_sector[:SECTOR])
    struct.pack_into("<Q", sector, BOOT_KERNEL_SECTOR, core_first)
    stage = bytearray(core)
    struct.pack_into("<Q", stage, DISKBOOT_LIST, core_first + 1)
    return bytes(sector), bytes(stage)


def write(path: str, partitions: list[Partition], boot_sector: bytes) -> None:
    """Writes the disk: protective MBR with the boot sector's code, both partition tables, and the partitions."""
    total = layout(partitions)
    entries = b"".join(_entry(partition) for partition in partitions).ljust(TABLE_SECTORS * SECTOR, b"\0")
    disk_id = uuid.uuid5(uuid.NAMESPACE_URL, "astrata disk")
    with open(path, "wb") as disk:
        disk.truncate(total * SECTOR)
        disk.write(_protective_mbr(boot_sector, total))
        disk.write(_header(1, total - 1, 2, total, entries, disk_id))
        disk.write(entries)
        for partition in partitions:
            disk.seek(partition.first * SECTOR)
            disk.write(partition.data)
        disk.seek((total - 1 - TABLE_SECTORS) * SECTOR)
        disk.write(entries)
        disk.write(_header(total - 1, 1, total - 1 - TABLE_SECTORS, total, entries, disk_id))


def _protective_mbr(boot_sector: bytes, total: int) -> bytes:
    code = boot_sector[:440].ljust(440, b"\0")
    whole_disk = struct.pack("<B3sB3sII", 0, b"\x00\x02\x00", 0xEE, b"\xff\xff\xff", 1, min(total - 1, 0xFFFFFFFF))
    return code + bytes(6) + whole_disk + bytes(48) + b"\x55\xaa"


def _entry(partition: Partition) -> bytes:
    identity = uuid.uuid5(uuid.NAMESPACE_URL, "astrata " + partition.name)
    return struct.pack("<16s16sQQQ72s", partition.kind.bytes_le, identity.bytes_le, partition.first,
                       partition.first + partition.sectors - 1, 0, partition.name.encode("utf-16-le"))


def _header(own: int, other: int, table: int, total: int, entries: bytes, disk_id: uuid.UUID) -> bytes:
    def pack(checksum: int) -> bytes:
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, checksum, 0, own, other, FIRST_USABLE,
                           total - FIRST_USABLE, disk_id.bytes_le, table, 128, 128, zlib.crc32(entries))

    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")
