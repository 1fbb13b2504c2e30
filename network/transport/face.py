"""What a node sees of its transport, and what the transport asks of the node.

`network.transport.Transport` is a `Network`. A driver hands it a `Receiver` and reads nothing
else; another network, one within a process for instance, can take its place.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from network.handshake import Session
from network.handshake_messages import PeerRole
from network.transport.events import DropReason
from primitives.ids import Duration, NodeId
from primitives.machine import Message


class Address(msgspec.Struct, frozen=True):
    """Where a node listens."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class PeerInfo(msgspec.Struct, frozen=True):
    """A peer that is connected now."""

    node: NodeId
    role: PeerRole
    address: str
    dialled: bool
    """By this node."""
    session: Session
    """What was agreed on."""
    round_trip: Duration | None
    """Of the last ping that was answered."""
    queued_messages: int
    queued_bytes: int
    """What waits for it, or waits in this process for TLS."""
    held_bytes: int
    """What has come from it and was not handed over yet."""


class Receiver(Protocol):
    """The node. Its methods are called on the event loop, one at a time, and must not raise."""

    def on_message(self, peer: NodeId, message: Message, size: int) -> None:
        """Take a message; `size` is the length of its plain frame, in bytes."""
        ...

    def on_peer_opened(self, peer: PeerInfo) -> None:
        """A peer is connected; from now on it can be sent to."""
        ...

    def on_peer_closed(self, peer: NodeId, reason: DropReason) -> None:
        """A peer is not connected any more, or by a new connection that it has begun anew."""
        ...


class Network(Protocol):
    """Connections to other nodes, each authenticated."""

    async def start(self, receiver: Receiver) -> Address:
        """Listen and dial; return where the node listens."""
        ...

    def send(self, node: NodeId, message: Message) -> bool:
        """Let a message wait for one peer; False if it was dropped at once."""
        ...

    def broadcast(self, nodes: Iterable[NodeId], message: Message) -> int:
        """Let one message wait for many peers; return for how many it does."""
        ...

    def post(self, nodes: Iterable[NodeId], message: Message) -> tuple[int, int]:
        """Let one message wait for many peers; return for how many, and the bytes of a frame."""
        ...

    def peers(self) -> Sequence[PeerInfo]:
        """Return who is connected, by ascending node id."""
        ...

    async def close(self) -> None:
        """Say what still waits, say good-bye, and end every connection."""
        ...
