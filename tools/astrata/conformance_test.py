"""Tests of the conformance check: each kind of overclaiming is caught."""
import unittest

from astrata.conformance import check

FEATURES = "| id | feature |\n|---|---|\n| A-01 | one |\n| A-02 | two |\n"


def row(name, state, test="", missing=""):
    return f'[{name}]\nstate = "{state}"\ntest = "{test}"\nmissing = "{missing}"\n'


ABSENT = row("A-02", "absent", missing="all")


class ConformanceTest(unittest.TestCase):
    def problems(self, table, passed=frozenset({"x.y"})):
        return check(FEATURES, table, passed, {"x.y", "x.z"})

    def test_honest_tables_pass(self):
        self.assertEqual(self.problems(row("A-01", "done", "x.y") + ABSENT), [])
        self.assertEqual(self.problems(row("A-01", "partial", "x.y", "the rest") + ABSENT), [])

    def test_each_id_exactly_once(self):
        self.assertEqual(len(self.problems(row("A-01", "done", "x.y"))), 1)
        self.assertEqual(len(self.problems(row("A-01", "done", "x.y") + ABSENT + row("B-01", "absent", missing="x"))), 1)
        self.assertEqual(len(self.problems(ABSENT + ABSENT)), 1)

    def test_done_needs_a_test_that_passed(self):
        for test in ("", "x.z", "x.none"):
            self.assertEqual(len(self.problems(row("A-01", "done", test) + ABSENT)), 1, test)
        self.assertEqual(self.problems(row("A-01", "done", "x.z") + ABSENT, passed=None), [])

    def test_contradictions(self):
        for bad in (row("A-01", "done", "x.y", "something"), row("A-01", "absent"), row("A-01", "absent", "x.y", "all"),
                    row("A-01", "partial", "", "some"), row("A-01", "perfect"), '[A-01]\nstate = "done"\n', "nonsense"):
            self.assertTrue(self.problems(bad + ABSENT if bad != "nonsense" else bad), bad)


if __name__ == "__main__":
    unittest.main()
