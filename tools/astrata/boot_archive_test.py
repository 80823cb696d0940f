"""Tests of what goes into the boot archive."""
import unittest

from astrata import boot_archive, built_in_root, cpio
from astrata.errors import CommandError


class BootArchiveTest(unittest.TestCase):
    def test_knows_the_strates_of_tests(self):
        self.assertIn("crasher", boot_archive.unwanted_strates("x86_64", with_tests=False))
        self.assertNotIn("crasher", boot_archive.unwanted_strates("x86_64", with_tests=True))
        self.assertNotIn("linux", boot_archive.unwanted_strates("aarch64", with_tests=False))
        self.assertIn("cmos-rtc", boot_archive.unwanted_strates("aarch64", with_tests=False))

    def test_places_programs_by_whether_they_have_a_manifest(self):
        archive = boot_archive.assemble({"ext4": b"\x7fELF1", "tool": b"\x7fELF2"}, {"ext4": b"manifest"}, b"", [])
        found = cpio.read(archive)
        self.assertEqual(found["strates/ext4"].data, b"\x7fELF1")
        self.assertEqual(found["apps/tool"].data, b"\x7fELF2")
        self.assertEqual(found["manifests/ext4"].data, b"manifest")

    def test_a_manifest_without_program_is_an_error(self):
        with self.assertRaisesRegex(CommandError, "manifest without a program: ghost"):
            boot_archive.assemble({}, {"ghost": b""}, b"", [])

    def test_symbol_table_keeps_functions_sorted(self):
        text = ("ffffffff80002000 T second(int, char)\nffffffff80001000 t first\nffffffff80003000 D data\n"
                "ffffffff80001000 T alias_of_first\n                 U undefined\n")
        self.assertEqual(boot_archive.symbol_table(text),
                         b"ffffffff80001000 first\nffffffff80002000 second(int, char)\n")


class BuiltInRootTest(unittest.TestCase):
    def setUp(self):
        self.found = cpio.read(cpio.write(built_in_root.entries(built_in_root.busybox_path())))

    def test_shell_and_applets_are_links_to_busybox(self):
        for name in ("root/bin/sh", "root/bin/ls", "root/usr/bin/tr", "root/bin/true"):
            self.assertEqual(self.found[name].data, b"/bin/busybox")
        self.assertEqual(self.found["root/bin/busybox"].mode & 0o777, 0o755)
        self.assertEqual(self.found["root/tmp"].mode & 0o7777, 0o1777)

    def test_every_member_has_its_folder_before_it(self):
        seen = set()
        for path in self.found:
            parent = path.rpartition("/")[0]
            self.assertTrue(not parent or parent in seen, path)
            seen.add(path)
