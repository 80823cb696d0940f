"""Tests of the skeletons: they are complete, the interface compiler takes them, and nothing is overwritten."""
import os
import shutil
import subprocess
import tempfile
import unittest

from astrata import paths, scaffold_command
from astrata.errors import UsageError


class ScaffoldTest(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.root = holder.name
        shutil.copytree(os.path.join(paths.ROOT, "abi"), os.path.join(self.root, "abi"))

    def compile_abi(self):
        compiler = os.path.join(self.root, "abi/compiler/main.py")
        subprocess.run(["/usr/bin/python3", "-S", compiler, "--source", self.root, "--output",
                        os.path.join(self.root, "generated")], check=True)

    def read(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            return file.read()

    def test_strate(self):
        for path in scaffold_command.new_strate(self.root, "word-counter"):
            self.assertNotIn("@", self.read(path).replace("@idempotent", ""))
        self.compile_abi()
        self.assertIn("class WordCounterServer", self.read("generated/abi/word_counter.h"))
        self.assertTrue(os.path.exists(os.path.join(self.root, "generated/word-counter/environment.h")))

    def test_driver(self):
        scaffold_command.new_driver(self.root, "misc/edu")
        self.compile_abi()
        self.assertIn("device", self.read("generated/edu/environment.h"))

    def test_syscall(self):
        scaffold_command.new_syscall(self.root, "thing_measure")
        self.compile_abi()
        self.assertIn("sys_thing_measure", self.read("generated/abi/kernel_calls.h"))

    def test_nothing_is_overwritten(self):
        scaffold_command.new_strate(self.root, "counter")
        before = self.read("strates/counter/server.h")
        with self.assertRaises(UsageError):
            scaffold_command.new_strate(self.root, "counter")
        with self.assertRaises(UsageError):
            scaffold_command.new_syscall(self.root, "clock_set_wall")
        self.assertEqual(self.read("strates/counter/server.h"), before)

    def test_bad_names(self):
        for make, name in ((scaffold_command.new_strate, "Counter"), (scaffold_command.new_strate, "../x"),
                           (scaffold_command.new_driver, "foo"), (scaffold_command.new_driver, "a/../b"),
                           (scaffold_command.new_syscall, "measure"), (scaffold_command.new_strate, "x" * 40)):
            with self.assertRaises(UsageError):
                make(self.root, name)


if __name__ == "__main__":
    unittest.main()
