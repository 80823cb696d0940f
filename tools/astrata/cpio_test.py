"""Tests of the boot archive format, with the host's cpio-reading busybox as a second witness."""
import os
import shutil
import stat
import subprocess
import tempfile
import unittest

from astrata import cpio


class CpioTest(unittest.TestCase):
    entries = [
        cpio.directory("root"), cpio.directory("root/tmp", 0o1777),
        cpio.file("root/hello", b"hello\n", 0o755), cpio.file("root/empty", b""),
        cpio.symlink("root/link", "hello"), cpio.file("strates/large", b"x" * 10000),
    ]

    def test_reads_back_what_was_written(self):
        found = cpio.read(cpio.write(self.entries))
        self.assertEqual(list(found), [entry.path for entry in self.entries])
        for entry in self.entries:
            self.assertEqual((found[entry.path].mode, found[entry.path].data), (entry.mode, entry.data))

    def test_file_data_lies_on_page_boundaries(self):
        for entry in cpio.read(cpio.write(self.entries)).values():
            if stat.S_ISREG(entry.mode) and entry.data:
                self.assertEqual(entry.offset % 4096, 0, entry.path)

    def test_same_entries_same_bytes(self):
        self.assertEqual(cpio.write(self.entries), cpio.write(self.entries))

    def test_refuses_bad_paths_and_duplicates(self):
        for path in ("", "/absolute", "a/../b", "nul\0byte"):
            with self.assertRaises(ValueError):
                cpio.file(path, b"")
        with self.assertRaises(ValueError):
            cpio.write([cpio.file("a", b""), cpio.file("a", b"")])

    def test_reading_garbage_is_an_error(self):
        archive = cpio.write(self.entries)
        for bad in (b"", b"garbage" * 40, archive[:200], archive[: len(archive) // 2]):
            with self.assertRaises(ValueError):
                cpio.read(bad)

    @unittest.skipUnless(shutil.which("busybox"), "no busybox on this host")
    def test_stock_cpio_unpacks_it(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "strates"))
            subprocess.run(["busybox", "cpio", "-id"], input=cpio.write(self.entries), cwd=folder, check=True,
                           stderr=subprocess.DEVNULL)
            with open(os.path.join(folder, "strates/large"), "rb") as file:
                self.assertEqual(file.read(), b"x" * 10000)
            self.assertEqual(os.readlink(os.path.join(folder, "root/link")), "hello")
            self.assertEqual(os.stat(os.path.join(folder, "root/hello")).st_mode & 0o777, 0o755)


if __name__ == "__main__":
    unittest.main()
