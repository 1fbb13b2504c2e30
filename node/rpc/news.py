"""What happens at a node, in the order that callers may follow it: new blocks, pending hashes.

The hub speaks within a turn of the node, which must not wait for anybody's subscriptions. So what
it says is only noted, and told on in a later turn of the loop, one block in each.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from node.trace import BlockCommitted, TransactionsPooled
from primitives.ids import Instant
from primitives.machine import TraceEvent

_log = logging.getLogger(__name__)


class Follower(Protocol):
    """Somebody who tells callers."""

    def on_block(self, height: int) -> None:
        """Take in a block that is final."""
        ...

    def on_pooled(self, hashes: Sequence[bytes]) -> None:
        """Take in hashes of transactions that have entered the pool."""
        ...


class News:
    """A sink of the hub that tells followers, later.

    Args:
        loop: runs the node and this.
        followers: each is told of everything, in order.
        waiting_max: what may wait to be told, blocks and batches of hashes; the oldest is left
            out. A node that catches up commits thousands of blocks at once.
    """

    __slots__ = ("_followers", "_loop", "_scheduled", "_waiting", "left_out")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, followers: Sequence[Follower], waiting_max: int
    ) -> None:
        self._loop = loop
        self._followers = tuple(followers)
        self._waiting: deque[int | tuple[bytes, ...]] = deque(maxlen=waiting_max)
        self._scheduled = False
        self.left_out = 0

    def event(self, at: Instant, event: TraceEvent) -> None:
        """Note what callers may follow."""
        if isinstance(event, BlockCommitted):
            self._note(event.height)
        elif isinstance(event, TransactionsPooled):
            self._note(event.hashes)

    def sent(self, at: Instant, kind: str, count: int, size: int) -> None:
        """Of no interest."""

    def stored(self, at: Instant, size: int, wait_ns: int) -> None:
        """Of no interest."""

    def _note(self, news: int | tuple[bytes, ...]) -> None:
        self.left_out += len(self._waiting) == self._waiting.maxlen
        self._waiting.append(news)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._tell)

    def _tell(self) -> None:
        self._scheduled = False
        if not self._waiting:
            return
        news = self._waiting.popleft()
        if self._waiting:
            self._schedule()
        for follower in self._followers:
            try:
                if isinstance(news, int):
                    follower.on_block(news)
                else:
                    follower.on_pooled(news)
            except Exception as error:  # noqa: BLE001 - the next news is told all the same
                _log.error("news were not told to all who follow", exc_info=error)
