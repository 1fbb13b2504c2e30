"""Write a scenario as TOML that decodes to the same scenario.

A run's directory keeps the resolved scenario: every default spelt out, every override applied,
so that the run can be understood and repeated without the file it came from.
"""

from node.settings.writing import format_toml, plain_table
from sim.scenario.scenario import Scenario
from sim.scenario.workload import spelt_out


def format_scenario(scenario: Scenario) -> str:
    """Return the scenario as TOML text, sections in the order of its fields."""
    table = plain_table(scenario)
    workload = table["workload"]
    assert isinstance(workload, dict)
    table["workload"] = spelt_out(workload)
    return format_toml(table)
