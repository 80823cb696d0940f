"""Tests of the raw disk's layout."""
import os
import struct
import tempfile
import unittest
import zlib

from astrata import guid_disk


class GuidDiskTest(unittest.TestCase):
    def setUp(self):
        self.partitions = [guid_disk.Partition(guid_disk.BIOS_BOOT, "grub", b"core" * 1000),
                           guid_disk.Partition(guid_disk.EFI_SYSTEM, "boot", b"files" * 1000)]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "disk")
            guid_disk.write(path, self.partitions, b"\xeb\x63" + bytes(510))
            with open(path, "rb") as file:
                self.disk = file.read()

    def test_partitions_lie_where_the_table_says(self):
        for number, partition in enumerate(self.partitions):
            entry = self.disk[1024 + number * 128 : 1152 + number * 128]
            kind, _, first, last = struct.unpack_from("<16s16sQQ", entry)
            self.assertEqual(kind, partition.kind.bytes_le)
            self.assertEqual(self.disk[first * 512 : first * 512 + len(partition.data)], partition.data)
            self.assertGreaterEqual((last - first + 1) * 512, len(partition.data))

    def test_both_headers_are_valid(self):
        total = len(self.disk) // 512
        for own, other in ((1, total - 1), (total - 1, 1)):
            header = bytearray(self.disk[own * 512 : own * 512 + 92])
            self.assertEqual(header[:8], b"EFI PART")
            checksum, = struct.unpack_from("<I", header, 16)
            struct.pack_into("<I", header, 16, 0)
            self.assertEqual(zlib.crc32(header), checksum)
            self.assertEqual(struct.unpack_from("<QQ", header, 24), (own, other))
            table, = struct.unpack_from("<Q", header, 72)
            self.assertEqual(zlib.crc32(self.disk[table * 512 : (table + 32) * 512]), struct.unpack_from("<I", header, 88)[0])

    def test_the_boot_sector_knows_where_the_core_is(self):
        sector, core = guid_disk.install_bios_loader(bytes(512), bytes(2048), 2048)
        self.assertEqual(struct.unpack_from("<Q", sector, 0x5C)[0], 2048)
        self.assertEqual(struct.unpack_from("<Q", core, 500)[0], 2049)
        self.assertEqual(self.disk[510:512], b"\x55\xaa")


if __name__ == "__main__":
    unittest.main()
