"""Finds whole-system scenarios: functions marked @scenario in tests/scenarios/*.py. Each runs in a process of its own."""
from __future__ import annotations

import functools
import glob
import importlib.util
import os
import sys
from typing import NamedTuple

from astrata import paths
from astrata.errors import CommandError

class Found(NamedTuple):
    """A scenario: its file, the seconds it may take, and the architectures it is about (empty: any)."""
    path: str
    timeout: float
    only: tuple[str, ...]


WORKER = os.path.join(paths.TOOLS, "scenario_worker.py")
FOLDER = os.path.join(paths.ROOT, "tests", "scenarios")
# Written ahead of what they test; not part of the suite until they pass and move to the folder above.
PENDING = os.path.join(paths.ROOT, "tests", "pending")


def load(path: str) -> dict:
    """Scenarios of one file by name."""
    for folder in (os.path.join(paths.ROOT, "tests"), os.path.join(paths.ROOT, "tools")):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    import harness

    before = set(harness.SCENARIOS)
    module_name = "scenarios_" + os.path.splitext(os.path.basename(path))[0]
    specification = importlib.util.spec_from_file_location(module_name, path)
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
    except Exception as error:  # any mistake in the file; the suite cannot go on without knowing its names
        raise CommandError(f"{os.path.relpath(path, paths.ROOT)}: {error}") from error
    return {name: harness.SCENARIOS[name] for name in harness.SCENARIOS if name not in before}


@functools.cache
def find(pending: bool = False) -> dict[str, Found]:
    """Name -> what is known of it, of all scenarios."""
    found: dict[str, Found] = {}
    for folder in [FOLDER, PENDING] if pending else [FOLDER]:
        for path in sorted(glob.glob(os.path.join(folder, "**", "*.py"), recursive=True)):
            for scenario, entry in load(path).items():
                found[scenario] = Found(path, entry.timeout, entry.only)
    return found
