"""Worlds that play one list of turns, and the rule of durability that all have to keep.

`SimulatedWorld` is the kernel with its simulated disk, `LiveWorld` a thin driver over a committer
and RocksDB; `tests.unit.node.runtime.driven_turns` has the driver of live nodes. All write down
what happened: ("durable", N) when batch N is on the disk, found out behind the back of whoever
acknowledges it; ("acknowledged", N); ("left", N) when message N goes.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from types import SimpleNamespace
from typing import NamedTuple, cast

from primitives.durability import DurabilityGate, core_of
from primitives.ids import Instant, NodeId, Token
from primitives.machine import (
    Effect,
    Event,
    Loopback,
    Machine,
    Persist,
    Persisted,
    Record,
    Send,
)
from storage.memory import MemoryStore
from storage.rocks import Committer, RocksStore, profile
from storage.rocks.log_sync import LogSync
from tests.unit.sim.kernel_worlds import Ping, Poke, Pong, Scene

TABLE = "consensus"
CORES = ("a", "b")
MESSAGES = {"a": Ping, "b": Pong}
Turns = Sequence[Sequence[Effect]]


class Happened(NamedTuple):
    """One thing that a world has seen."""

    what: str
    number: int


def persist(core: str, number: int) -> Persist:
    return Persist(core, Token(number), (Record(TABLE, number.to_bytes(4, "big"), b"row"),))


def send(core: str, number: int) -> Send:
    return Send(NodeId(1), MESSAGES[core](number))


def loop(number: int) -> Loopback:
    """An event of core "a", which comes back only when what stands before it is durable."""
    return Loopback(Poke(number))


def number_of(effect: Effect) -> int:
    if isinstance(effect, Persist):
        return int(effect.token)
    assert isinstance(effect, Send | Loopback)
    said = effect.message if isinstance(effect, Send) else effect.event
    assert isinstance(said, Ping | Pong | Poke)
    return said.number


def judge(turns: Turns, happened: Sequence[Happened]) -> None:
    """Hold what happened to the rule, by looking at every pair of effects."""
    at = {entry: place for place, entry in enumerate(happened)}
    assert len(at) == len(happened), "something happened twice"
    listed = [effect for effects in turns for effect in effects]
    for place, effect in enumerate(listed):
        number = number_of(effect)
        before = listed[:place]
        if isinstance(effect, Persist):
            durable = at[Happened("durable", number)]
            acknowledged = at[Happened("acknowledged", number)]
            assert durable < acknowledged, f"batch {number} is acknowledged and not durable"
            for other in before:
                if isinstance(other, Persist):
                    earlier = number_of(other)
                    assert at[Happened("durable", earlier)] < durable, "batches out of order"
                    assert at[Happened("acknowledged", earlier)] < acknowledged, (
                        "answers out of order"
                    )
            continue
        assert isinstance(effect, Send | Loopback)
        left = at[Happened("left", number)]
        for other in before:
            if isinstance(other, Persist):
                if other.origin == core_of(effect):
                    due = at[Happened("durable", number_of(other))]
                    assert due < left, f"{number} left before batch {number_of(other)} was durable"
            elif isinstance(other, Send | Loopback) and core_of(other) == core_of(effect):
                assert at[Happened("left", number_of(other))] < left, "effects out of order"


class SimulatedWorld:
    """Node 0 of a simulated network answers one poke after another by one turn of the list."""

    PAUSE_NS = 150
    """Less than a sync: turns overlap with the disk."""

    def play(self, turns: Turns) -> list[Happened]:
        happened: list[Happened] = []
        scene = _Scene(turns, happened)
        scene.kernel.hosts[0].store = _WatchedStore(happened)
        note_sent = scene.kernel.note_sent

        def noted(at, key, node, message, *rest):
            happened.append(Happened("left", message.number))
            note_sent(at, key, node, message, *rest)

        scene.kernel.note_sent = noted  # type: ignore[method-assign]
        for turn in range(len(turns)):
            scene.poke(100 + turn * self.PAUSE_NS)
        scene.run()
        return happened


class _WatchedStore(MemoryStore):
    __slots__ = ("happened",)

    def __init__(self, happened: list[Happened]) -> None:
        super().__init__()
        self.happened = happened

    def write(self, records: Iterable[Record]) -> None:
        records = tuple(records)
        self.happened.extend(Happened("durable", int.from_bytes(r.key, "big")) for r in records)
        super().write(records)


class _Scene(Scene):
    def __init__(self, turns: Turns, happened: list[Happened]) -> None:
        self.happened = happened
        super().__init__({(0, Poke): [list(effects) for effects in turns]}, nodes=2)

    def _make(self, node, store):
        made = super()._make(node, store)
        return made if node else _WatchedMachine(made, self.happened)


class _WatchedMachine:
    def __init__(self, machine: Machine, happened: list[Happened]) -> None:
        self.machine, self.happened = machine, happened

    def step(self, now: Instant, event: Event) -> Sequence[Effect]:
        if isinstance(event, Persisted):
            self.happened.append(Happened("acknowledged", int(event.token)))
        if isinstance(event, Poke) and event.number:
            self.happened.append(Happened("left", event.number))
            return []
        return self.machine.step(now, event)


class LiveWorld:
    """What a real-time driver does with these effects, without a network.

    Args:
        path: of the store.
        before_sync: called on the committer's thread before each sync; may block it.
        make: the committer, or a mutant.
    """

    def __init__(
        self,
        path: Path,
        before_sync: Callable[[], None] = lambda: None,
        make: type[Committer] = Committer,
    ) -> None:
        self.happened: list[Happened] = []
        self._gate: DurabilityGate[Send | Loopback] = DurabilityGate()
        self._acknowledged: SimpleQueue[Persisted] = SimpleQueue()
        self._store = RocksStore(path, profile("small"))
        self._submitted: list[int] = []
        self.committer = make(self._store, self)
        watch(self.committer, self._store, self._submitted, self.happened, before_sync)

    def persisted(self, done: Sequence[Persisted]) -> None:
        for each in done:
            self._acknowledged.put(each)

    def failed(self, error: Exception, lost: Sequence[Persisted]) -> None:
        raise AssertionError(f"{lost} failed: {error}")

    def perform(self, effect: Effect) -> None:
        if isinstance(effect, Persist):
            self._gate.begin(effect.origin, effect.token)
            self._submitted.append(int(effect.token))
            self.committer.submit(effect.origin, effect.token, effect.records)
            return
        assert isinstance(effect, Send | Loopback)
        if self._gate.holds(core_of(effect)):
            self._gate.hold(core_of(effect), effect)
        else:
            self._leave(effect)

    def pump(self) -> None:
        """Take the acknowledgements that have come, as the loop of a driver would."""
        while True:
            try:
                done = self._acknowledged.get_nowait()
            except Empty:
                return
            self.happened.append(Happened("acknowledged", int(done.token)))
            for effect in self._gate.durable(done.origin, done.token):
                self._leave(effect)

    def play(self, turns: Turns) -> list[Happened]:
        for effects in turns:
            self.pump()
            for effect in effects:
                self.perform(effect)
        return self.finish()

    def finish(self) -> list[Happened]:
        assert self.committer.drain()
        self.pump()
        self.committer.close()
        self._store.close()
        assert self._gate.idle
        return self.happened

    def _leave(self, effect: Send | Loopback) -> None:
        self.happened.append(Happened("left", number_of(effect)))


def watch(
    committer: Committer,
    store: RocksStore,
    submitted: Sequence[int],
    happened: list[Happened],
    before_sync: Callable[[], None],
) -> None:
    """Note after each sync which of the batches' rows the logs hold: those are durable now."""
    logs, seen = committer._logs, set[int]()
    sync = logs.sync

    def watched() -> None:
        written = [n for n in submitted if n not in seen and store.get(TABLE, n.to_bytes(4, "big"))]
        before_sync()
        sync()
        seen.update(written)
        happened.extend(Happened("durable", n) for n in written)

    committer._logs = cast("LogSync", SimpleNamespace(sync=watched, close=logs.close))
