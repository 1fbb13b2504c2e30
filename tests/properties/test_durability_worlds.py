"""Both worlds keep one rule: what follows a `Persist` waits for it."""

import tempfile
import time
from itertools import cycle
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given, settings, strategies as st

from node.runtime.driver import Driver
from node.runtime.keeper import Held
from primitives.machine import Effect, Loopback
from storage.rocks import Committer
from tests.unit.durability_worlds import (
    CORES,
    Happened,
    LiveWorld,
    SimulatedWorld,
    Turns,
    judge,
    loop,
    persist,
    send,
)
from tests.unit.node.runtime.driven_turns import PATIENCE_SECONDS, DriverWorld

KINDS = ("persist", "send", "loop")


@st.composite
def turns(draw: st.DrawFn) -> Turns:
    """A few turns of a few effects each; every effect has a number of its own, from 1."""
    number = 0
    made: list[list[Effect]] = []
    for _ in range(draw(st.integers(1, 6))):
        effects: list[Effect] = []
        for kind in draw(st.lists(st.sampled_from(KINDS), max_size=6)):
            number += 1
            core = draw(st.sampled_from(CORES))
            if kind == "persist":
                effects.append(persist(core, number))
            else:
                effects.append(send(core, number) if kind == "send" else loop(number))
        made.append(effects)
    return made


@given(played=turns())
@settings(max_examples=150, deadline=None)
def test_the_simulated_disk_keeps_the_rule(played: Turns) -> None:
    judge(played, SimulatedWorld().play(played))


@given(played=turns(), pauses=st.lists(st.sampled_from([0.0, 0.0005, 0.002]), min_size=1))
@settings(max_examples=40, deadline=None)
def test_the_committer_keeps_the_rule(played: Turns, pauses: list[float]) -> None:
    waits = cycle(pauses)
    with tempfile.TemporaryDirectory() as directory:
        world = LiveWorld(Path(directory) / "store", lambda: time.sleep(next(waits)))
        judge(played, world.play(played))


@given(played=turns(), pauses=st.lists(st.sampled_from([0.0, 0.0005, 0.002]), min_size=1))
@settings(max_examples=40, deadline=None)
def test_the_driver_of_live_nodes_keeps_the_rule(played: Turns, pauses: list[float]) -> None:
    waits = cycle(pauses)
    with tempfile.TemporaryDirectory() as directory:
        world = DriverWorld(Path(directory) / "store", lambda: time.sleep(next(waits)))
        judge(played, world.play(played))


FIXED: Turns = [
    [send("a", 1), persist("a", 2), send("a", 3), send("b", 4)],
    [loop(5), persist("b", 6), persist("a", 7), send("b", 8)],
    [send("a", 9), send("b", 10)],
]


def awaited(go: Event) -> None:
    go.wait(PATIENCE_SECONDS)


def test_both_worlds_hold_one_core_and_let_the_other_go(tmp_path: Path) -> None:
    go = Event()
    live = LiveWorld(tmp_path / "store", lambda: awaited(go))
    for effects in FIXED:
        for effect in effects:
            live.perform(effect)
    assert live.happened == [Happened("left", 1), Happened("left", 4)]
    go.set()
    simulated = SimulatedWorld()
    simulated.PAUSE_NS = 1
    for happened in (live.finish(), simulated.play(FIXED)):
        judge(FIXED, happened)
        assert list(happened[:2]) == [Happened("left", 1), Happened("left", 4)]


class Careless(Driver):
    """Lets everything go at once."""

    def _leave_or_wait(self, effect: Held) -> None:
        self.leave(effect)


class Disorderly(Driver):
    """Holds back what follows a batch, but not what follows that."""

    def _leave_or_wait(self, effect: Held) -> None:
        if isinstance(effect, Loopback):
            self.leave(effect)
        else:
            super()._leave_or_wait(effect)


@pytest.mark.parametrize("mutant", [Careless, Disorderly])
def test_a_driver_that_breaks_the_rule_is_found_out(tmp_path: Path, mutant: type[Driver]) -> None:
    played: Turns = [[persist("a", 1), send("a", 2), loop(3)], [send("a", 4)]]
    good = DriverWorld(tmp_path / "good", lambda: awaited(good.played))
    judge(played, good.play(played))
    bad = DriverWorld(tmp_path / "bad", lambda: awaited(bad.played), mutant)
    with pytest.raises(AssertionError, match="durable"):
        judge(played, bad.play(played))


class Hasty(Committer):
    """Acknowledges what is written, before it is synced."""

    def _commit(self, group) -> None:
        self._listener.persisted([batch.persisted for batch in group])
        super()._commit(group)

    def _acknowledge(self, group) -> None:
        self._listener, listener = Silent(), self._listener
        super()._acknowledge(group)
        self._listener = listener


class Silent:
    def persisted(self, done) -> None:
        pass

    def failed(self, error, lost) -> None:
        pass


class Reversed(Committer):
    """Acknowledges a group from its end."""

    def _acknowledge(self, group) -> None:
        super()._acknowledge(group[::-1])


@pytest.mark.parametrize(
    ("mutant", "words"), [(Hasty, "not durable"), (Reversed, "answers out of order")]
)
def test_a_committer_that_breaks_the_rule_is_found_out(
    tmp_path: Path, mutant: type[Committer], words: str
) -> None:
    go = Event()
    world = LiveWorld(tmp_path / "store", lambda: awaited(go), mutant)
    for effects in FIXED:
        for effect in effects:
            world.perform(effect)
    if mutant is Hasty:
        while not world._acknowledged.qsize():
            time.sleep(0.001)
        world.pump()
    go.set()
    with pytest.raises(AssertionError, match=words):
        judge(FIXED, world.finish())
