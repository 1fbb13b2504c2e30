"""A scenario on its own: as text, with the file that the chain starts from beside it."""

from pathlib import Path

import msgspec

from sim.scenario.genesis_file import read_genesis_text
from sim.scenario.scenario import Scenario
from sim.scenario.write import format_scenario

GENESIS = "genesis.json"
"""Name of the genesis file beside a resolved scenario."""


def portable(scenario: Scenario) -> tuple[str, dict[str, str]]:
    """Return a scenario as text, and the texts that must lie beside it, by name.

    Raises:
        InvalidInput: the genesis file cannot be read any more.
    """
    file = scenario.chain.genesis
    if file is None:
        return format_scenario(scenario), {}
    chain = msgspec.structs.replace(scenario.chain, genesis=GENESIS)
    text = format_scenario(msgspec.structs.replace(scenario, chain=chain))
    return text, {GENESIS: read_genesis_text(Path(file))}
