"""What a live node's transport has done, and how its peers are."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from network.compression import CompressionStatistics
from network.outbox import Traffic
from network.transport import Counters, PeerInfo
from node.observe.families import network
from node.observe.reading import Histogram, Reading, by_label
from primitives.ids import NodeId

VALIDATOR = "validator"
RECEIVED, SENT = "received", "sent"
PLAIN = "plain"
"""Bodies before compression."""


class CompressionSource:
    """Reads what a transport's compression has made of the bodies that were sent.

    Args:
        statistics: of the node's compression; only read.
    """

    def __init__(self, statistics: CompressionStatistics) -> None:
        self._statistics = statistics

    def readings(self) -> Iterator[Reading]:
        """Yield the present numbers, of the kinds that were compressed at all."""
        for kind, counters in sorted(self._statistics.sent.items()):
            if counters.compressed:
                yield Reading(network.COMPRESSION_BYTES, counters.plain_bytes, (kind, PLAIN))
                yield Reading(network.COMPRESSION_BYTES, counters.wire_bytes, (kind, SENT))


class TransportSource:
    """Reads a transport's counters and peers.

    Round trips are counted at each sample, which must come more often than pings.

    Args:
        counters: of the transport; only read.
        peers: returns who is connected.
        room: returns the bytes kept of what has come, of validators and of others.
    """

    def __init__(
        self,
        counters: Counters,
        peers: Callable[[], Sequence[PeerInfo]],
        room: Callable[[], tuple[int, int]] = lambda: (0, 0),
    ) -> None:
        self._counters = counters
        self._peers = peers
        self._room = room
        self._round_trips: dict[NodeId, int] = {}
        self.latency = Histogram(network.LATENCY.bounds)

    def sample(self, at_ns: int) -> None:
        """Count the round trips of pings that were answered since the sample before."""
        known = self._round_trips
        current = {
            peer.node: peer.round_trip for peer in self._peers() if peer.round_trip is not None
        }
        for node, round_trip in current.items():
            if known.get(node) != round_trip:
                self.latency.add(round_trip)
        self._round_trips = dict(current)

    def readings(self) -> Iterator[Reading]:
        """Yield the present numbers."""
        peers = self._peers()
        yield Reading(network.LATENCY, self.latency)
        roles = Counter([peer.role.name.lower() for peer in peers])
        # No validator is a number too: who asks whether they are too few must find it.
        yield from by_label(network.PEERS, sorted({VALIDATOR: 0, **roles}.items()))
        for peer in peers:
            if peer.round_trip is not None:
                yield Reading(network.ROUND_TRIP, int(peer.round_trip), (str(peer.node),))
        yield Reading(network.QUEUED_MESSAGES, sum([peer.queued_messages for peer in peers]))
        yield Reading(network.QUEUED_BYTES, sum([peer.queued_bytes for peer in peers]))
        yield Reading(network.HELD_BYTES, sum([peer.held_bytes for peer in peers]))
        validators, others = self._room()
        yield from by_label(network.ROOM_BYTES, ((VALIDATOR, validators), ("other", others)))
        yield from self._messages()
        yield from self._connections()

    def _messages(self) -> Iterator[Reading]:
        counters = self._counters
        directions = ((RECEIVED, counters.bytes_received), (SENT, counters.bytes_sent))
        yield from by_label(network.WIRE_BYTES, directions)
        for traffic in Traffic:
            name = traffic.name.lower()
            received, sent = counters.messages_received[traffic], counters.messages_sent[traffic]
            yield Reading(network.WIRE_MESSAGES, received, (RECEIVED, name))
            yield Reading(network.WIRE_MESSAGES, sent, (SENT, name))
            yield Reading(network.DROPPED_MESSAGES, counters.messages_dropped[traffic], (name,))
        yield Reading(network.UNREACHABLE_MESSAGES, counters.messages_unreachable)

    def _connections(self) -> Iterator[Reading]:
        counters = self._counters
        outcomes = (
            ("dialled", counters.dials),
            ("dial_failed", counters.dials_failed),
            ("accepted", counters.accepted),
            ("turned_away", counters.turned_away),
            ("evicted", counters.evicted),
            ("no_descriptor", counters.exhausted),
            ("opened", counters.opened),
        )
        yield from by_label(network.CONNECTIONS, outcomes)
        ended = sorted((reason.name.lower(), count) for reason, count in counters.dropped.items())
        yield from by_label(network.CONNECTIONS_ENDED, ended)
        causes = (
            ("rate_limit", counters.throttled),
            ("inbox_full", counters.paused),
            ("no_room", counters.crowded),
        )
        yield from by_label(network.HELD_BACK, causes)
        pings = (("sent", counters.pings), ("answered", counters.pongs))
        yield from by_label(network.PINGS, pings)
