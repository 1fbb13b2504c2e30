"""What JSON-RPC needs of a live node; `node.runtime` implements it and hands it in.

All of it belongs to the event loop's thread: the node's turns run there, and so does everything
that reads the node. Between two awaits nothing changes; across one, everything may.

The node is asked for anew each time. One that has met damage is replaced by a new one in the same
process, and whoever held on to the old one would go on answering from a chain that stands still.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from network.conditions import Conditions
from node.config import Environment, NodeConfig
from node.node import Node
from node.observe.sink import Sink
from primitives.ids import Hash32, Instant, NodeId
from storage.store import SnapshotStore


class SubmitOutcome(msgspec.Struct, frozen=True, gc=False):
    """What has become of a transaction that a client handed over."""

    hash: Hash32
    """keccak-256 of its encoding."""
    refusal: str = ""
    """Which rule it breaks: the `code` of the error (`primitives.transaction.errors`,
    `node.mempool_errors`, `node.intake`). Empty: it is in the pool."""


class Peer(msgspec.Struct, frozen=True, gc=False):
    """A node that is connected now."""

    node: NodeId
    role: str
    address: str
    """As it is dialled or as it has come: host:port."""
    dialled: bool
    """By this node."""
    round_trip_ns: int | None
    """Of the last ping that was answered."""


class ChainBackend(Protocol):
    """What reading a node and sending to it takes."""

    @property
    def node(self) -> Node:
        """The node as it runs now."""
        ...

    @property
    def config(self) -> NodeConfig:
        """Its own choices."""
        ...

    @property
    def environment(self) -> Environment:
        """What it shares with its network: genesis, rules, readers of certificates."""
        ...

    @property
    def store(self) -> SnapshotStore:
        """Its durable rows, of form flat. They may lag behind the node by some batches."""
        ...

    def submit(self, raw: bytes) -> Awaitable[SubmitOutcome]:
        """Hand an encoded transaction to the node; the answer comes once it is in the pool or not.

        It never raises for what the bytes are: the outcome has the refusal.
        """
        ...


class WatchBackend(Protocol):
    """What following a node takes."""

    def now(self) -> Instant:
        """Return the node's time: ns since the genesis timestamp, never going back."""
        ...

    def uptime_ns(self) -> int:
        """Return for how long the process has been running, in ns."""
        ...

    def subscribe(self, sink: Sink) -> Callable[[], None]:
        """Let a sink learn of all that the hub publishes; return what ends that."""
        ...

    def peers(self) -> Sequence[Peer]:
        """Return the nodes that are connected now."""
        ...


class AdminBackend(Protocol):
    """What only an operator may ask, with the token."""

    def block_peers(self, nodes: Sequence[NodeId]) -> None:
        """Cut every connection to these nodes and refuse new ones; the rest stays as it is."""
        ...

    def ignore_peers(self, nodes: Sequence[NodeId]) -> None:
        """Drop whatever these nodes send; what they are sent goes on."""
        ...

    def unblock_peers(self) -> None:
        """Let all nodes connect again, and be heard."""
        ...

    def set_links(self, links: Mapping[NodeId, Conditions]) -> None:
        """Hold up what exactly these nodes are sent as it says, until the next call."""
        ...

    def stop(self) -> None:
        """Begin to end the process in good order; returns at once."""
        ...

    def profile(self, action: str) -> object:
        """Do one of `on`, `off`, `reset` or `table` with the profiler of named operations.

        Returns:
            For `table` the rows, as JSON can carry them; otherwise what the profiler's state is.

        Raises:
            InvalidInput: another action.
        """
        ...


class Backend(ChainBackend, WatchBackend, AdminBackend, Protocol):
    """All of it."""
