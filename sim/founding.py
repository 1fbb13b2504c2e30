"""What a chain of a scenario starts from: the same in virtual time and in processes."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import msgspec

from primitives.address import format_address
from primitives.errors import InvalidInput
from primitives.first_balance import parse_first_balance
from primitives.genesis import Genesis
from primitives.genesis_json import GenesisForm
from primitives.ids import Address, Gas, Instant, NodeId, Wei
from primitives.params import ChainParams
from sim.electorate import Electorate
from sim.genesis import genesis_form, join_form, with_rules
from sim.governance import BALANCE, governance_account
from sim.randomness import generator
from sim.registry import workload_factory
from sim.scenario import Replay, Scenario, workload_options
from sim.signatures import RunKeys, run_keys
from sim.workload import BringsContracts, Workload, WorkloadContext


class Founding(msgspec.Struct, frozen=True):
    """A scenario's chain before its first block, and who holds its keys."""

    genesis: Genesis
    keys: RunKeys
    """Of the first committee."""
    electorate: Electorate
    """Further keys, and the changes of the committee that the timeline asks for."""
    workload: Workload
    """Whose accounts stand in genesis."""


def found(scenario: Scenario, seed: int) -> Founding:
    """Return what a scenario's chain starts from under a seed.

    Args:
        scenario: checked.
        seed: of every key and every random choice.

    Raises:
        InvalidInput: an account is there twice; the genesis file has an account of the run, or
            cannot be read any more; or the workload of another package does not like its options.
    """
    form = genesis_form(scenario)
    params = chain_params(scenario, form)
    consensus, count = scenario.consensus, scenario.network.validators
    keys = run_keys(seed, count, consensus.signatures == "real", consensus.certificates)
    workload = scenario_workload(scenario, seed, params)
    electorate = Electorate(scenario, seed)
    alloc = tuple(workload.alloc)
    if electorate.changes:
        governor = governance_account(seed).address
        params = dataclasses.replace(params, governance=governor)
        alloc = (*alloc, (governor, BALANCE))
    alloc += _wallets(scenario, {address for address, _ in alloc})
    contracts = workload.contracts if isinstance(workload, BringsContracts) else ()
    genesis = Genesis(params, alloc, keys.committee, contracts=contracts)
    if form is not None:
        genesis = join_form(genesis, form, wins=isinstance(scenario.workload, Replay))
    return Founding(genesis, keys, electorate, workload)


def _wallets(scenario: Scenario, taken: set[Address]) -> tuple[tuple[Address, Wei], ...]:
    """Return the accounts that the scenario funds beside those that the run needs itself."""
    wallets = tuple([parse_first_balance(text) for text in scenario.chain.accounts])
    for address, _ in wallets:
        if address in taken:
            expected = "each account once, and none that the run brings itself"
            raise InvalidInput("chain.accounts", expected, format_address(address))
        taken.add(address)
    return wallets


def chain_params(scenario: Scenario, form: GenesisForm | None = None) -> ChainParams:
    """Return the chain's parameters as `[chain]` gives them, and the genesis file that it names."""
    chain = scenario.chain
    params = ChainParams(
        chain_id=chain.chain_id,
        gas_limit=Gas(chain.gas_limit),
        base_fee_rule=chain.base_fee,
        base_fee_initial=chain.base_fee_initial,
        elasticity=chain.elasticity,
        base_fee_change_denominator=chain.base_fee_change_denominator,
        timestamp_rule=chain.timestamp_rule,
        max_block_bytes=chain.max_block_bytes,
        certificates=scenario.consensus.certificates,
        checkpoint_interval=chain.checkpoint_interval,
        block_access_list=chain.block_access_list,
    )
    return params if form is None else with_rules(params, form)


def submitted_to(scenario: Scenario) -> range:
    """Return the nodes that clients submit to: the gateways, if there are any."""
    network = scenario.network
    return range(network.peers if network.gateways else 0, network.nodes)


def scenario_workload(
    scenario: Scenario,
    seed: int,
    params: ChainParams,
    first_nonces: Mapping[Address, int] | None = None,
) -> Workload:
    """Make the workload of a scenario.

    Args:
        scenario: checked.
        seed: of every random choice.
        params: of the chain.
        first_nonces: of accounts that have sent something before; 0 for all others.
    """
    kind, options = workload_options(scenario.workload)
    context = WorkloadContext(
        generator=generator(seed, "workload"),
        seed=seed,
        params=params,
        nodes=tuple(NodeId(n) for n in submitted_to(scenario)),
        stop_at=Instant(scenario.duration),
        directory=Path(),
        first_nonces=dict(first_nonces or {}),
    )
    return workload_factory(kind)(options, context)
