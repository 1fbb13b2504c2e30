"""What happens at a node, in the order that callers may follow it: new blocks, pending hashes.

The hub speaks within a turn of the node, which must not wait for anybody's subscriptions. So what
it says is only noted, and told on in later turns of the loop, for two milliseconds in each: four
thousand subscriptions to a block with many logs would take seconds otherwise.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from time import monotonic_ns
from typing import Protocol

from network.trace import SyncFinished, SyncStarted
from node.trace import BlockCommitted, TransactionsPooled
from primitives.ids import Instant
from primitives.machine import TraceEvent

_SLICE_NS = 2_000_000
"""For which telling keeps the loop."""

_log = logging.getLogger(__name__)


class Catching(Enum):
    """Whether the node has begun to fetch blocks that it lacks, or has done with it."""

    UP = "up"
    NO_MORE = "no more"


class Follower(Protocol):
    """Somebody who tells callers. What it returns are steps, between which other things go on."""

    def on_block(self, height: int) -> Iterable[None]:
        """Take in a block that is final."""
        ...

    def on_pooled(self, hashes: Sequence[bytes]) -> Iterable[None]:
        """Take in hashes of transactions that have entered the pool."""
        ...

    def on_sync(self) -> Iterable[None]:
        """Take in that the node has begun or ended to catch up."""
        ...


_News = int | tuple[bytes, ...] | Catching


class News:
    """A sink of the hub that tells followers, later.

    Args:
        loop: runs the node and this.
        followers: each is told of everything, in order.
        waiting_max: what may wait to be told, blocks and batches of hashes; the oldest is left
            out. A node that catches up commits thousands of blocks at once.
    """

    __slots__ = ("_followers", "_loop", "_scheduled", "_steps", "_waiting", "left_out")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, followers: Sequence[Follower], waiting_max: int
    ) -> None:
        self._loop = loop
        self._followers = tuple(followers)
        self._waiting: deque[_News] = deque(maxlen=waiting_max)
        self._steps: Iterator[None] | None = None
        """Of what is being told."""
        self._scheduled = False
        self.left_out = 0

    def event(self, at: Instant, event: TraceEvent) -> None:
        """Note what callers may follow."""
        if isinstance(event, BlockCommitted):
            self._note(event.height)
        elif isinstance(event, TransactionsPooled):
            self._note(event.hashes)
        elif isinstance(event, SyncStarted):
            self._note(Catching.UP)
        elif isinstance(event, SyncFinished):
            self._note(Catching.NO_MORE)

    def sent(self, at: Instant, kind: str, count: int, size: int) -> None:
        """Of no interest."""

    def stored(self, at: Instant, size: int, wait_ns: int) -> None:
        """Of no interest."""

    def _note(self, news: _News) -> None:
        self.left_out += len(self._waiting) == self._waiting.maxlen
        self._waiting.append(news)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._tell)

    def _tell(self) -> None:
        self._scheduled = False
        if self._steps is None:
            self._steps = self._told(self._waiting.popleft())
        begun = monotonic_ns()
        for _ in self._steps:
            if monotonic_ns() - begun > _SLICE_NS:
                break
        else:
            self._steps = None
        if self._steps is not None or self._waiting:
            self._schedule()

    def _told(self, news: _News) -> Iterator[None]:
        """Tell all who follow, one after the other."""
        for follower in self._followers:
            try:
                if isinstance(news, int):
                    yield from follower.on_block(news)
                elif isinstance(news, Catching):
                    yield from follower.on_sync()
                else:
                    yield from follower.on_pooled(news)
            except Exception as error:  # noqa: BLE001 - the next news is told all the same
                _log.error("news were not told to all who follow", exc_info=error)
