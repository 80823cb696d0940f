"""Runs one scenario: `scenario_worker.py FILE NAME`. What it prints is the scenario's log; its status says if it passed."""
import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from astrata import scenarios  # noqa: E402  (the path has to be set first)

entry = scenarios.load(sys.argv[1])[sys.argv[2]]
import harness  # noqa: E402  (found by the path that loading a scenario sets)

sys.exit(harness.execute(entry))
