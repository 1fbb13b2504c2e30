"""What JSON-RPC asks of a live node, answered by its process: see `node.rpc.backend`.

The node behind it may change: one that met damage is replaced by another. Who follows the node
follows the process's hub, and so all of its lives.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from network.conditions import Conditions
from node.config import Environment, NodeConfig
from node.node import Node
from node.observe.sink import Sink
from node.rpc.backend import Peer, SubmitOutcome
from node.runtime.live import LiveNode
from primitives.ids import Instant, NodeId
from storage.store import SnapshotStore

if TYPE_CHECKING:
    from node.runtime.face import Face
    from node.runtime.process import NodeProcess


class ProcessBackend:
    """A `node.rpc.backend.Backend`.

    Args:
        process: whose node.
        face: has the profiler.
    """

    def __init__(self, process: "NodeProcess", face: "Face") -> None:
        self._process = process
        self._face = face

    @property
    def _live(self) -> LiveNode:
        live = self._process.live
        assert live is not None, "nobody asks before the node is there"
        return live

    @property
    def node(self) -> Node:
        """The node as it runs now."""
        return self._live.node

    @property
    def config(self) -> NodeConfig:
        """Its own choices."""
        return self._live.config

    @property
    def environment(self) -> Environment:
        """What it shares with its network."""
        return self._live.environment

    @property
    def store(self) -> SnapshotStore:
        """Its durable rows. They may lag behind the node by some batches."""
        return self._live.store

    def submit(self, raw: bytes) -> Awaitable[SubmitOutcome]:
        """Hand an encoded transaction to the node; the answer comes once it is in the pool."""
        return self._live.submit(raw)

    def now(self) -> Instant:
        """Return the node's time: ns since the genesis timestamp, never going back."""
        return self._live.now()

    def uptime_ns(self) -> int:
        """Return for how long the process has been running, in ns."""
        return self._process.uptime_ns()

    def subscribe(self, sink: Sink) -> Callable[[], None]:
        """Let a sink learn of all that the node's lives publish; return what ends that."""
        return self._process.hub.subscribe(sink)

    def peers(self) -> Sequence[Peer]:
        """Return the nodes that are connected now."""
        return self._live.peers()

    def block_peers(self, nodes: Sequence[NodeId]) -> None:
        """Cut every connection to these nodes and refuse new ones; the rest stays as it is."""
        self._process.blocked = self._process.blocked.union(nodes)
        self._live.block_peers(nodes)

    def ignore_peers(self, nodes: Sequence[NodeId]) -> None:
        """Drop whatever these nodes send; what they are sent goes on."""
        self._process.ignored = self._process.ignored.union(nodes)
        self._live.ignore_peers(nodes)

    def unblock_peers(self) -> None:
        """Let all nodes connect again, and be heard."""
        self._process.blocked = self._process.ignored = frozenset()
        self._live.unblock_peers()

    def set_links(self, links: Mapping[NodeId, Conditions]) -> None:
        """Hold up what exactly these nodes are sent as it says, until the next call."""
        self._process.links = links
        self._live.set_links(links)

    def stop(self) -> None:
        """Begin to end the process in good order; returns at once."""
        self._process.ask_to_stop("orrery_stop")

    def profile(self, action: str) -> object:
        """Do one of `on`, `off`, `reset` or `table` with the profiler of named operations.

        Raises:
            InvalidInput: another action.
        """
        return self._face.observatory.profile(action)
