"""Tests of the job runner."""
import os
import tempfile
import time
import unittest

from astrata import jobs


class JobsTest(unittest.TestCase):
    def run_all(self, *commands, parallel=2, timeout=30.0):
        with tempfile.TemporaryDirectory() as folder:
            todo = [jobs.Job(f"job.{number}", ["sh", "-c", text], timeout) for number, text in enumerate(commands)]
            results = jobs.run(todo, parallel, folder, lambda result: None)
            logs = {}
            for job in todo:
                with open(job.log, encoding="utf-8") as file:
                    logs[job.name] = file.read()
            return {result.job.name: result for result in results}, logs

    def test_statuses_and_logs(self):
        results, logs = self.run_all("echo fine", "echo bad >&2; exit 3", "kill -SEGV $$")
        self.assertEqual([results[f"job.{number}"].problem for number in range(3)], ["", "status 3", "killed by SIGSEGV"])
        self.assertEqual(logs["job.1"], "bad\n")

    def test_a_hanging_job_ends_at_its_deadline_with_its_children(self):
        started = time.monotonic()
        results, logs = self.run_all("sleep 60 & echo $!; wait", timeout=0.3)
        self.assertIn("no end", results["job.0"].problem)
        self.assertLess(time.monotonic() - started, 5)
        time.sleep(0.1)
        self.assertFalse(os.path.exists(f"/proc/{logs['job.0'].strip()}/exe")
                         and os.readlink(f"/proc/{logs['job.0'].strip()}/exe").endswith("sleep"))

    def test_children_left_behind_are_ended(self):
        _, logs = self.run_all("sleep 60 & echo $!")
        time.sleep(0.1)
        with self.assertRaises(OSError):
            os.readlink(f"/proc/{logs['job.0'].strip()}/exe")

    def test_jobs_run_at_the_same_time(self):
        started = time.monotonic()
        self.run_all(*["sleep 0.4"] * 4, parallel=4)
        self.assertLess(time.monotonic() - started, 1.2)


if __name__ == "__main__":
    unittest.main()
