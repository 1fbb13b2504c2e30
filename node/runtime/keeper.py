"""Makes durable what a node persists, and holds back what must not be said before.

The rule is `primitives.durability`'s, as in virtual time: a `Persist` holds back every later
message and loopback of its core until it is durable. The gate stands here, on the loop; behind it
a `Writer` writes and syncs, `storage.rocks.Committer` on a thread of its own.

A batch that cannot be made durable ends the node: going on would mean to promise what is forgotten.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from node.observe.sink import Sink
from node.runtime.errors import ordinary
from primitives.durability import DurabilityGate
from primitives.errors import OrreryError
from primitives.ids import Instant, Token
from primitives.machine import Broadcast, Loopback, Persist, Persisted, Record, Send
from storage.memory import MemoryStore
from storage.rocks import CommitterStopped

Held = Send | Broadcast | Loopback


class Writer(Protocol):
    """Makes batches durable, in order, and tells its listener so."""

    @property
    def has_room(self) -> bool:
        """Whether less waits than the limits say."""
        ...

    def submit(self, core: str, token: Token, records: Sequence[Record]) -> int:
        """Queue one batch; return the bytes of its keys and values."""
        ...

    def close(self) -> None:
        """Make durable what was submitted, then end."""
        ...


class Told(Protocol):
    """The driver, as its keeper sees it. Called on the loop."""

    def leave(self, effect: Held) -> None:
        """Let an effect go that nothing holds back any more."""
        ...

    def on_persisted(self, done: Persisted) -> None:
        """Take note that a batch is durable."""
        ...

    def fail(self, error: Exception) -> None:
        """End the node."""
        ...


class _UnderWay(msgspec.Struct, gc=False):
    """A batch that is not durable yet."""

    size: int
    since: Instant


class StoreKeeper:
    """The durable side of one node.

    Args:
        loop: of the node.
        now: the node's time.
        sink: is told of each durable batch.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, now: Callable[[], Instant], sink: Sink
    ) -> None:
        self._loop = loop
        self._now = now
        self._sink = sink
        self._gate: DurabilityGate[Held] = DurabilityGate()
        self._under_way: deque[_UnderWay] = deque()
        """Batches in the order in which they were submitted, which is that of their answers."""
        self._writer: Writer | None = None
        self._told: Told | None = None
        self._over = False

    def begin(self, writer: Writer, told: Told) -> None:
        """Begin to work; `writer` has this keeper as its listener."""
        self._writer, self._told = writer, told

    @property
    def has_room(self) -> bool:
        """Whether another turn may begin, which may persist something."""
        return self._writer is not None and self._writer.has_room

    @property
    def waiting(self) -> int:
        """Batches that are not durable yet."""
        return len(self._under_way)

    def persist(self, effect: Persist) -> None:
        """Hand a batch to the writer; what follows of the same core waits for it.

        Raises:
            OrreryError: the writer takes nothing any more, since an earlier batch has failed.
        """
        assert self._writer is not None, "a keeper persists after it has begun"
        self._gate.begin(effect.origin, effect.token)
        try:
            size = self._writer.submit(effect.origin, effect.token, effect.records)
        except CommitterStopped as error:
            raise error.__cause__ or error from None
        self._under_way.append(_UnderWay(size, self._now()))

    def holds(self, core: str, effect: Held) -> bool:
        """Hold an effect back if it has to wait, and say whether it does."""
        if not self._gate.holds(core):
            return False
        self._gate.hold(core, effect)
        return True

    def stop(self) -> None:
        """Tell the driver nothing any more."""
        self._over = True

    # ---------------------------------------------------------------- on the writer's thread

    def persisted(self, done: Sequence[Persisted]) -> None:
        """Take note that these batches are durable; they come in the order of submission."""
        self._loop.call_soon_threadsafe(self._on_persisted, done)

    def failed(self, error: OrreryError, lost: Sequence[Persisted]) -> None:
        """Take note that these batches are not durable, and that no later one will be."""
        self._loop.call_soon_threadsafe(self._on_failed, error)

    # ---------------------------------------------------------------- on the loop

    def _on_persisted(self, done: Sequence[Persisted]) -> None:
        told, now = self._told, self._now()
        for each in done:
            batch = self._under_way.popleft()
            if self._over or told is None:
                continue
            try:
                self._sink.stored(now, batch.size, now - batch.since)
                released = self._gate.durable(each.origin, each.token)
                told.on_persisted(each)
                for effect in released:
                    told.leave(effect)
            except BaseException as error:  # noqa: BLE001 - a node that met an error must not go on
                told.fail(ordinary(error))

    def _on_failed(self, error: OrreryError) -> None:
        if self._told is not None and not self._over:
            self._told.fail(error)


class MemoryWriter:
    """Writes to a store in memory, and says so a moment later. For nodes that may forget.

    Args:
        loop: of the node.
        store: gets the rows.
        listener: told on the loop.
    """

    has_room = True

    def __init__(
        self, loop: asyncio.AbstractEventLoop, store: MemoryStore, listener: StoreKeeper
    ) -> None:
        self._loop = loop
        self._store = store
        self._listener = listener

    def submit(self, core: str, token: Token, records: Sequence[Record]) -> int:
        """Write one batch; return its bytes."""
        self._store.write(records)
        self._loop.call_soon(self._listener.persisted, (Persisted(core, token),))
        return sum([len(record.key) + len(record.value or b"") for record in records])

    def close(self) -> None:
        """There is nothing to wait for."""
