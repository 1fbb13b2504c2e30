"""Requests that wait a little for others to the same peer, and leave as one message.

A batch leaves when it is full, by number or by bytes, or when its first entry has waited long
enough: then the delay that batching adds has a bound, and a loaded node never waits for it.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import msgspec

from primitives.errors import InvalidInput
from primitives.ids import Duration, Instant, NodeId
from primitives.machine import NOTHING, Effect, SetTimer


class BatchConfig(msgspec.Struct, frozen=True):
    """When a batch leaves."""

    items_max: int = 256
    bytes_max: int = 64 * 1024
    delay: Duration = Duration(5_000_000)
    """How long the first entry waits at most, in ns; 0 is not at all."""

    def __post_init__(self) -> None:
        """Refuse batches that can hold nothing.

        Raises:
            InvalidInput: a limit is below 1, or the delay negative.
        """
        if min(self.items_max, self.bytes_max) < 1 or self.delay < 0:
            limits = (self.items_max, self.bytes_max, self.delay)
            raise InvalidInput("network.batching", "limits above 0 and a delay from 0", limits)


class BatchReady(Effect, frozen=True, gc=False):
    """A batch is to leave; whoever owns the batcher makes a message of it."""

    timer: Hashable
    """The batcher's."""
    peer: NodeId
    items: tuple[Hashable, ...]


@dataclass(slots=True)
class _Batch:
    """What waits for one peer."""

    due: int
    items: dict[Hashable, None] = field(default_factory=dict)
    bytes_held: int = 0


class Batcher:
    """Batches of one kind of request.

    Args:
        config: when a batch leaves.
        timer: name of the timer, which also names the batcher in `BatchReady`.
    """

    __slots__ = ("_batches", "_config", "_timer")

    def __init__(self, config: BatchConfig, timer: Hashable) -> None:
        self._config = config
        self._timer = timer
        self._batches: dict[NodeId, _Batch] = {}

    def add(self, now: Instant, peer: NodeId, item: Hashable, size: int) -> Sequence[Effect]:
        """Put an entry into the peer's batch; one that waits there already counts once.

        Args:
            now: the turn's time.
            peer: who is asked.
            item: what for.
            size: bytes that it adds to the message. One that does not fit sends off what waits.
        """
        config, effects = self._config, list[Effect]()
        batch = self._batches.get(peer)
        if batch is not None and item in batch.items:
            return NOTHING
        if batch is not None and batch.bytes_held + size > config.bytes_max:
            effects.append(self._leave(peer))
            batch = None
        if batch is None:
            first = not self._batches
            batch = self._batches[peer] = _Batch(now + config.delay)
            if first:
                effects.append(SetTimer(self._timer, config.delay))
        batch.items[item] = None
        batch.bytes_held += size
        is_full = len(batch.items) >= config.items_max or batch.bytes_held >= config.bytes_max
        if is_full or not config.delay:
            effects.append(self._leave(peer))
        return effects

    def on_timeout(self, now: Instant) -> Sequence[Effect]:
        """Send off what has waited long enough; set the timer for the next."""
        effects: list[Effect] = []
        for peer, batch in list(self._batches.items()):
            # All wait equally long, so the oldest are in front.
            if batch.due > now:
                effects.append(SetTimer(self._timer, Duration(batch.due - now)))
                break
            effects.append(self._leave(peer))
        return effects

    def forget(self, peer: NodeId) -> None:
        """Drop what waits for a peer that has gone."""
        self._batches.pop(peer, None)

    def _leave(self, peer: NodeId) -> Effect:
        return BatchReady(self._timer, peer, tuple(self._batches.pop(peer).items))

    def __len__(self) -> int:
        return len(self._batches)
