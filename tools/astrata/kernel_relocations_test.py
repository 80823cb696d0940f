"""The table of relocations, from images made by hand."""
import struct
import unittest

from astrata import kernel_relocations
from astrata.kernel_relocations import ImageError, SHN_ABS

R_64, R_PC32, R_32, R_32S = 1, 2, 10, 11
START = 0xffffffff80100000
NAMES = ["", ".boot", ".text", ".relocations", ".rela.boot", ".rela.text", ".symtab", ".names"]


def image(relocations, boot_relocations=(), symbol_home=2, room=64, machine=62):
    """An ELF file with the given (address, type) in .text and .boot."""
    names = b"".join(name.encode() + b"\0" for name in NAMES)
    rela = [b"".join(struct.pack("<QQq", address, 1 << 32 | kind, 0) for address, kind in part)
            for part in (boot_relocations, relocations)]
    symbols = bytes(24) + struct.pack("<IBBHQQ", 0, 0, 0, symbol_home, START, 0)
    contents = [b"", bytes(16), bytes(16), bytes(room), rela[0], rela[1], symbols, names]
    kinds = [0, 1, 1, 1, 4, 4, 2, 3]
    data = bytearray(64)
    headers = b""
    for index, content in enumerate(contents):
        headers += struct.pack("<IIQQQQIIQQ", names.index(NAMES[index].encode() + b"\0") if index else 0, kinds[index],
                               2 if kinds[index] == 1 else 0, START, len(data), len(content), 6, {4: 1, 5: 2}.get(index, 0), 1, 0)
        data += content
    struct.pack_into("<6s", data, 0, b"\x7fELF\x02\x01")
    struct.pack_into("<H", data, 18, machine)
    struct.pack_into("<Q", data, 40, len(data))
    struct.pack_into("<HHH", data, 58, 64, len(contents), 7)
    return data + headers


class KernelRelocations(unittest.TestCase):
    def test_absolute_sites_are_sorted_and_relative_ones_left_out(self):
        data = image([(START + 9, R_32S), (START + 1, R_64), (START + 5, R_PC32)], [(START + 2, R_32)])
        self.assertEqual(kernel_relocations.write_table(data), 2)
        place = next(section for section in kernel_relocations.sections(data) if section.name == ".relocations")
        self.assertEqual(struct.unpack_from("<III", data, place.offset), (2, 1 << 1 | 1, 9 << 1))

    def assert_refused(self, data, text):
        with self.assertRaisesRegex(ImageError, text):
            kernel_relocations.write_table(data)

    def test_physical_addresses_belong_into_the_boot_code(self):
        self.assert_refused(image([(START, R_32)]), "type 10")

    def test_a_symbol_outside_the_image_is_refused(self):
        self.assert_refused(image([(START, R_64)], symbol_home=SHN_ABS), "outside the image")

    def test_a_number_in_the_boot_code_is_no_address(self):
        data = image([], [(START, R_64)], symbol_home=SHN_ABS)
        self.assertEqual(kernel_relocations.sites(data, START), [])

    def test_each_machine_has_its_own_types(self):
        self.assertEqual(kernel_relocations.sites(image([(START + 8, 257), (START, 275)], machine=183), START), [17])
        self.assertEqual(kernel_relocations.sites(image([(START + 8, 2), (START, 23)], machine=243), START), [17])
        self.assert_refused(image([(START, 26)], machine=243), "type 26")
        self.assert_refused(image([(START, R_64)], machine=40), "unknown machine")

    def test_a_full_table_is_refused(self):
        self.assert_refused(image([(START + at, R_64) for at in range(16)]), "room for 15 sites, 16")

    def test_an_image_without_relocations_is_refused(self):
        self.assert_refused(image([]), "emit-relocs")

    def test_another_file_is_refused(self):
        self.assert_refused(bytearray(100), "not a 64-bit")


if __name__ == "__main__":
    unittest.main()
