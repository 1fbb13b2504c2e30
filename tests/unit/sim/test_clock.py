"""A node's clock that is wrong or runs at its own rate: what turns are told, when timers fire."""

import pytest
from hypothesis import given, strategies as st

from primitives.ids import Instant
from primitives.machine import CancelTimer, SetTimer, Started, TimerFired
from sim.hosts.clock import Clock, by_clock
from tests.unit.sim.kernel_worlds import Poke, Scene, timer, work

SECOND = 1_000_000_000


def test_a_reading_is_off_by_the_offset_and_by_what_the_drift_has_gained() -> None:
    clock = Clock(since_ns=10 * SECOND, offset_ns=-3 * SECOND, drift_ppm=100_000)
    assert clock.reading(10 * SECOND) == 7 * SECOND
    assert clock.reading(20 * SECOND) == 18 * SECOND
    assert Clock(0).reading(77) == 77


@pytest.mark.parametrize(
    ("ppm", "span", "true"),
    [(0, 900, 900), (1_000_000, 900, 450), (-500_000, 900, 1800), (500_000, 100, 67), (1, 0, 0)],
)
def test_a_fast_clock_ends_its_spans_early(ppm: int, span: int, true: int) -> None:
    assert Clock(5, 10**9, ppm).true_span(span) == true


@given(
    ppm=st.integers(-999_999, 3_000_000),
    span=st.integers(0, 10**13),
    at=st.integers(0, 10**13),
    offset=st.integers(-(10**12), 10**12),
)
def test_when_a_true_span_has_passed_the_clock_has_gone_on_by_it(
    ppm: int, span: int, at: int, offset: int
) -> None:
    clock = Clock(at, offset, ppm)
    shown = clock.reading(at + clock.true_span(span)) - clock.reading(at)
    # A rounded nanosecond of true time is as many shown ones as the clock's rate.
    assert span <= shown <= span + 1 + (ppm + 1_000_000) // 1_000_000


def test_only_timers_are_touched_and_nothing_at_all_without_a_drift() -> None:
    effects = [timer("a", 100), CancelTimer("a"), work(3)]
    told = []

    def step(now, event):
        told.append(now)
        return effects

    fast = by_clock(step, Clock(0, 7, 1_000_000))
    assert fast(Instant(10), Started()) == [timer("a", 50), CancelTimer("a"), work(3)]
    assert by_clock(step, Clock(0, 7))(Instant(10), Started()) is effects
    assert told == [27, 17]
    assert effects[0] == SetTimer("a", timer("a", 100).delay_ns)


def test_the_kernel_tells_a_node_its_own_time_and_lets_its_timers_follow_its_clock() -> None:
    script = {(0, Poke): [[timer("t", 1_000)], [timer("t", 1_000)]]}
    scene = Scene(script)
    scene.kernel.act(500, lambda: scene.kernel.set_clock(0, Clock(500, 10_000, 1_000_000)))
    scene.poke(100)
    scene.poke(3_000)
    scene.poke(3_000, node=1)
    scene.run()
    # Shown are the node's own times: true 3,000 is 10,000 ahead, and 2,500 gained since 500.
    assert scene.turns(Poke, 0) == [(100, 0), (15_500, 0)]
    # The first timer runs its length, the second half of it: true 1,101 and 3,501.
    assert scene.turns(TimerFired, 0) == [(11_702, 0), (16_502, 0)]
    assert scene.turns(Poke, 1) == [(3_000, 1)]


def test_a_clock_survives_a_crash_and_can_be_set_right() -> None:
    scene = Scene({})
    kernel = scene.kernel
    kernel.act(100, lambda: kernel.set_clock(0, Clock(100, 5_000)))
    kernel.act(200, lambda: kernel.crash(0))
    kernel.act(300, lambda: kernel.start(0))
    kernel.act(400, lambda: kernel.crash(0))
    kernel.act(450, lambda: kernel.set_clock(0, None))
    kernel.act(500, lambda: kernel.start(0))
    scene.run()
    assert scene.turns(Started, 0) == [(0, 0), (5_300, 0), (500, 0)]
