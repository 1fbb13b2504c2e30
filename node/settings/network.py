"""`[network]`: where the node listens, whom it dials, and what connections may cost."""

from typing import Literal

import msgspec

from node.settings.packing import (
    BlocksName,
    CompactModeName,
    CompressionName,
    DictionaryKind,
)
from node.settings.quantities import (
    ByteCount,
    Count,
    FileName,
    Host,
    Port,
    PositiveCount,
)
from node.settings.spreading import SpreadSettings

KIBIBYTE = 1 << 10
MEBIBYTE = 1 << 20


class PeerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[network.peers]]`: a node that is dialled until it is connected, and again when not."""

    node: Count
    """Its number."""
    host: Host
    port: Port


class DictionarySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[network.dictionaries]]`: what zstandard makes small messages of one kind shorter with."""

    kind: DictionaryKind
    file: FileName
    """Written by `orrery up`; peers agree on it by its content."""


class NetworkSettings(SpreadSettings, frozen=True, forbid_unknown_fields=True):
    """Connections to other nodes."""

    host: Host = "127.0.0.1"
    """Address on which other nodes reach this one; 0.0.0.0 for all of the machine's."""
    port: Port = 30_303
    """0 takes a free one, which the log and `endpoints.json` tell."""
    peers: tuple[PeerSettings, ...] = ()
    neighbours: tuple[Count, ...] | Literal["all"] = "all"
    """Nodes that transactions and followers' blocks are told to: some, or all that are connected.
    Votes go to the committee, whatever this says."""
    announce_blocks: bool = False
    """Whether to tell the neighbours of each new block. Of use where there are followers."""
    serves_gateways: bool = False
    """Whether this validator answers gateways that collect confirmations."""
    blocks: BlocksName = "full"
    """How blocks are sent to peers that hold most of their transactions."""
    compact_mode: CompactModeName = "high"
    """How this node, as a follower, gets compact blocks."""
    compression: CompressionName = "none"
    """What long messages are sent with. Whatever comes is understood."""
    compression_level: int | None = None
    compression_threshold: ByteCount = KIBIBYTE
    """Shorter messages are sent as they are."""
    dictionaries: tuple[DictionarySettings, ...] = ()
    followers_max: Count = 64
    """Followers that may be connected at once. Validators need no slot."""
    gateways_max: Count = 64
    """Likewise gateways."""
    connections_per_second: PositiveCount = 20
    """New connections from one address. The nodes of a test network on one machine share one."""
    connections_burst: PositiveCount = 200
    """How many at once."""
    connections_per_address: PositiveCount = 512
    """Connections from one address at a time, whatever their state."""
    bytes_per_second: ByteCount = 64 * MEBIBYTE
    """What is read from one peer in a second; the rest waits in its sockets."""
    messages_per_second: PositiveCount = 50_000
    """Likewise messages."""
    validators_room: ByteCount = 192 * MEBIBYTE
    """What is kept of what has come from all validators; what finds no room waits with them."""
    others_room: ByteCount = 96 * MEBIBYTE
    """Likewise from all followers and gateways."""
    validators_waiting: ByteCount = 256 * MEBIBYTE
    """What waits for all validators, beside what several are sent. Who takes none of it is dropped
    first."""
    others_waiting: ByteCount = 128 * MEBIBYTE
    """Likewise for all followers and gateways."""
    nodelay: bool = True
    """TCP_NODELAY: small frames leave at once."""
    keepalive: bool = True
    """SO_KEEPALIVE: the system notices a machine that is gone."""
    receive_buffer: ByteCount = 256 * KIBIBYTE
    """SO_RCVBUF of each connection."""
    send_buffer: ByteCount = 256 * KIBIBYTE
    """SO_SNDBUF of each connection."""
