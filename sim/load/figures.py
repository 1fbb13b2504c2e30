"""From a load's counters to its result."""

from collections.abc import Sequence

import numpy as np

from sim.load.chain import ChainFacts
from sim.load.engine import BlockRow, LoadEngine
from sim.load.plan import LoadPlan
from sim.load.result import Blocks, LoadResult, Series
from sim.load.urls import shown_url
from sim.report.series import SECOND_NS, SecondBins


def build_load_result(
    engine: LoadEngine,
    facts: ChainFacts,
    *,
    urls: Sequence[str],
    began: str,
    trouble: str | None,
    run_directory: str | None,
) -> LoadResult:
    """Return the figures of a load that has ended.

    Args:
        engine: which ran it.
        facts: of the chain.
        urls: of the nodes.
        began: wall clock, ISO 8601.
        trouble: why it ended early, other than by the user.
        run_directory: where its files are.
    """
    plan, ledger, sender = engine.plan, engine.ledger, engine.sender
    offered_ns = engine.offered_ns
    measured_ns = max(offered_ns - plan.warm_up, 0)
    seconds = max(1, -(-engine.ended_ns // SECOND_NS))
    return LoadResult(
        urls=tuple([shown_url(url) for url in urls]),
        software=facts.software,
        chain_id=facts.chain_id,
        genesis=facts.genesis,
        began=began,
        mix=plan.mix.text,
        loop="open" if plan.clients is None else "closed",
        offered=offered_text(plan),
        accounts=len(engine.lanes.lanes),
        seed=plan.seed,
        planned_seconds=plan.duration / SECOND_NS,
        seconds=offered_ns / SECOND_NS,
        measured_seconds=measured_ns / SECOND_NS,
        drain_seconds=(engine.ended_ns - offered_ns) / SECOND_NS,
        intended=ledger.intended.total,
        sent=ledger.sent.total,
        accepted=ledger.accepted.total,
        included=ledger.included.total - ledger.reorganised,
        final=ledger.final.total,
        unconfirmed=sender.on_their_way,
        dropped=ledger.dropped.total,
        resent=ledger.resent.total,
        repriced=sender.repriced,
        reorganised=ledger.reorganised,
        looked_at=engine.looked_at,
        failed=engine.failed,
        errors=ledger.error_totals(),
        offered_tps=rate_between(ledger.intended, plan.warm_up, offered_ns),
        tps=rate_between(ledger.included, plan.warm_up, offered_ns),
        acceptance_seconds=ledger.acceptance.summary(),
        inclusion_seconds=ledger.inclusion.summary(),
        finality_seconds=ledger.finality.summary(),
        lateness_seconds=ledger.lateness.summary(),
        lag_seconds=ledger.lag.summary(),
        has_finality=engine.watch.has_finality,
        presigned=engine.presigned,
        client_cpu_seconds=engine.cpu_s,
        client_busy=engine.offering_cpu_s / max(offered_ns / SECOND_NS, 1e-9),
        held_up={hold.value: seconds for hold, seconds in sorted(engine.held_up.items())},
        retired=engine.lanes.retired,
        blocks=_blocks(engine.blocks),
        series=_series(engine, seconds),
        partial=engine.stopped or trouble is not None,
        trouble=trouble,
        run_directory=run_directory,
    )


def offered_text(plan: LoadPlan) -> str:
    """Say what is offered, as on the command line."""
    if plan.rate is not None:
        return f"{plan.rate.text} tx/s"
    think = f", {plan.think / SECOND_NS:g} s to think" if plan.think else ""
    return f"{plan.clients:,} clients{think}"


def rate_between(bins: SecondBins, start_ns: int, end_ns: int) -> float:
    """Return the mean rate a second over the whole seconds between two instants; 0 for none.

    A span shorter than a second, or between two of them, is taken as it is.
    """
    first, last = -(-start_ns // SECOND_NS), end_ns // SECOND_NS
    if last <= first:
        span_s = max(end_ns - start_ns, 1) / SECOND_NS
        return bins.total / span_s if start_ns == 0 else 0.0
    return float(bins.numpy(last)[first:].sum()) / (last - first)


def _series(engine: LoadEngine, seconds: int) -> Series:
    ledger = engine.ledger

    def listed(bins: SecondBins) -> list[int]:
        return [int(each) for each in bins.numpy(seconds).tolist()]

    points = ledger.inclusion_by_second.points(seconds)
    return Series(
        intended=listed(ledger.intended),
        sent=listed(ledger.sent),
        accepted=listed(ledger.accepted),
        included=listed(ledger.included),
        final=listed(ledger.final),
        dropped=listed(ledger.dropped),
        errors={kind.value: listed(bins) for kind, bins in sorted(ledger.errors.items())},
        inclusion_p50=[None if pair is None else pair[0] / SECOND_NS for pair in points],
        inclusion_p99=[None if pair is None else pair[1] / SECOND_NS for pair in points],
    )


def _blocks(rows: Sequence[BlockRow]) -> Blocks:
    gas_used = sum(row.gas_used for row in rows)
    gas_limit = sum(row.gas_limit for row in rows)
    gaps = np.diff(np.array([row.at_ns for row in rows], dtype=np.int64))
    return Blocks(
        count=len(rows),
        transactions=sum(row.transactions for row in rows),
        gas_used=gas_used,
        fullness=gas_used / gas_limit if gas_limit else None,
        block_time_p50=float(np.median(gaps)) / SECOND_NS if len(gaps) else None,
        base_fee_first=rows[0].base_fee if rows else None,
        base_fee_last=rows[-1].base_fee if rows else None,
    )
