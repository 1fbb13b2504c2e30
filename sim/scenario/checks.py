"""Rules of a whole scenario that no single value can show: what must fit together.

The functions assume that every value has its type and range, and assume nothing else.
"""

from collections.abc import Iterator

import msgspec

from node.demand import ALL_AT_ONCE
from node.plugins import batching_names, engine_names
from node.settings.checks import check_consensus
from node.settings.findings import Finding, span, unknown_name
from node.settings.mistakes import Path, shown
from primitives.errors import InvalidInput
from primitives.first_balance import parse_first_balance
from sim.registry import workload_names
from sim.scenario.event_checks import check_events
from sim.scenario.events import (
    ChangeCommittee,
    Heal,
    Partition,
    TimelineEvent,
    calm_from,
    event_end,
)
from sim.scenario.load import Load, Transfers
from sim.scenario.load_contracts import Amm, ContractLoad, Erc20, MainnetLike
from sim.scenario.network_checks import check_network
from sim.scenario.scenario import Expect, Scenario
from sim.scenario.store import StoreSpec
from sim.scenario.workload import Extension
from sim.workload.options_contracts import HOLDINGS_MAX
from storage.rocks import PROFILES


def check_scenario(scenario: Scenario) -> list[Finding]:
    """Return everything that does not fit together, section by section."""
    findings = list(check_network(scenario.network))
    if not findings:
        findings.extend(check_events(scenario))
    findings.extend(_check_consensus(scenario))
    findings.extend(_check_chain(scenario))
    findings.extend(_check_execution(scenario))
    findings.extend(_check_store(scenario))
    findings.extend(_check_workload(scenario))
    findings.extend(_check_measure(scenario))
    findings.extend(_check_expect(scenario))
    return findings


def _check_consensus(scenario: Scenario) -> Iterator[Finding]:
    consensus = scenario.consensus
    if consensus.protocol not in engine_names():
        yield unknown_name(("consensus", "protocol"), consensus.protocol, engine_names())
    if consensus.batching not in batching_names():
        yield unknown_name(("consensus", "batching"), consensus.batching, batching_names())
    yield from _check_batch(scenario)
    yield from check_consensus(consensus)


def _check_batch(scenario: Scenario) -> Iterator[Finding]:
    """Yield limits of a batch that the chain's own make meaningless."""
    consensus, chain = scenario.consensus, scenario.chain
    if consensus.batch_bytes is not None and consensus.batch_bytes > chain.max_block_bytes:
        expected = f"at most chain.max_block_bytes, {chain.max_block_bytes} bytes"
        yield Finding(("consensus", "batch_bytes"), expected, f"{consensus.batch_bytes} bytes")
    if consensus.batch_gas is not None and consensus.batch_gas > chain.gas_limit:
        expected = f"at most chain.gas_limit, {chain.gas_limit}"
        yield Finding(("consensus", "batch_gas"), expected, str(consensus.batch_gas))


def _check_chain(scenario: Scenario) -> Iterator[Finding]:
    chain = scenario.chain
    if chain.elasticity > chain.gas_limit // 21_000:
        expected = (
            f"a value that leaves room for one transfer (21000 gas) below the target: "
            f"chain.gas_limit / elasticity is {chain.gas_limit} / {chain.elasticity}"
        )
        yield Finding(("chain", "elasticity"), expected, str(chain.elasticity))
    for number, text in enumerate(chain.accounts):
        try:
            parse_first_balance(text)
        except InvalidInput as error:
            yield Finding(("chain", "accounts", number), error.expected, shown(text))


def _check_execution(scenario: Scenario) -> Iterator[Finding]:
    if scenario.chain.block_access_list:
        return
    expected = "chain.block_access_list = true beside it, which all at once starts from"
    if scenario.execution.scheduler == ALL_AT_ONCE:
        yield Finding(("execution", "scheduler"), expected, "false")
    for number, node_class in enumerate(scenario.network.classes):
        if node_class.scheduler == ALL_AT_ONCE:
            yield Finding(("network", "classes", number, "scheduler"), expected, "false")


def _check_store(scenario: Scenario) -> Iterator[Finding]:
    store = scenario.store
    if store.profile not in PROFILES:
        yield unknown_name(("store", "profile"), store.profile, PROFILES)
    elif store.profile != StoreSpec().profile and store.engine != "rocksdb":
        expected = 'engine = "rocksdb" beside it, which it tunes'
        yield Finding(("store", "profile"), expected, f'"{store.engine}"')
    flat = store.form == "flat" or any(c.state == "flat" for c in scenario.network.classes)
    if store.state_history != StoreSpec().state_history and not flat:
        yield Finding(("store", "state_history"), 'state = "flat" beside it', f'"{store.form}"')
    for number, each in enumerate(scenario.network.classes):
        if each.state_history is not None and (each.state or store.form) != "flat":
            path = ("network", "classes", number, "state_history")
            yield Finding(path, 'nodes with state = "flat"', f'"{each.state or store.form}"')


def _check_workload(scenario: Scenario) -> Iterator[Finding]:
    workload = scenario.workload
    if isinstance(workload, Extension):
        if workload.name not in workload_names():
            yield unknown_name(("workload", "kind"), workload.name, workload_names())
        return
    if workload.start >= scenario.duration:
        yield _late(("workload", "start"), workload.start, scenario.duration)
    if isinstance(workload, Load):
        yield from _check_loop(workload)
        yield from _check_ranges(workload)
        yield from _check_load_times(workload, scenario.duration)
    if isinstance(workload, ContractLoad):
        yield from _check_holdings(workload)


def _check_loop(workload: Load) -> Iterator[Finding]:
    if workload.rate is None and workload.clients is None:
        expected = "rate (open loop) or clients (closed loop)"
        yield Finding(("workload", "rate"), expected, "neither")
    if workload.rate is not None and workload.clients is not None:
        expected = "rate (open loop) or clients (closed loop)"
        yield Finding(("workload", "clients"), expected, "both")
    if workload.rate is None:
        for key in ("ramp", "bursts"):
            if getattr(workload, key):
                yield Finding(("workload", key), "a rate beside it", "none")
    if workload.clients is None and workload.think_time:
        yield Finding(("workload", "think_time"), "clients beside it", "none")


def _check_ranges(workload: Load) -> Iterator[Finding]:
    drawn = isinstance(workload, Transfers | MainnetLike)
    for what in ("value", "tip") if drawn else ("tip",):
        low, high = getattr(workload, f"{what}_min"), getattr(workload, f"{what}_max")
        if low > high:
            expected = f"at most {what}_max, {high} wei"
            yield Finding(("workload", f"{what}_min"), expected, f"{low} wei")
    if isinstance(workload, Transfers | MainnetLike) and workload.value_max > workload.balance:
        expected = f"at most the balance, {workload.balance} wei"
        yield Finding(("workload", "value_max"), expected, f"{workload.value_max} wei")


def _check_holdings(workload: ContractLoad) -> Iterator[Finding]:
    """Yield what would take hours to set up, and shares that add up to nothing."""
    tokens, key = 0, "tokens"
    if isinstance(workload, Erc20):
        tokens = workload.tokens
        if workload.receivers is not None and workload.receivers > workload.accounts:
            expected = f"at most the number of accounts, {workload.accounts}"
            yield Finding(("workload", "receivers"), expected, str(workload.receivers))
    if isinstance(workload, Amm):
        tokens, key = 2 * workload.pairs, "pairs"
    if isinstance(workload, MainnetLike):
        tokens = max(workload.tokens, 2 * workload.pairs)
        if not any(msgspec.structs.astuple(workload.shares)):
            yield Finding(("workload", "shares"), "at least one above 0", "none")
    if tokens * workload.accounts > HOLDINGS_MAX:
        expected = f"at most {HOLDINGS_MAX} balances, accounts times tokens"
        actual = f"{workload.accounts} accounts and {tokens} tokens"
        yield Finding(("workload", key), expected, actual)


def _check_load_times(workload: Load, duration: int) -> Iterator[Finding]:
    if workload.stop is not None and not workload.start < workload.stop <= duration:
        expected = f"an instant after start and no later than the run's end at {span(duration)}"
        yield Finding(("workload", "stop"), expected, span(workload.stop))
    ramp = workload.ramp
    if ramp is not None and not ramp.start <= ramp.end <= duration:
        expected = f"an instant from the ramp's start to the run's end at {span(duration)}"
        yield Finding(("workload", "ramp", "end"), expected, span(ramp.end))
    for position, burst in enumerate(workload.bursts):
        if burst.start >= duration:
            yield _late(("workload", "bursts", position, "start"), burst.start, duration)


def _check_measure(scenario: Scenario) -> Iterator[Finding]:
    measure = scenario.measure
    if measure.warm_up + measure.cool_down >= scenario.duration:
        key = "warm_up" if measure.warm_up >= measure.cool_down else "cool_down"
        expected = f"warm_up and cool_down together below the duration, {span(scenario.duration)}"
        yield Finding(("measure", key), expected, span(measure.warm_up + measure.cool_down))


def _check_expect(scenario: Scenario) -> Iterator[Finding]:
    expect = scenario.expect
    low, high = expect.min_view_changes, expect.max_view_changes
    if low is not None and high is not None and low > high:
        expected = f"at most max_view_changes, {high}"
        yield Finding(("expect", "min_view_changes"), expected, str(low))
    changes = sum(isinstance(event, ChangeCommittee) for event in scenario.events)
    if expect.min_epoch is not None and expect.min_epoch > changes:
        expected = f"at most one for each committee event in [[events]], {changes}"
        yield Finding(("expect", "min_epoch"), expected, str(expect.min_epoch))
    if expect.agreement_within != Expect().agreement_within and not expect.agreement:
        expected = "agreement = true beside it, or it asks for nothing"
        yield Finding(("expect", "agreement_within"), expected, str(expect.agreement_within))
    longest = expect.max_p99_confirmation
    if longest is not None and longest > scenario.duration:
        expected = f"at most the duration, {span(scenario.duration)}"
        yield Finding(("expect", "max_p99_confirmation"), expected, span(longest))
    yield from _check_throughput(scenario)
    yield from _check_liveness(scenario)
    yield from _check_calm(scenario)


def _check_throughput(scenario: Scenario) -> Iterator[Finding]:
    offered, wanted = offered_rate_max(scenario), scenario.expect.min_tps
    if offered is not None and wanted is not None and wanted > offered:
        expected = f"at most what the workload offers, {offered:g} a second"
        yield Finding(("expect", "min_tps"), expected, f"{wanted:g}")


def offered_rate_max(scenario: Scenario) -> float | None:
    """Return the highest rate that the workload reaches, a second; None where nobody knows."""
    workload = scenario.workload
    if isinstance(workload, Extension) or workload.rate is None:
        return None
    rate = workload.rate
    if isinstance(workload, Load):
        rate = max(rate, workload.ramp.to if workload.ramp else 0.0)
        for burst in workload.bursts:
            rate *= max(burst.factor, 1.0)
    return rate


def _check_liveness(scenario: Scenario) -> Iterator[Finding]:
    within = scenario.expect.liveness_after_heal
    if within is None:
        return
    path = ("expect", "liveness_after_heal")
    heals = sorted(_heals(scenario.events))
    if not heals:
        yield Finding(path, "an event that heals a partition", "none in [[events]]")
    elif heals[-1] + within > scenario.duration:
        left = max(scenario.duration - heals[-1], 0)
        expected = f"at most {span(left)}, what the run lasts after its last heal"
        yield Finding(path, expected, span(within))


def _check_calm(scenario: Scenario) -> Iterator[Finding]:
    """Yield duties of the calm end of a run that is too short for them."""
    within, after = scenario.expect.recovery_within, scenario.expect.stranded_after
    left = max(scenario.duration - calm_from(scenario.events), 0)
    if within is not None and within > left:
        expected = f"at most {span(left)}, what the run lasts after its last event"
        yield Finding(("expect", "recovery_within"), expected, span(within))
    if after is not None and after > scenario.duration:
        expected = f"at most the duration, {span(scenario.duration)}"
        yield Finding(("expect", "stranded_after"), expected, span(after))


def _heals(events: tuple[TimelineEvent, ...]) -> Iterator[int]:
    for event in events:
        if isinstance(event, Heal):
            yield event.at
        elif isinstance(event, Partition) and event.lasting is not None:
            yield event_end(event)


def _late(path: Path, at: int, duration: int) -> Finding:
    return Finding(path, f"an instant before the run ends at {span(duration)}", span(at))
