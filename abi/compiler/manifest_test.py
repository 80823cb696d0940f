"""strate.toml tests: what is read, and that every mistake names its file and key."""

import sys
import tomllib
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from checker import check
from emit_manifest import DEVICE, HEADER, NEED, PROVIDE, RESOURCE, emit_environment, encode_manifest
from manifest import Manifest, ManifestError, check_manifests, decode
from parser import parse_text

ABI = """
flags Rights : u32 { read = 0 }
enum ObjectKind : u32 { endpoint = 1 }
interface Block { geometry() -> () }
interface FileSystem { root() -> () }
"""
DRIVER = 'name = "virtio-blk"\nstart = "device"\nprovides = [{ interface = "Block", scheme = "disk" }]\ndevices = [{ pci = "1af4:1042" }, { pci_class = "01:08" }, { virtio = 2 }]'
EXT4 = 'name = "ext4"\nstart = "boot"\nneeds = [{ interface = "Block", name = "disk", scheme = "disk0" }]\nprovides = [{ interface = "FileSystem", scheme = "ext4" }]'


def read(text: str) -> Manifest:
    return decode(tomllib.loads(text), Path("strates/x/strate.toml"))


def check_all(*texts: str) -> None:
    check_manifests(check([parse_text(ABI, Path("test.abi"))]), [read(text) for text in texts])


class Manifests(unittest.TestCase):
    def assert_error(self, message: str, *texts: str) -> None:
        with self.assertRaises(ManifestError) as caught:
            check_all(*texts)
        self.assertIn(message, str(caught.exception))
        self.assertTrue(str(caught.exception).startswith("strates/x/strate.toml: "))

    def test_reads_everything(self) -> None:
        manifest = read('name = "a"\nmemory = "8M"\nthreads = 4\nresources = [{ port = "0x70-0x71", name = "cmos" }]\nprivileges = ["dma", "root-silo"]')
        self.assertEqual((manifest.memory, manifest.threads), (8 << 20, 4))
        self.assertEqual((manifest.resources[0].first, manifest.resources[0].length), (0x70, 2))
        self.assertEqual(manifest.privileges, ["root-silo", "dma"])

    def test_reads_devices(self) -> None:
        devices = read(DRIVER).devices
        self.assertEqual((devices[0].vendor, devices[0].device), (0x1AF4, 0x1042))
        self.assertEqual((devices[1].class_code, devices[1].class_mask), (0x010800, 0xFFFF00))

    def test_accepts_needs_met_by_device_instances(self) -> None:
        check_all(DRIVER, EXT4)

    def test_tells_unmet_needs(self) -> None:
        self.assert_error("needs[0].scheme: unmet need: no strate provides 'disk0'", EXT4)
        self.assert_error("is a Block, not a FileSystem", DRIVER, EXT4.replace('"Block", name', '"FileSystem", name'))
        check_all(EXT4.replace('"disk0" }', '"disk0", optional = true }'))
        check_all(EXT4.replace("disk0", "@disk"))

    def test_tells_bad_keys_and_values(self) -> None:
        self.assert_error("colour: unknown key", 'name = "a"\ncolour = "red"')
        self.assert_error("provides[0].sheme: unknown key", 'name = "a"\nprovides = [{ interface = "Block", scheme = "b", sheme = "c" }]')
        self.assert_error("name: 'A' does not match", 'name = "A"')
        self.assert_error("name: is missing", "")
        self.assert_error("memory: '8X' is not a size", 'name = "a"\nmemory = "8X"')
        self.assert_error("isolation: 'vm' is none of user, kernel, wasm", 'name = "a"\nisolation = "vm"')
        self.assert_error("no interface Sausage", 'name = "a"\nprovides = [{ interface = "Sausage", scheme = "b" }]')
        self.assert_error("'ext4' is taken", EXT4, EXT4, DRIVER)
        self.assert_error("devices: start", 'name = "a"\nstart = "device"')
        self.assert_error("neither \"all\" nor a range", 'name = "a"\nresources = [{ port = "x", name = "b" }]')
        self.assert_error("name: 'log' is taken", 'name = "a"\nresources = [{ ports = "all", name = "log" }]')

    def test_encodes_fixed_records(self) -> None:
        manifest = read(EXT4)
        encoded = encode_manifest(manifest)
        self.assertEqual(len(encoded), HEADER.size + PROVIDE.size + NEED.size)
        self.assertEqual((HEADER.size, PROVIDE.size, NEED.size, DEVICE.size, RESOURCE.size), (88, 64, 104, 56, 56))

    def test_numbers_roles_in_manifest_order(self) -> None:
        text = emit_environment(read(EXT4))
        self.assertIn("environment.file_system = TRY(sdk::take_grant(block, 1));", text)
        self.assertIn("environment.disk = TRY(sdk::take_need(block, 2));", text)


if __name__ == "__main__":
    unittest.main()
