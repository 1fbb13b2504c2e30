"""A chain that starts from a genesis file: its rules, and its accounts beside the run's own."""

from dataclasses import replace
from pathlib import Path

from primitives.address import format_address
from primitives.errors import InvalidInput
from primitives.genesis import Genesis
from primitives.genesis_json import GenesisForm
from primitives.params import ChainParams
from sim.scenario import Scenario
from sim.scenario.genesis_file import read_genesis_file


def genesis_form(scenario: Scenario) -> GenesisForm | None:
    """Return what the genesis file of a scenario says, if it names one.

    Raises:
        InvalidInput: the file has become unreadable or wrong since the scenario was decoded.
    """
    file = scenario.chain.genesis
    return None if file is None else read_genesis_file(Path(file))


def with_rules(params: ChainParams, form: GenesisForm) -> ChainParams:
    """Return parameters with the rules that a genesis file says are in force, and from when."""
    said = form.params
    return replace(params, fork=said.fork, blobs=said.blobs, upgrades=said.upgrades)


def join_form(genesis: Genesis, form: GenesisForm, *, wins: bool) -> Genesis:
    """Return a run's genesis with the time and the accounts of a genesis file.

    Args:
        genesis: the run's, with the accounts that it needs itself.
        form: what the file says.
        wins: whether an account that both name is the file's; it is refused otherwise, since
            whoever sends from it counts on the nonce and the balance that the run gives it.

    Raises:
        InvalidInput: an account that both name, or contracts of both at one address.
    """
    named = {address for address, _ in form.alloc}
    alloc = tuple([each for each in genesis.alloc if each[0] not in named])
    taken = [contract.address for contract in genesis.contracts if contract.address in named]
    if not wins:
        taken += [address for address, _ in genesis.alloc if address in named]
    if taken:
        expected = "accounts that the run does not bring itself"
        raise InvalidInput("chain.genesis", expected, format_address(taken[0]))
    return Genesis(
        genesis.params,
        alloc + form.alloc,
        genesis.committee,
        form.timestamp,
        genesis.contracts + form.contracts,
    )
