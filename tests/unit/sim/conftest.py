"""What the search draws from the scenario that it is made for."""

from pathlib import Path

import pytest

from sim.fuzz import draw_scenario
from sim.scenario import Scenario, load_scenario

CHAOS = Path(__file__).resolve().parents[3] / "scenarios" / "chaos.toml"
SEEDS = range(1, 121)


@pytest.fixture(scope="session")
def base() -> Scenario:
    """Return the scenario that is drawn from."""
    return load_scenario(CHAOS)


@pytest.fixture(scope="session")
def drawn(base: Scenario) -> list[Scenario]:
    """Return what each of the seeds draws."""
    return [draw_scenario(base, seed) for seed in SEEDS]
