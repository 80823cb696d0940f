"""Tests of temporary folders and locks: nothing is left behind, however a run ends."""
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

from astrata import locks, temporary

CHILD = """
import sys, time
sys.path.insert(0, {tools!r})
from astrata import temporary
with temporary.temporary_folder("test") as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


class TemporaryTest(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = holder.name
        patch = mock.patch.dict(os.environ, {"XDG_CACHE_HOME": self.folder})
        patch.start()
        self.addCleanup(patch.stop)

    def test_a_folder_vanishes_with_what_is_in_it(self):
        with temporary.temporary_folder("test") as folder:
            os.makedirs(os.path.join(folder, "a/b"))
            os.chmod(os.path.join(folder, "a"), 0o500)
        self.assertFalse(os.path.exists(folder))

    def test_what_a_killed_run_left_is_removed_by_the_next(self):
        tools = os.path.dirname(os.path.dirname(os.path.abspath(temporary.__file__)))
        child = subprocess.Popen([sys.executable, "-S", "-c", CHILD.format(tools=tools)], stdout=subprocess.PIPE, text=True)
        left = child.stdout.readline().strip()
        temporary.remove_orphans()
        self.assertTrue(os.path.isdir(left), "the folder of a living run was removed")
        child.send_signal(signal.SIGKILL)
        child.communicate()
        temporary.remove_orphans()
        self.assertFalse(os.path.exists(left))

    def test_a_lock_keeps_others_out(self):
        path = os.path.join(self.folder, "lock")
        with locks.file_lock(path):
            other = subprocess.Popen(["flock", "--exclusive", "--timeout", "10", path, "date", "+%s.%N"],
                                     stdout=subprocess.PIPE, text=True)
            time.sleep(0.3)
            self.assertIsNone(other.poll())
            released = time.time()
        self.assertGreaterEqual(float(other.communicate()[0]), released - 0.01)


if __name__ == "__main__":
    unittest.main()
