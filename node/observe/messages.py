"""What a live node sends, by kind, and what compact blocks spare it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from network.compact.trace import CompactRebuilt
from node.observe.families import network
from node.observe.reading import Reading, by_label
from node.trace import PeerScored
from primitives.ids import Instant
from primitives.machine import TraceEvent

MATCHED, PREFILLED, FETCHED = "matched", "prefilled", "fetched"
FULL, COMPACT = "full", "compact"


class MessageSource:
    """Counts messages, offences and compact blocks."""

    def __init__(self) -> None:
        self._sent: dict[str, list[int]] = {}
        """Kind to messages and bytes."""
        self.offences: dict[str, int] = {}
        self.compact_blocks = 0
        self.compact_transactions = {MATCHED: 0, PREFILLED: 0, FETCHED: 0}
        self.compact_bytes = {FULL: 0, COMPACT: 0, FETCHED: 0}

    def sent(self, at: Instant, kind: str, count: int, size: int) -> None:
        """Take in one send or broadcast; `size` is that of all copies together, in bytes."""
        try:
            counts = self._sent[kind]
        except KeyError:
            counts = self._sent[kind] = [0, 0]
        counts[0] += count
        counts[1] += size

    def handlers(self) -> Mapping[type[TraceEvent], Callable[[int, Any], None]]:
        """Return what to call for each kind of event."""
        return {PeerScored: self.on_scored, CompactRebuilt: self.on_rebuilt}

    def readings(self) -> Iterator[Reading]:
        """Yield the present numbers."""
        for kind, (count, size) in sorted(self._sent.items()):
            yield Reading(network.SENT_MESSAGES, count, (kind,))
            yield Reading(network.SENT_BYTES, size, (kind,))
        yield from by_label(network.OFFENCES, sorted(self.offences.items()))
        yield Reading(network.COMPACT_BLOCKS, self.compact_blocks)
        yield from by_label(network.COMPACT_TRANSACTIONS, self.compact_transactions.items())
        yield from by_label(network.COMPACT_BYTES, self.compact_bytes.items())

    def on_scored(self, at_ns: int, event: PeerScored) -> None:
        """Count an offence."""
        self.offences[event.reason] = self.offences.get(event.reason, 0) + 1

    def on_rebuilt(self, at_ns: int, event: CompactRebuilt) -> None:
        """Count a block that came in compact form, or whole in its place."""
        self.compact_blocks += 1
        self.compact_transactions[MATCHED] += event.matched
        self.compact_transactions[PREFILLED] += event.prefilled
        self.compact_transactions[FETCHED] += event.fetched
        self.compact_bytes[FULL] += event.full_bytes
        self.compact_bytes[COMPACT] += event.compact_bytes
        self.compact_bytes[FETCHED] += event.fetched_bytes
