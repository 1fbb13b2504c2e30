"""Filters: callers without a WebSocket ask from time to time what is new.

Blocks are final and numbered without gaps, so a filter of blocks or logs holds nothing but the
height up to which its owner knows. Pending hashes are kept once for all filters, and each holds
its place among them. A filter that nobody asks for five minutes is removed, as in go-ethereum.

A filter belongs to who knows its id, which cannot be guessed: HTTP has no other notion of a
caller, since a library may send each call over another connection.

Reference: go-ethereum eth/filters/api.go, for texts and for the five minutes.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from time import monotonic_ns

from node.rpc.arguments import required, text
from node.rpc.caller import Caller
from node.rpc.errors import limit_exceeded, server_error
from node.rpc.feed import Feed
from node.rpc.limits import Watching
from node.rpc.methods import Parameters, SessionMethod
from node.rpc.subscriptions import DrawId

LOGS_MAX = 10_000
"""After which no further block is looked at for one answer."""

_SLICE_NS = 2_000_000
"""For which looking for logs keeps the node's thread."""
_SPENT_MAX_NS = 5_000_000_000
"""Of it for one answer."""
_COST = 10
_CHANGES_COST = 5
_LOGS_COST = 50


class FilterKind(Enum):
    """What a filter finds."""

    BLOCKS = "blocks"
    LOGS = "logs"
    PENDING = "pending"


@dataclass(slots=True)
class Filter:
    """One filter."""

    kind: FilterKind
    owner: int
    """The caller that made it; counts against its limit."""
    criteria: object
    """Of logs."""
    weight: int
    """Addresses and topics that they name."""
    known: int
    """Height, or place among pending hashes, up to which the owner has been told."""
    asked: float
    """When it was last asked for, in seconds."""
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while logs are looked for, so that none is told twice."""


class Filters:
    """All of one server.

    Args:
        feed: what there is to find.
        limits: how many, for how long, how much.
        draw_id: names a new one.
        clock: seconds that never go back.
    """

    __slots__ = ("_clock", "_draw_id", "_feed", "_filters", "_limits", "_pending", "_pooled")

    def __init__(
        self, feed: Feed, limits: Watching, draw_id: DrawId, clock: Callable[[], float]
    ) -> None:
        self._feed = feed
        self._limits = limits
        self._draw_id = draw_id
        self._clock = clock
        self._filters: dict[str, Filter] = {}
        self._pending: deque[bytes] = deque(maxlen=limits.filter_items)
        self._pooled = 0
        """How many hashes there have been; the last of them are in `_pending`."""

    def __len__(self) -> int:
        return len(self._filters)

    def methods(self) -> tuple[SessionMethod, ...]:
        """Return the methods of filters."""
        return (
            SessionMethod("eth_newFilter", self.new_log_filter, 1, _COST),
            SessionMethod("eth_newBlockFilter", self.new_block_filter, 0, _COST),
            SessionMethod("eth_newPendingTransactionFilter", self.new_pending_filter, 0, _COST),
            SessionMethod("eth_getFilterChanges", self.changes, 1, _CHANGES_COST),
            SessionMethod("eth_getFilterLogs", self.logs, 1, _LOGS_COST),
            SessionMethod("eth_uninstallFilter", self.uninstall, 1),
        )

    def new_log_filter(self, caller: Caller, parameters: Parameters) -> str:
        """Answer eth_newFilter."""
        criteria = required(parameters, 0, self._feed.criteria)
        return self._add(FilterKind.LOGS, caller, criteria, self._feed.height())

    def new_block_filter(self, caller: Caller, _: Parameters) -> str:
        """Answer eth_newBlockFilter."""
        return self._add(FilterKind.BLOCKS, caller, None, self._feed.height())

    def new_pending_filter(self, caller: Caller, _: Parameters) -> str:
        """Answer eth_newPendingTransactionFilter."""
        return self._add(FilterKind.PENDING, caller, None, self._pooled)

    def changes(self, _: Caller, parameters: Parameters) -> object:
        """Answer eth_getFilterChanges: what is new since it was last asked, or a part of it."""
        found = self._find(parameters)
        if found.kind is FilterKind.PENDING:
            return self._new_hashes(found)
        if found.kind is FilterKind.LOGS:
            return self._new_logs(found)
        heights = self._news(found)
        hashes = [self._feed.block_hash(height) for height in heights]
        found.known = heights.stop - 1
        return hashes

    def logs(self, _: Caller, parameters: Parameters) -> object:
        """Answer eth_getFilterLogs: everything that a filter of logs matches."""
        found = self._find(parameters)
        if found.kind is not FilterKind.LOGS:
            raise server_error("filter not found")
        return self._feed.all_logs(found.criteria)

    def uninstall(self, _: Caller, parameters: Parameters) -> bool:
        """Answer eth_uninstallFilter."""
        return self._filters.pop(required(parameters, 0, text), None) is not None

    def on_block(self, height: int) -> Iterable[None]:
        """Do nothing: a filter looks when it is asked."""
        return ()

    def on_sync(self) -> Iterable[None]:
        """Do nothing: no filter is about that."""
        return ()

    def on_pooled(self, hashes: Sequence[bytes]) -> Iterable[None]:
        """Keep hashes for filters of pending transactions, as long as there is one."""
        if any(each.kind is FilterKind.PENDING for each in self._filters.values()):
            self._pending.extend(hashes)
            self._pooled += len(hashes)
        return ()

    def sweep(self) -> None:
        """Remove filters that nobody has asked for long."""
        before = self._clock() - self._limits.filter_seconds
        for id_ in [id_ for id_, each in self._filters.items() if each.asked < before]:
            del self._filters[id_]
        if not any(each.kind is FilterKind.PENDING for each in self._filters.values()):
            self._pending.clear()

    def _add(self, kind: FilterKind, caller: Caller, criteria: object, known: int) -> str:
        if len(self._filters) >= self._limits.filters:
            raise limit_exceeded("this node has too many filters")
        own = sum(each.owner == caller.number for each in self._filters.values())
        if own >= self._limits.filters_per_connection:
            most = self._limits.filters_per_connection
            raise limit_exceeded(f"this connection has made {most} filters that still stand")
        weight = self._feed.weight(criteria) if kind is FilterKind.LOGS else 0
        if (
            weight + sum(each.weight for each in self._filters.values())
            > self._limits.filter_values
        ):
            raise limit_exceeded("the filters of this node name too many addresses and topics")
        id_ = self._draw_id()
        self._filters[id_] = Filter(kind, caller.number, criteria, weight, known, self._clock())
        return id_

    def _find(self, parameters: Parameters) -> Filter:
        found = self._filters.get(required(parameters, 0, text))
        if found is None:
            raise server_error("filter not found")
        found.asked = self._clock()
        return found

    def _news(self, found: Filter) -> range:
        """Return the blocks that the owner of a filter may be told of now."""
        last = min(self._feed.height(), found.known + self._limits.filter_blocks)
        return range(found.known + 1, max(last, found.known) + 1)

    async def _new_logs(self, found: Filter) -> list[object]:
        """Look through new blocks in portions, until an answer has enough or it has taken long."""
        async with found.asking:
            logs: list[object] = []
            begun, spent, known = monotonic_ns(), 0, found.known
            for height in self._news(found):
                logs += self._feed.logs(found.criteria, height, height)
                known = height
                elapsed = monotonic_ns() - begun
                if len(logs) >= LOGS_MAX or spent + elapsed > _SPENT_MAX_NS:
                    break
                if elapsed > _SLICE_NS:
                    spent += elapsed
                    await asyncio.sleep(0)
                    begun = monotonic_ns()
            found.known = known
        return logs

    def _new_hashes(self, found: Filter) -> list[str]:
        kept_from = self._pooled - len(self._pending)
        start = max(0, found.known - kept_from)
        found.known = self._pooled
        return [f"0x{hash_.hex()}" for hash_ in islice(self._pending, start, None)]
