"""What reports say about fast confirmation: both times, of the same transactions."""

import msgspec
import pytest
from rich.console import Console

from node.gateway_trace import (
    Accepted,
    FastConfirmed,
    Finalised,
    Refused,
    StillPending,
    ValidatorLied,
)
from primitives.machine import TraceEvent
from sim.cli.summary import show_result
from sim.report import Collector, RunIdentity, RunResult, RunShape, build_result
from sim.report.page.fast_confirmation import fast_confirmation_card
from sim.report.series import SECOND_NS
from sim.trace import Observation

MS = SECOND_NS // 1_000
SHAPE = RunShape(nodes=6, validators=4, duration_ns=10 * SECOND_NS, warmup_ns=SECOND_NS)
GATEWAY, ANOTHER = 4, 5
DIGEST = b"d" * 32


class NoBlocks:
    def transaction_hashes(self, digest: bytes) -> tuple[bytes, ...]:
        return ()


def name(number: int) -> bytes:
    return b"%032d" % number


def collect(events: list[tuple[float, int, TraceEvent]]) -> Collector:
    collector = Collector(SHAPE, NoBlocks())
    for seconds, node, event in events:
        collector.observe(Observation(round(seconds * SECOND_NS), node, event))
    collector.finish(10 * SECOND_NS)
    return collector


def told(collector: Collector) -> RunResult:
    identity = RunIdentity(scenario="s", seed=1, digest="00", wall_seconds=1.0)
    return build_result(collector, identity)


def life(
    number: int, at: float, first_ms: int | None, final_ms: int, node: int = GATEWAY
) -> list[tuple[float, int, TraceEvent]]:
    """A transaction that is confirmed, if so, and final."""
    events: list[tuple[float, int, TraceEvent]] = [(at, node, Accepted(name(number)))]
    if first_ms is not None:
        shown = FastConfirmed(name(number), 0, 1, DIGEST, first_ms * MS)
        events.append((at + first_ms / 1e3, node, shown))
    final = Finalised(name(number), 0, 1, DIGEST, final_ms * MS)
    return [*events, (at + final_ms / 1e3, node, final)]


def in_order(*lives: list[tuple[float, int, TraceEvent]]) -> list[tuple[float, int, TraceEvent]]:
    return sorted((event for life in lives for event in life), key=lambda event: event[0])


def test_both_times_are_of_the_same_transactions() -> None:
    events = in_order(*[life(n, 2, 100 + n, 300 + n) for n in range(100)])
    fast = told(collect(events)).fast_confirmation
    assert fast is not None
    assert (fast.confirmed, fast.final) == (100, 100)
    first, final = fast.first_answer_seconds, fast.final_commit_seconds
    assert (first.p50, first.p90, first.p99) == (0.149, 0.189, 0.198)
    assert (final.p50, final.p90, final.p99) == (0.349, 0.389, 0.398)


def test_a_certificate_that_was_quicker_is_the_first_answer() -> None:
    fast = told(collect(in_order(life(1, 2, None, 250)))).fast_confirmation
    assert fast is not None
    assert (fast.confirmed, fast.final) == (0, 1)
    assert fast.first_answer_seconds.p50 == fast.final_commit_seconds.p50 == 0.25


def test_what_is_submitted_during_warm_up_is_not_measured() -> None:
    fast = told(collect(in_order(life(1, 0.5, 900, 1_000), life(2, 2, 10, 20)))).fast_confirmation
    assert fast is not None
    assert fast.final == 2
    assert fast.first_answer_seconds.p99 == 0.01


def test_one_transaction_at_two_gateways_has_two_times() -> None:
    events = in_order(life(1, 2, 100, 200), life(1, 3, 10, 20, ANOTHER))
    collector = collect(events)
    assert sorted(collector.gateways.first_ns.numpy().tolist()) == [10 * MS, 100 * MS]


def test_final_commits_are_the_runs_confirmations() -> None:
    result = told(collect(in_order(life(1, 2, 100, 200))))
    assert result.confirmations == 1
    assert result.confirmation_time_seconds.p50 == 0.2


def test_the_other_answers_are_counted() -> None:
    events: list[tuple[float, int, TraceEvent]] = [
        (2.0, GATEWAY, Accepted(name(1))),
        (2.1, GATEWAY, Refused(name(1), "nonce_too_low", 5)),
        (2.2, GATEWAY, Accepted(name(2))),
        (7.2, GATEWAY, StillPending(name(2), 2, 0, 5)),
        (8.0, GATEWAY, ValidatorLied(3, "proof", 0)),
    ]
    result = told(collect(events))
    fast = result.fast_confirmation
    assert fast is not None
    assert (fast.rejected, fast.pending, fast.lies) == (1, 1, 1)
    assert result.rejected == {"nonce_too_low": 1}
    assert result.unconfirmed == 1


def test_a_run_without_gateways_says_nothing_about_them() -> None:
    collector = collect([])
    result = told(collector)
    assert result.fast_confirmation is None
    assert fast_confirmation_card(None, collector) is None
    console = Console(record=True, width=100)
    show_result(result, console)
    assert "first answer" not in console.export_text()


def test_the_summary_shows_both() -> None:
    console = Console(record=True, width=100)
    show_result(told(collect(in_order(life(1, 2, 100, 200)))), console)
    text = console.export_text()
    assert "0.100 / 0.100 / 0.100 s" in text
    assert "0.200 / 0.200 / 0.200 s" in text
    assert "1 / 1 / 0 / 0" in text


def test_the_result_survives_its_file() -> None:
    result = told(collect(in_order(life(1, 2, 100, 200))))
    assert msgspec.json.decode(msgspec.json.encode(result), type=RunResult) == result


def test_the_plot_has_a_curve_for_each_answer() -> None:
    collector = collect(in_order(*[life(n, 2, 100 + n, 300 + n) for n in range(50)]))
    card = fast_confirmation_card(told(collector).fast_confirmation, collector)
    assert card is not None
    assert card.count("curve s1") == card.count("curve s2") == 1
    assert "50 confirmed by signatures" in card


@pytest.mark.parametrize("events", [[(2.0, GATEWAY, Refused(name(1), "gateway_full", 0))]])
def test_without_final_answers_there_is_no_plot(
    events: list[tuple[float, int, TraceEvent]],
) -> None:
    collector = collect(events)
    card = fast_confirmation_card(told(collector).fast_confirmation, collector)
    assert card is not None
    assert "was answered" in card
