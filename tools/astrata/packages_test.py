"""Tests of host package checks, without touching the host."""
import os
import tempfile
import unittest
from unittest import mock

from astrata import packages
from astrata.errors import CommandError


class PackagesTest(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.status = os.path.join(holder.name, "status")
        with open(self.status, "w", encoding="utf-8") as file:
            file.write("one")
        for patch in (mock.patch.dict(os.environ, {"XDG_CACHE_HOME": holder.name}),
                      mock.patch.object(packages, "DPKG_STATUS", self.status),
                      mock.patch.dict(packages.GROUPS, {"some": ["a", "b"], "more": ["b", "c"]})):
            patch.start()
            self.addCleanup(patch.stop)
        self.missing = ["b", "c"]
        self.asked = mock.patch.object(packages, "not_installed", lambda wanted: [p for p in wanted if p in self.missing])
        self.asked.start()
        self.addCleanup(self.asked.stop)
        install = mock.patch.object(packages, "install", side_effect=lambda names: [self.missing.remove(n) for n in names])
        self.install = install.start()
        self.addCleanup(install.stop)

    def test_installs_what_is_missing_once(self):
        packages.ensure("some", "more")
        self.install.assert_called_once_with(["b", "c"])
        packages.ensure("some", "more")
        self.install.assert_called_once()

    def test_looks_again_when_the_package_database_changed(self):
        packages.ensure("some")
        self.missing.append("a")
        packages.ensure("some")
        self.install.assert_called_once()
        with open(self.status, "w", encoding="utf-8") as file:
            file.write("another state")
        packages.ensure("some")
        self.assertEqual(self.install.call_count, 2)

    def test_other_systems_are_told_so(self):
        os.unlink(self.status)
        with self.assertRaisesRegex(CommandError, "not Debian"):
            packages.ensure("some")

    def test_without_root_or_sudo_says_what_to_run(self):
        with mock.patch.object(os, "geteuid", lambda: 1000), mock.patch("shutil.which", lambda name: None):
            with self.assertRaisesRegex(CommandError, "as root, run: apt-get install x"):
                packages.as_root("apt-get install x")


if __name__ == "__main__":
    unittest.main()
