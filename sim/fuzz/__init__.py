"""The search: draw networks and fault schedules, run them, shrink what fails.

Nothing here knows a clock or a process; `sim.cli.fuzz` spreads the runs and writes the files.
"""

from sim.fuzz.draw import DURATION_MIN, Phases, draw_scenario, phases
from sim.fuzz.reduce import shrink_scenario
from sim.fuzz.trial import Counts, Finding, Trial, run_trial

__all__ = [
    "DURATION_MIN",
    "Phases",
    "phases",
    "draw_scenario",
    "Trial",
    "Finding",
    "Counts",
    "run_trial",
    "shrink_scenario",
]
