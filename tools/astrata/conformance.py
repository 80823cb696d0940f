"""docs/conformance.toml: every feature's state, and the test that proves it. A row cannot claim more than its test shows."""
from __future__ import annotations

import os
import re

from astrata import paths

FEATURES = os.path.join(paths.ROOT, "docs", "features.md")
TABLE = os.path.join(paths.ROOT, "docs", "conformance.toml")
STATES = ("absent", "partial", "done")


def feature_ids(text: str) -> list[str]:
    """Ids from the first column of the tables in docs/features.md."""
    return re.findall(r"^\|\s*([A-Z]+-[0-9]+)\s*\|", text, re.MULTILINE)


def check(features: str, table: str, passed: set[str] | None, known: set[str]) -> list[str]:
    """Problems, each a sentence. `passed` are the tests that passed in this run (None: a partial run, which cannot tell)."""
    import tomllib

    try:
        rows = tomllib.loads(table)  # an id given twice is already an error here
    except tomllib.TOMLDecodeError as error:
        return [f"conformance.toml: {error}"]
    ids = feature_ids(features)
    problems = [f"features.md: {name} is there twice" for name in sorted({name for name in ids if ids.count(name) > 1})]
    problems += [f"{name}: no row in conformance.toml" for name in ids if name not in rows]
    problems += [f"{name}: not a feature of features.md" for name in rows if name not in set(ids)]
    for name, row in rows.items():
        problems += _check_row(name, row, passed, known)
    return problems


def _check_row(name: str, row, passed: set[str] | None, known: set[str]) -> list[str]:
    if not isinstance(row, dict) or set(row) != {"state", "test", "missing"} \
            or not all(isinstance(value, str) for value in row.values()):
        return [f"{name}: a row has state, test and missing, each a text"]
    state, test, missing = row["state"], row["test"], row["missing"]
    if state not in STATES:
        return [f"{name}: state {state!r} is none of {', '.join(STATES)}"]
    problems = []
    if test and test not in known:
        problems.append(f"{name}: there is no test {test!r}")
    if state == "absent" and test:
        problems.append(f"{name}: absent, and yet a test?")
    if state != "done" and not missing:
        problems.append(f"{name}: {state}, so what is missing?")
    if state == "partial" and not test:
        problems.append(f"{name}: partial needs a test for the part that works")
    if state == "done":
        if missing:
            problems.append(f"{name}: done, and yet something missing?")
        if not test:
            problems.append(f"{name}: done needs the test that proves it")
        elif passed is not None and test in known and test not in passed:
            problems.append(f"{name}: done, but {test} did not pass in this run")
    return problems


def check_files(passed: set[str] | None, known: set[str]) -> list[str]:
    """As `check`, on the files of the tree."""
    with open(FEATURES, encoding="utf-8") as features, open(TABLE, encoding="utf-8") as table:
        return check(features.read(), table.read(), passed, known)
