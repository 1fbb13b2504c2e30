"""From series to figures: the measured window, throughput, percentiles, the result.

Warm-up and cool-down are left out: the first because queues are empty and caches cold, the second
because what is submitted then has no time to be confirmed. Confirmation times are those of
transactions *submitted* in the window, whenever they were committed: choosing them by commit would
drop the slowest ones of a run that falls behind.

Reference: R. Jain, The Art of Computer Systems Performance Analysis (1991), section 25.3.
"""

import msgspec
import numpy as np

from sim.report.collect import Collector
from sim.report.result import (
    Breach,
    Expectation,
    FastConfirmation,
    Percentiles,
    Points,
    RunResult,
)
from sim.report.series import SECOND_NS, BoolArray, IntArray


class Window(msgspec.Struct, frozen=True):
    """The measured part of a run: start_ns <= t < end_ns."""

    start_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return (self.end_ns - self.start_ns) / SECOND_NS

    def holds(self, at_ns: IntArray) -> BoolArray:
        """Return which of the instants lie inside, same shape as `at_ns`."""
        return (at_ns >= self.start_ns) & (at_ns < self.end_ns)


class RunIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """What the collector cannot know about a run."""

    scenario: str
    seed: int
    digest: str
    wall_seconds: float
    replay: str = ""
    run_directory: str | None = None


def measured_window(collector: Collector) -> Window:
    """Return the window, cut at the run's end; empty if the run ended during its warm-up."""
    shape = collector.shape
    start_ns = min(shape.warmup_ns, collector.end_ns)
    end_ns = min(shape.duration_ns - shape.cooldown_ns, collector.end_ns)
    return Window(start_ns, max(start_ns, end_ns))


def throughput(collector: Collector) -> float:
    """Return committed transactions a second over the measured window; 0 if it is empty."""
    window = measured_window(collector)
    if window.end_ns <= window.start_ns:
        return 0.0
    inside = window.holds(collector.blocks.at_ns.numpy())
    return float(collector.blocks.transactions.numpy()[inside].sum()) / window.seconds


def confirmation_times_ns(collector: Collector) -> IntArray:
    """Return the confirmation times of transactions submitted in the window, sorted."""
    window = measured_window(collector)
    inside = window.holds(collector.confirmations.submitted_ns.numpy())
    return np.sort(collector.confirmations.latency_ns.numpy()[inside])


def block_intervals_ns(collector: Collector) -> tuple[IntArray, IntArray]:
    """Return (commit instant, time since the block before) of successive blocks of the window.

    Both have shape (blocks - 1,): the first block has no predecessor to be measured from. Blocks
    stand in the order of their first commit anywhere.
    """
    at_ns = collector.blocks.at_ns.numpy()
    gaps = np.diff(at_ns)
    inside = measured_window(collector).holds(at_ns[1:])
    return at_ns[1:][inside], gaps[inside]


def percentiles(sorted_ns: IntArray) -> Percentiles:
    """Return p50, p95 and p99 in seconds by nearest rank: each is a value that was measured."""
    if len(sorted_ns) == 0:
        return Percentiles()
    return Percentiles(*[_rank(sorted_ns, percent) for percent in (50, 95, 99)])


def points(sorted_ns: IntArray) -> Points:
    """Return p50, p90 and p99 in seconds, likewise."""
    if len(sorted_ns) == 0:
        return Points()
    return Points(*[_rank(sorted_ns, percent) for percent in (50, 90, 99)])


def _rank(sorted_ns: IntArray, percent: int) -> float:
    count = len(sorted_ns)
    return int(sorted_ns[max(0, -(-percent * count // 100) - 1)]) / SECOND_NS


def fast_confirmation(collector: Collector) -> FastConfirmation | None:
    """Return what gateways have told their clients; None without any."""
    told = collector.gateways
    if not (len(told.final_ns.numpy()) or told.confirmed or told.rejected or told.pending):
        return None
    window = measured_window(collector)
    first_ns, final_ns = told.times_ns(window.start_ns, window.end_ns)
    return FastConfirmation(
        confirmed=told.confirmed,
        final=len(told.final_ns.numpy()),
        rejected=sum(told.rejected.values()),
        pending=told.pending,
        lies=sum(told.lies.values()),
        first_answer_seconds=points(first_ns),
        final_commit_seconds=points(final_ns),
    )


def build_result(
    collector: Collector,
    identity: RunIdentity,
    *,
    expectations: tuple[Expectation, ...] = (),
    violation: Breach | None = None,
    partial: bool = False,
) -> RunResult:
    """Return the result of a run whose collector is finished."""
    window = measured_window(collector)
    times_ns = confirmation_times_ns(collector)
    blocks = collector.blocks
    traffic = collector.traffic_by_kind.values()
    return RunResult(
        scenario=identity.scenario,
        seed=identity.seed,
        digest=identity.digest,
        virtual_seconds=collector.end_ns / SECOND_NS,
        wall_seconds=identity.wall_seconds,
        nodes=collector.shape.nodes,
        height=max(blocks.heights, default=0),
        blocks=len(blocks.heights),
        transactions=int(blocks.transactions.numpy().sum()),
        tps=throughput(collector),
        confirmation_time_seconds=percentiles(times_ns),
        messages=sum(kind.count_by_second.total for kind in traffic),
        bytes=sum(kind.bytes_by_second.total for kind in traffic),
        view_changes=len(collector.views.views_entered),
        committee_changes=len(collector.views.epochs),
        expectations=expectations,
        run_directory=identity.run_directory,
        measured_seconds=window.seconds,
        confirmations=len(times_ns),
        unconfirmed=sum(
            window.start_ns <= at < window.end_ns
            for at in (
                *collector.confirmations.open_submissions(),
                *collector.gateways.open_submissions(),
            )
        ),
        rejected=dict(sorted(collector.rejected.items())),
        evidence=collector.evidence.offenders(),
        peer_scores=collector.evidence.standings(),
        execution=collector.execution.result(collector.shape.execution),
        fast_confirmation=fast_confirmation(collector),
        storage=collector.storage.figures(),
        compact=collector.compact.figures(),
        violation=violation,
        replay=identity.replay,
        partial=partial,
    )
