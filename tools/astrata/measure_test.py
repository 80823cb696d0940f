"""Tests of the measuring tools that need no machine."""
import unittest

from astrata import bench_command, measure
from astrata.errors import MachineError


class MeasureTest(unittest.TestCase):
    def test_smallest_finds_the_limit(self):
        for limit in (3, 24, 255, 256):
            self.assertEqual(measure.smallest(lambda value, limit=limit: value >= limit, 2, 256), limit)
        with self.assertRaises(MachineError):
            measure.smallest(lambda value: False, 2, 256)

    def test_metrics_are_lines_of_three_words(self):
        boot = measure.Boot("noise\r\nnull_syscall 84.5 ticks\r\nbroken failed read: x\r\nfork 2 x y\r\n", 0, None)
        self.assertEqual(boot.metrics(), {"null_syscall": 84.5})

    def test_deadlines_expire(self):
        import time

        with self.assertRaises(measure.TimedOut), measure.deadline(0.05):
            time.sleep(5)

    def test_verdicts(self):
        row = bench_command.Row("x", "ms", 0.4)
        self.assertEqual(row.verdict(), "not measured")
        row.judged = 0.4
        self.assertEqual(row.verdict(), "reached")
        row.judged = 0.6
        self.assertEqual(row.verdict(), "missed by 50%")
        speed = bench_command.Row("x", "MB/s", 0.5, at_least=True)
        speed.judged = 0.25
        self.assertEqual(speed.verdict(), "missed by 50%")

    def test_table_shows_what_a_goal_speaks_of(self):
        share, plain = bench_command.Row("a", "ms", 0.4), bench_command.Row("b", "MiB", 24)
        share.value, share.linux, share.judged = 100, 1000, 0.1
        plain.value = plain.judged = 20
        text = bench_command.table([share, plain])
        self.assertRegex(text, r"a \(ms\) +<= 0\.4 of Linux +100 +1,000 +0\.10 +reached")
        self.assertRegex(text, r"b \(MiB\) +<= 24 +20 +- +reached")


if __name__ == "__main__":
    unittest.main()
