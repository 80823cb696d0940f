"""Finds whole-system scenarios: functions marked @scenario in tests/scenarios/*.py. Each runs in a process of its own."""
from __future__ import annotations

import importlib.util
import os
import sys

from astrata import paths

WORKER = os.path.join(paths.TOOLS, "scenario_worker.py")
FOLDER = os.path.join(paths.ROOT, "tests", "scenarios")


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
    specification.loader.exec_module(module)
    return {name: harness.SCENARIOS[name] for name in harness.SCENARIOS if name not in before}


def find(folder: str = FOLDER) -> dict[str, tuple[str, float]]:
    """Name -> (file, seconds allowed) of all scenarios."""
    found: dict[str, tuple[str, float]] = {}
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if name.endswith(".py"):
            path = os.path.join(folder, name)
            for scenario, entry in load(path).items():
                found[scenario] = (path, entry.timeout)
    return found
