"""Tests of QEMU's command line for each architecture."""
import os
import unittest

from astrata import architectures, machine
from astrata.errors import UsageError


class CommandLineTest(unittest.TestCase):
    def setUp(self):
        self.environment = dict(os.environ)
        os.environ.pop("ASTRATA_QEMU", None)
        os.environ.pop("ASTRATA_ARCH", None)

    def tearDown(self):
        os.environ.clear()
        os.environ.update(self.environment)

    def words(self, **options):
        return machine.command_line(machine.Options(**options), 3, 4, "x=y", [machine.Disk(5, "root")], {"control": 6})

    def test_every_architecture_has_its_emulator_and_machine(self):
        for arch, emulator, kind in (("x86_64", "x86_64", "microvm"), ("aarch64", "aarch64", "virt"), ("riscv64", "riscv64", "virt")):
            words = self.words(arch=arch)
            self.assertEqual(words[:3], [f"/usr/bin/qemu-system-{emulator}", "-M", kind])
            self.assertIn("virtio-blk-device,drive=disk0,serial=root", words)
            self.assertIn("virtio-mmio.force-legacy=false", words)

    def test_pc_with_pci(self):
        self.assertIn("virtio-blk-pci,disable-legacy=on,drive=disk0,serial=root", self.words(machine="q35"))

    def test_the_environment_chooses_unless_told_otherwise(self):
        os.environ["ASTRATA_ARCH"] = "riscv64"
        self.assertEqual(self.words()[2], "virt")
        self.assertEqual(self.words(arch="x86_64")[2], "microvm")
        os.environ["ASTRATA_ARCH"] = "vax"
        with self.assertRaisesRegex(UsageError, "ASTRATA_ARCH vax: unknown architecture"):
            self.words()

    def test_many_processors_get_an_interrupt_controller_that_numbers_them(self):
        self.assertEqual(self.words(arch="aarch64", smp=8)[2], "virt")
        self.assertEqual(self.words(arch="aarch64", smp=9)[2], "virt,gic-version=3")
        self.assertEqual(self.words(arch="riscv64", smp=16)[2], "virt")

    def test_machines_belong_to_architectures(self):
        self.assertEqual(architectures.chosen_machine("aarch64", None), "virt")
        self.assertEqual(architectures.chosen_machine("x86_64", "q35"), "q35")
        with self.assertRaisesRegex(UsageError, "--machine virt: x86_64 has microvm and q35"):
            architectures.chosen_machine("x86_64", "virt")


if __name__ == "__main__":
    unittest.main()
