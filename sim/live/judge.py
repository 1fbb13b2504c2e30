"""What is expected of a live run, and what came of it.

Three things are expected of every run: that the nodes have one chain, that nothing confirmed is
lost, and that no process has ended by itself. `[expect]` asks for more. What cannot be seen from
outside of the nodes, or has not come to pass because the run ended too early, is named as not
judged: a silence would pass for a success.
"""

from collections.abc import Iterator, Sequence

import msgspec

from sim.live.summary import Judgement, LoadFigures, NodeEnd
from sim.live.witness import Check
from sim.scenario import Expect, Heal, Partition, Scenario, calm_from, event_end

SECOND_NS = 1_000_000_000
LOSSES_SHOWN = 3
RUNNING = ("up", "slowed", "partitioned", "starting")
"""States of a node that should answer."""
BOUNDS = ("max_view_changes",)
"""What can be broken early, but kept only to the end; all else can be reached early."""
LATE_SHARE = 0.01
"""Of transactions: what lies beyond a 99th percentile."""


class Outcome(msgspec.Struct, frozen=True):
    """What the judge looks at."""

    seconds: float
    """For how long the network was up."""
    nodes: tuple[NodeEnd, ...]
    common_height: int
    check: Check
    deaths: int
    """Processes that ended by themselves."""
    killed_at_end: tuple[int, ...]
    """Nodes that did not end in good order when they were asked to."""
    tps: float
    height: int
    epoch: int
    view_changes: int
    growth: tuple[tuple[float, int], ...]
    """When, in seconds since the network was up, it was first seen to be so high."""
    load: LoadFigures | None


def judge(scenario: Scenario, outcome: Outcome) -> tuple[Judgement, ...]:
    """Judge a run; see the module."""
    return (
        _one_chain(outcome),
        _nothing_lost(outcome.check, everybody=len(outcome.check.nodes) == len(outcome.nodes)),
        _no_deaths(outcome),
        *_expected(scenario, outcome),
    )


def _one_chain(outcome: Outcome) -> Judgement:
    digests: dict[str, list[int]] = {}
    for each in outcome.nodes:
        if each.digest is not None:
            digests.setdefault(each.digest, []).append(each.node)
    if not digests:
        return Judgement("one chain", "not judged", "no node answers")
    told = "; ".join(f"nodes {_listed(nodes)}: {digest}" for digest, nodes in digests.items())
    told = f"at height {outcome.common_height}, {told}"
    why = _hollow(outcome)
    if len(digests) == 1 and why:
        return Judgement("one chain", "not judged", f"{told}; {why}")
    return _verdict("one chain", len(digests) == 1, told)


def _hollow(outcome: Outcome) -> str:
    """Say why one block at the common height shows nothing; nothing if it shows something."""
    silent = [each.node for each in outcome.nodes if each.digest is None and each.state in RUNNING]
    if silent:
        return f"nodes {_listed(silent)} run and do not answer"
    if sum(each.digest is not None for each in outcome.nodes) < min(2, len(outcome.nodes)):
        return "no other node answers"
    if not outcome.common_height and outcome.height:
        return "a node has nothing but block 0"
    return ""


def _nothing_lost(check: Check, *, everybody: bool) -> Judgement:
    """Judge what was asked for again; `everybody` says that all nodes have answered."""
    name = "nothing confirmed is lost"
    if not check.nodes or not check.blocks:
        return Judgement(name, "not judged", "nothing was confirmed, or no node was asked")
    asked = (
        f"{check.blocks:,} blocks and {check.transactions:,} transactions in them, asked for again "
        f"of {len(check.nodes)} nodes"
    )
    losses = "; ".join(
        f"node {loss.node} has at height {loss.height}, for {loss.what}: {loss.found}"
        for loss in check.losses[:LOSSES_SHOWN]
    )
    more = len(check.losses) - LOSSES_SHOWN
    detail = f"{asked}: {losses or 'all there'}" + (f"; and {more} more" if more > 0 else "")
    detail += "".join(f"; node {node} had to have {count:,}" for node, count in check.fewer)
    if check.unseen:
        detail += f"; {check.unseen:,} are above what any node has that answers"
        return Judgement(name, "failed" if check.losses or everybody else "not judged", detail)
    if check.silent and not check.losses:
        detail += f"; nodes {_listed(check.silent)} run and do not answer"
        return Judgement(name, "not judged", detail)
    return _verdict(name, not check.losses, detail)


def _no_deaths(outcome: Outcome) -> Judgement:
    told = [f"{outcome.deaths} ended by themselves"] if outcome.deaths else []
    if outcome.killed_at_end:
        told.append(f"nodes {_listed(outcome.killed_at_end)} had to be killed at the end")
    return _verdict("processes", not told, "; ".join(told) or "none ended by itself")


def _expected(scenario: Scenario, outcome: Outcome) -> Iterator[Judgement]:
    early = outcome.seconds * SECOND_NS < scenario.duration
    for judgement in _numbers(scenario.expect, outcome):
        open_yet = "passed" if judgement.name in BOUNDS else "failed"
        if early and judgement.verdict == open_yet:
            ended = f"ended after {outcome.seconds:.1f} s of {scenario.duration / SECOND_NS:g} s"
            detail = f"{judgement.detail}; {ended}"
            yield Judgement(judgement.name, "not judged", detail)
        else:
            yield judgement
    # These know which of their instants have come.
    yield from _times(scenario, outcome)


def _numbers(expect: Expect, outcome: Outcome) -> Iterator[Judgement]:
    if expect.min_tps is not None:
        found = f"at least {expect.min_tps:g} a second, found {outcome.tps:.1f}"
        yield _of_load("min_tps", outcome, outcome.tps >= expect.min_tps, found)
    if expect.max_p99_confirmation is not None:
        yield _confirmation(expect.max_p99_confirmation / SECOND_NS, outcome)
    if expect.min_height is not None:
        found = f"at least {expect.min_height}, found {outcome.height}"
        yield _verdict("min_height", outcome.height >= expect.min_height, found)
    if expect.min_epoch is not None:
        found = f"at least {expect.min_epoch}, found {outcome.epoch}"
        yield _verdict("min_epoch", outcome.epoch >= expect.min_epoch, found)
    if expect.agreement:
        yield _agreement(expect.agreement_within, outcome)
    seen = f"{outcome.view_changes} seen"
    if expect.min_view_changes is not None:
        passed = outcome.view_changes >= expect.min_view_changes
        yield _verdict("min_view_changes", passed, f"at least {expect.min_view_changes}, {seen}")
    if expect.max_view_changes is not None:
        passed = outcome.view_changes <= expect.max_view_changes
        yield _verdict("max_view_changes", passed, f"at most {expect.max_view_changes}, {seen}")


def _times(scenario: Scenario, outcome: Outcome) -> Iterator[Judgement]:
    expect = scenario.expect
    if expect.liveness_after_heal is not None:
        within = expect.liveness_after_heal
        spans = [(heal, within) for heal in _heals(scenario)]
        yield _grows("liveness_after_heal", spans, outcome)
    if expect.recovery_within is not None:
        spans = [(calm_from(scenario.events), expect.recovery_within)]
        yield _grows("recovery_within", spans, outcome)
    if expect.stranded_after is not None:
        why = "a pool does not say how long each transaction has waited in it"
        yield Judgement("stranded_after", "not judged", why)


def _heals(scenario: Scenario) -> list[int]:
    return sorted(
        event_end(event)
        for event in scenario.events
        if isinstance(event, Heal) or (isinstance(event, Partition) and event.lasting is not None)
    )


def _grows(name: str, spans: Sequence[tuple[int, int]], outcome: Outcome) -> Judgement:
    """Judge that the chain grows within a time after each of some instants, ns."""
    if not spans:
        return Judgement(name, "not judged", "nothing is ever healed")
    for at, within in spans:
        after = [seen for seen, _ in outcome.growth if seen * SECOND_NS > at]
        waited = min(after, default=outcome.seconds) - at / SECOND_NS
        if waited * SECOND_NS > within or not after:
            detail = f"a block within {within / SECOND_NS:g} s after {at / SECOND_NS:g} s, waited"
            if not after and outcome.seconds * SECOND_NS < at + within:
                why = f"the run ended at {outcome.seconds:.1f} s"
                return Judgement(name, "not judged", f"{detail} in vain: {why}")
            return Judgement(name, "failed", f"{detail} {waited:.1f} s")
    instants = ", ".join([f"{at / SECOND_NS:g} s" for at, _ in spans])
    return Judgement(name, "passed", f"a block in time after {instants}")


def _agreement(within: int, outcome: Outcome) -> Judgement:
    heights = [each.height for each in outcome.nodes if each.digest is not None]
    if not heights:
        return Judgement("agreement", "not judged", "no node answers")
    found = f"at most {within} blocks between heads, found {max(heights) - min(heights)}"
    return _verdict("agreement", max(heights) - min(heights) <= within, found)


def _confirmation(most_s: float, outcome: Outcome) -> Judgement:
    name = "max_p99_confirmation"
    if outcome.load is None or not outcome.load.finality_seconds.count:
        return Judgement(name, "not judged", "no transaction of a load became final")
    load, p99 = outcome.load, outcome.load.finality_seconds.p99
    assert p99 is not None
    found = f"at most {most_s:g} s, found {p99:.3f} s"
    if load.overdue:
        found += f"; {load.overdue:,} have waited longer, and in vain"
    late = load.overdue > LATE_SHARE * (load.final + load.overdue)
    return _verdict(name, p99 <= most_s and not late, found)


def _of_load(name: str, outcome: Outcome, passed: bool, detail: str) -> Judgement:
    if outcome.load is None:
        return Judgement(name, "not judged", "there was no load")
    return _verdict(name, passed, detail)


def _verdict(name: str, passed: bool, detail: str) -> Judgement:
    return Judgement(name, "passed" if passed else "failed", detail)


def _listed(nodes: Sequence[int]) -> str:
    return ", ".join(map(str, nodes))
