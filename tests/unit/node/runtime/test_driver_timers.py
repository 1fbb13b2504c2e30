"""Timers of live nodes against a naive twin, on a loop whose time is a number."""

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import given, strategies as st

from node.runtime.timers import Fired, Timers
from primitives.ids import Duration

MILLISECOND = 1_000_000


class Handle:
    def __init__(self, at: int, run: Callable[[], None]) -> None:
        self.at, self.run, self.is_off = at, run, False

    def cancel(self) -> None:
        self.is_off = True


class Loop:
    """A loop that comes up to half a millisecond early, as loops of whole milliseconds do."""

    def __init__(self) -> None:
        self.now = 0
        self.handles: list[Handle] = []

    def call_later(self, seconds: float, call: Callable[..., None], *args: Any) -> Handle:
        at = self.now + max(0, round(seconds * 1e9) - MILLISECOND // 2)
        handle = Handle(at, lambda: call(*args))
        self.handles.append(handle)
        return handle

    def pass_time(self, span: int) -> None:
        end = self.now + span
        while True:
            self.handles = [each for each in self.handles if not each.is_off]
            due = min(self.handles, key=lambda each: each.at, default=None)
            if due is None or due.at > end:
                break
            self.handles.remove(due)
            self.now = max(self.now, due.at)
            due.run()
        self.now = end


class World:
    def __init__(self) -> None:
        self.loop = Loop()
        self.fired: list[Fired] = []
        loop: Any = self.loop
        assert not isinstance(loop, asyncio.AbstractEventLoop)
        self.timers = Timers(loop, self.fired.append, lambda: self.loop.now)

    def taken(self) -> list[object]:
        fired, self.fired[:] = list(self.fired), []
        return [each.timer.name for each in fired if self.timers.taken(each)]


class Naive:
    """Looks at every timer every time."""

    def __init__(self) -> None:
        self.now = 0
        self.due: dict[str, int] = {}
        self.fired: list[str] = []

    def arm(self, name: str, delay: int) -> None:
        self.cancel(name)
        self.due[name] = self.now + delay

    def cancel(self, name: str) -> None:
        self.due.pop(name, None)
        self.fired = [each for each in self.fired if each != name]

    def pass_time(self, span: int) -> None:
        # With the early loop a timer may come up one millisecond late, never early.
        self.now += span
        for name, due in list(self.due.items()):
            if due + 2 * MILLISECOND <= self.now:
                del self.due[name]
                self.fired.append(name)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("arm"), st.sampled_from("abc"), st.integers(0, 50).map(lambda n: n * 5)),
        st.tuples(st.just("cancel"), st.sampled_from("abc"), st.just(0)),
        st.tuples(st.just("pass"), st.just(""), st.integers(1, 20).map(lambda n: n * 5 + 2)),
        st.tuples(st.just("take"), st.just(""), st.just(0)),
    ),
    max_size=40,
)


@given(steps=STEPS)
def test_timers_fire_as_if_each_were_looked_at(steps: list[tuple[str, str, int]]) -> None:
    world, naive = World(), Naive()
    for what, name, number in steps:
        if what == "arm":
            world.timers.arm(name, Duration(number * MILLISECOND))
            naive.arm(name, number * MILLISECOND)
        elif what == "cancel":
            world.timers.disarm(name)
            naive.cancel(name)
        elif what == "pass":
            world.loop.pass_time(number * MILLISECOND)
            naive.pass_time(number * MILLISECOND)
        else:
            assert sorted(map(str, world.taken())) == sorted(naive.fired)
            naive.fired = []
    world.loop.pass_time(1_000 * MILLISECOND)
    naive.pass_time(1_000 * MILLISECOND)
    assert sorted(map(str, world.taken())) == sorted(naive.fired)
    assert not len(world.timers), "nothing is remembered of timers that are over"


def test_a_timer_that_is_moved_on_and_on_has_one_handle() -> None:
    world = World()
    for turn in range(100):
        world.timers.arm("request", Duration(50 * MILLISECOND))
        world.loop.pass_time(MILLISECOND)
        assert len([each for each in world.loop.handles if not each.is_off]) == 1, turn
    assert not world.fired
    world.loop.pass_time(60 * MILLISECOND)
    assert world.taken() == ["request"]


def test_a_firing_is_never_early() -> None:
    world = World()
    world.timers.arm("a", Duration(10 * MILLISECOND))
    world.loop.pass_time(10 * MILLISECOND - 1)
    assert not world.fired
    world.loop.pass_time(2 * MILLISECOND)
    assert world.taken() == ["a"]


def test_closing_silences_all() -> None:
    world = World()
    world.timers.arm("a", Duration(MILLISECOND))
    world.timers.close()
    world.loop.pass_time(10 * MILLISECOND)
    assert not world.fired
