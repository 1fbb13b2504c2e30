"""Families of the network: `network_*`, and the latency between nodes."""

from node.observe.families.family import LIVE, Family, Kind

_US = 1_000
_COUNTERS = "network.transport.Counters"
_PEERS = "network.transport.PeerInfo"
_ROUNDS = "network.reconcile.ReconcileCounts"


def _live(
    name: str,
    kind: Kind,
    meaning: str,
    source: str = _COUNTERS,
    *,
    unit: str = "",
    labels: tuple[str, ...] = (),
) -> Family:
    return Family(name, kind, meaning, source, unit=unit, labels=labels, worlds=LIVE)


LATENCY = Family(
    "blockchain_network_latency_seconds",
    Kind.HISTOGRAM,
    "Round trips to peers.",
    f"each ping that was answered ({_PEERS}); in virtual time the links, at each sample",
    unit="seconds",
    bounds=tuple(
        us * _US
        for us in (
            *(50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000),
            *(100_000, 200_000, 500_000, 1_000_000, 5_000_000),
        )
    ),
)
SENT_MESSAGES = Family(
    "network_sent_messages",
    Kind.COUNTER,
    "Messages sent, one for each recipient.",
    "each send and broadcast",
    labels=("kind",),
)
SENT_BYTES = Family(
    "network_sent_bytes",
    Kind.COUNTER,
    "Bytes sent, frame headers included.",
    "each send and broadcast",
    unit="bytes",
    labels=("kind",),
)
COMPRESSION_BYTES = Family(
    "network_compression_bytes",
    Kind.COUNTER,
    "Bytes of what may be compressed, plain and as sent; each once, for however many peers.",
    "each send and broadcast",
    unit="bytes",
    labels=("kind", "form"),
)
OFFENCES = Family(
    "network_peer_offences",
    Kind.COUNTER,
    "Times a peer fell in this node's eyes, by what it did.",
    "peer.scored",
    labels=("reason",),
)
COMPACT_BLOCKS = Family(
    "network_compact_blocks",
    Kind.COUNTER,
    "Compact blocks this node rebuilt.",
    "compact.rebuilt",
)
COMPACT_TRANSACTIONS = Family(
    "network_compact_transactions",
    Kind.COUNTER,
    "Transactions of compact blocks, by where they came from.",
    "compact.rebuilt",
    labels=("origin",),
)
COMPACT_BYTES = Family(
    "network_compact_bytes",
    Kind.COUNTER,
    "Bytes of blocks whole, in compact form, and of what was fetched for those.",
    "compact.rebuilt",
    unit="bytes",
    labels=("form",),
)
RECONCILE_ROUNDS = Family(
    "network_reconcile_rounds",
    Kind.COUNTER,
    "Rounds of reconciliation that this node began, by how they ended.",
    _ROUNDS,
    labels=("outcome",),
)
RECONCILE_EXTENDED = Family(
    "network_reconcile_extended", Kind.COUNTER, "Those that took a second sketch.", _ROUNDS
)
RECONCILE_TRANSACTIONS = Family(
    "network_reconcile_transactions",
    Kind.COUNTER,
    "Transactions that only one end knew of, and those announced plainly for want of a round.",
    _ROUNDS,
    labels=("what",),
)
PEERS = _live(
    "network_peers", Kind.GAUGE, "Peers that are connected, by their role.", labels=("peer_role",)
)
ROUND_TRIP = _live(
    "network_peer_round_trip_seconds",
    Kind.GAUGE,
    "Round trip of the last ping that a peer answered.",
    _PEERS,
    unit="seconds",
    labels=("peer",),
)
QUEUED_MESSAGES = _live(
    "network_queued_messages", Kind.GAUGE, "Messages that wait for peers.", _PEERS
)
QUEUED_BYTES = _live(
    "network_queued_bytes",
    Kind.GAUGE,
    "Bytes that wait for peers, or in this process for TLS.",
    _PEERS,
    unit="bytes",
)
HELD_BYTES = _live(
    "network_held_bytes",
    Kind.GAUGE,
    "Bytes that came from peers and were not handed over yet.",
    _PEERS,
    unit="bytes",
)
ROOM_BYTES = _live(
    "network_room_bytes",
    Kind.GAUGE,
    "Bytes kept of what has come from peers, and room kept for what has begun, by their role.",
    "network.transport.room.Rooms",
    unit="bytes",
    labels=("peer_role",),
)
WIRE_BYTES = _live(
    "network_wire_bytes",
    Kind.COUNTER,
    "Bytes of connections before TLS, by direction.",
    unit="bytes",
    labels=("direction",),
)
WIRE_MESSAGES = _live(
    "network_wire_messages",
    Kind.COUNTER,
    "Messages of connections, by direction and class of traffic.",
    labels=("direction", "traffic"),
)
DROPPED_MESSAGES = _live(
    "network_dropped_messages",
    Kind.COUNTER,
    "Messages that waited for a peer and were dropped, by class of traffic.",
    labels=("traffic",),
)
UNREACHABLE_MESSAGES = _live(
    "network_unreachable_messages",
    Kind.COUNTER,
    "Messages for peers that are neither connected nor dialled.",
)
CONNECTIONS = _live(
    "network_connections",
    Kind.COUNTER,
    "Connections, by what became of the attempt.",
    labels=("outcome",),
)
CONNECTIONS_ENDED = _live(
    "network_connections_ended",
    Kind.COUNTER,
    "Connections that have ended, by reason.",
    labels=("reason",),
)
HELD_BACK = _live(
    "network_held_back",
    Kind.COUNTER,
    "Times that reading from a peer stopped: its limit is used up, the inbox is full, or the room.",
    labels=("cause",),
)
PINGS = _live("network_pings", Kind.COUNTER, "Pings sent and answered.", labels=("what",))

FAMILIES = (
    LATENCY,
    SENT_MESSAGES,
    SENT_BYTES,
    OFFENCES,
    COMPRESSION_BYTES,
    COMPACT_BLOCKS,
    COMPACT_TRANSACTIONS,
    COMPACT_BYTES,
    RECONCILE_ROUNDS,
    RECONCILE_EXTENDED,
    RECONCILE_TRANSACTIONS,
    PEERS,
    ROUND_TRIP,
    QUEUED_MESSAGES,
    QUEUED_BYTES,
    HELD_BYTES,
    ROOM_BYTES,
    WIRE_BYTES,
    WIRE_MESSAGES,
    DROPPED_MESSAGES,
    UNREACHABLE_MESSAGES,
    CONNECTIONS,
    CONNECTIONS_ENDED,
    HELD_BACK,
    PINGS,
)
