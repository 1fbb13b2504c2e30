"""The simulated world as its users see it: nodes that run, fail and talk, and a clock.

`World` joins the kernel, the links and the trace, and is what the fault timeline, the checkers,
the clients and the tests act on. It adds no behaviour of its own to a run.
"""

from collections.abc import Callable, Collection, Sequence
from typing import cast

from consensus.certificate import Certificate
from consensus.trace import ViewEntered
from network.topology import Adjacency
from node.config import Environment
from node.execution import ExecutedBlock
from node.execution_base_fee import next_base_fee
from node.node import Node
from primitives.committee import Committee
from primitives.ids import Hash32, Instant, NodeId, View, Wei
from primitives.machine import Machine, Submitted
from sim.blocks import BlockIndex
from sim.disks import Disks
from sim.hosts.clock import MILLION, Clock
from sim.kernel.engine import Kernel
from sim.kernel.pausing import pause
from sim.kernel.stopping import damage
from sim.links.cuts import Direction
from sim.links.disturbances import Disturbance, Lose, Ways
from sim.links.links import Links
from sim.trace import (
    DeliveryConsumer,
    EventConsumer,
    Observation,
    StorageConsumer,
    Trace,
    TrafficConsumer,
)
from sim.trace_events import (
    ClockSet,
    Clogged,
    Crashed,
    Delayed,
    Disturbed,
    Healed,
    Partitioned,
    Paused,
    Restarted,
    Settled,
    Slowed,
    WritesKept,
    WritesLost,
    WriteTorn,
)
from storage.store import DamagedStore

SLOWNESS_UNIT = 1_000
"""Slowdown factors are kept in thousandths: virtual time knows no floating point."""


class World:
    """One network in virtual time.

    Args:
        kernel: runs the nodes.
        links: what lies between them.
        trace: what they write to.
        environment: what the nodes share.
        blocks: every block that some node has executed.
        topology: each node's neighbours for gossip.
        liars: nodes that misbehave on purpose.
        close: lets go of the nodes' files.
    """

    def __init__(
        self,
        kernel: Kernel,
        links: Links,
        trace: Trace,
        environment: Environment,
        blocks: BlockIndex,
        topology: Adjacency,
        liars: Collection[int] = (),
        close: Callable[[], None] | None = None,
    ) -> None:
        self.kernel = kernel
        self.trace = trace
        self.environment = environment
        self.blocks = blocks
        self.topology = topology
        self.disks = Disks(kernel)
        """What can be done to the nodes' disks."""
        self._close = close
        self._links = links
        self._view = View(0)
        self._head = environment.genesis_block
        self._liars = frozenset(liars)
        self._disturbances: dict[int, Disturbance] = {}
        self._disturbed = 0
        self.subscribe_honest(self._watch)

    def close(self) -> None:
        """Let go of the nodes' files, if they have any; the world is over then."""
        if self._close is not None:
            self._close()

    def __enter__(self) -> "World":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---------------------------------------------------------------- what it shows

    @property
    def now(self) -> Instant:
        """The present virtual instant, ns."""
        return Instant(self.kernel.now)

    @property
    def size(self) -> int:
        """Number of nodes, dead ones included."""
        return len(self.kernel.hosts)

    @property
    def nodes(self) -> tuple[Machine | None, ...]:
        """Each node's machine; None while it is down. To look at, not to touch."""
        return tuple(host.machine for host in self.kernel.hosts)

    @property
    def head(self) -> ExecutedBlock:
        """The highest block that some node has committed."""
        return self._head

    @property
    def view(self) -> View:
        """The highest view that a replica has entered in the epoch of the next block."""
        return self._view

    @property
    def committee(self) -> Committee:
        """The validators that decide the block after `head`."""
        return self._head.epoch.committee

    def primary(self) -> NodeId:
        """Return the primary of the highest view entered in this epoch."""
        members = self.committee.members
        return members[self._view % len(members)].node

    def is_live(self, node: NodeId | int) -> bool:
        """Whether the node runs now."""
        return self.kernel.hosts[node].machine is not None

    def is_honest(self, node: NodeId) -> bool:
        """Whether the node is none of those that misbehave on purpose."""
        return node not in self._liars

    def base_fee(self) -> Wei:
        """Base fee of the block after `head`, in wei per gas."""
        return next_base_fee(self._head.block.header, self.environment.genesis.params)

    def block(self, digest: Hash32) -> ExecutedBlock:
        """Return an executed block by its digest; genesis too.

        Raises:
            KeyError: nobody has executed such a block, or it is too long ago.
        """
        return self.blocks.block(digest)

    def node(self, node: NodeId | int) -> Node:
        """Return a running node.

        Raises:
            KeyError: it is down.
        """
        machine = self.kernel.hosts[node].machine
        if not isinstance(machine, Node):
            raise KeyError(f"node {node} is down")
        return machine

    def certificate(self, node: NodeId, height: int) -> Certificate:
        """Return the certificate with which `node` committed its block of `height`.

        Raises:
            KeyError: the node is down or has none.
        """
        return self.node(node).ledger.certificate(height)

    def subscribe(
        self,
        events: EventConsumer | None = None,
        traffic: TrafficConsumer | None = None,
        deliveries: DeliveryConsumer | None = None,
        storage: StorageConsumer | None = None,
    ) -> None:
        """Add consumers of the trace."""
        self.trace.subscribe(events, traffic, deliveries, storage)

    def subscribe_honest(self, events: EventConsumer) -> None:
        """Add a consumer of what honest nodes, and the network, say.

        What a liar says of itself proves nothing: figures and checkers leave it out.
        """
        liars = self._liars
        if not liars:
            self.trace.subscribe(events=events)
            return

        def consume(observation: Observation) -> None:
            if observation.node not in liars:
                events(observation)

        self.trace.subscribe(events=consume)

    # ---------------------------------------------------------------- what can be done to it

    def run_until(self, at_ns: int) -> None:
        """Let virtual time pass up to and including an instant."""
        self.kernel.run_until(at_ns)

    def run_for(self, span_ns: int) -> None:
        """Let virtual time pass."""
        self.kernel.run_until(self.kernel.now + span_ns)

    def submit(self, at_ns: int, node: NodeId | int, raw: bytes) -> None:
        """Bring a signed transaction to a node's access link; lost if the node is down then."""
        self.kernel.deliver(at_ns, node, Submitted(raw), len(raw))

    def crash(
        self,
        node: NodeId | int,
        reached: Callable[[int], int] | None = None,
        tear: Callable[[], int] | None = None,
    ) -> bool:
        """Kill a node's process; False if it was down.

        Args:
            node: which.
            reached: told how many batches the disk has not acknowledged; answers how many of
                them, from the first on, it has written all the same. None: none.
            tear: answers how much of the one after these is there, in thousandths. None: nothing.
        """
        torn: list[int] = []

        def torn_at() -> int:
            torn.append(0 if tear is None else tear())
            return torn[0]

        if not self.is_live(NodeId(node)):
            return False
        kept = self.kernel.crash(node, reached, None if tear is None else torn_at)
        self.kernel.observe(node, Crashed())
        if kept:
            self.kernel.observe(node, WritesKept(kept) if kept > 0 else WritesLost(-kept))
        if torn:
            self.kernel.observe(node, WriteTorn())
        return True

    def restart(self, node: NodeId | int) -> bool:
        """Start a node from what its disk holds; False if it runs, or refuses to.

        It refuses where it cannot do without what is damaged, and stays down.
        """
        if self.is_live(NodeId(node)):
            return False
        try:
            machine = self.kernel.make(int(node))
        except DamagedStore as error:
            self.kernel.hosts[node].power_off()
            self.kernel.observe(node, damage(error))
            return False
        self.kernel.observe(node, Restarted())
        self.kernel.start(node, machine)
        return True

    def pause(self, node: NodeId | int, span_ns: int) -> bool:
        """Stop a node's process for a while; False if it was down."""
        if not self.is_live(node):
            return False
        pause(self.kernel, int(node), self.now + span_ns)
        self.kernel.observe(node, Paused(span_ns))
        return True

    def slow(self, node: NodeId | int, factor: float) -> None:
        """Let everything a node computes take `factor` times as long; 1 is its own speed."""
        # However fast a node becomes, its work never costs nothing.
        self.kernel.slow(node, max(1, round(factor * SLOWNESS_UNIT)), SLOWNESS_UNIT)
        self.kernel.observe(node, Slowed(round(factor * 100)))

    def set_clock(self, node: NodeId | int, offset_ns: int = 0, drift: float = 0.0) -> None:
        """Set a node's clock: ahead by `offset_ns` now, gaining the share `drift`; 0, 0 is true."""
        drift_ppm = round(drift * MILLION)
        true = not offset_ns and not drift_ppm
        self.kernel.set_clock(node, None if true else Clock(self.now, offset_ns, drift_ppm))
        self.kernel.observe(node, ClockSet(offset_ns, drift_ppm))

    def lie_about_writes(self, node: NodeId | int, cache_ns: int) -> None:
        """Let a node's disk acknowledge what a crash within `cache_ns` loses; 0 ends that."""
        self.disks.lie(int(node), cache_ns)

    def partition(
        self,
        groups: Sequence[Sequence[int]],
        bridge: Sequence[int] = (),
        direction: Direction = Direction.BOTH,
    ) -> None:
        """Cut the network: nodes reach only their own group; the unnamed ones form one more.

        Args:
            groups: node numbers.
            bridge: nodes that reach, and are reached by, everybody.
            direction: which way the borders of the named groups are closed.
        """
        cut = tuple(tuple(int(n) for n in group) for group in groups)
        self._links.partition(cut, bridge, direction)
        self.kernel.observe(-1, Partitioned(cut, tuple(bridge), direction.value))

    def ring(self, reach: int) -> None:
        """Cut the network so that each node reaches only `reach` nodes on either side of it."""
        self._links.ring(reach)
        self.kernel.observe(-1, Partitioned((), ring=reach))

    def heal(self) -> None:
        """End the partition."""
        self._links.heal()
        self.kernel.observe(-1, Healed())

    def set_latency(self, nodes: Sequence[int], extra_ns: int) -> None:
        """Delay everything at each end of these nodes' links by `extra_ns`; 0 is normal again."""
        affected = tuple(int(n) for n in nodes)
        self._links.set_extra_latency(affected, extra_ns)
        self.kernel.observe(-1, Delayed(extra_ns, affected))

    def clog(self, ways: Ways, span_ns: int) -> None:
        """Hold back what is sent on links for a while; then it arrives, in order."""
        self._links.clog(ways, self.now + span_ns)
        self.kernel.observe(-1, Clogged(ways.sources, ways.targets, ways.one_way, span_ns))

    def disturb(self, disturbance: Disturbance) -> int:
        """Let links repeat messages, mix them up or lose more; return what `settle` is told."""
        self._disturbed += 1
        self._disturbances[self._disturbed] = disturbance
        self._links.disturb(disturbance)
        ways = disturbance.ways
        begun = Disturbed(
            self._disturbed,
            type(disturbance).__name__.lower(),
            ways.sources,
            ways.targets,
            ways.one_way,
            round(disturbance.chance * MILLION),
            0 if isinstance(disturbance, Lose) else disturbance.delay_ns,
        )
        self.kernel.observe(-1, begun)
        return self._disturbed

    def settle(self, number: int) -> None:
        """End a disturbance.

        Raises:
            KeyError: it is not on.
        """
        self._links.settle(self._disturbances.pop(number))
        self.kernel.observe(-1, Settled(number))

    def _watch(self, observation: Observation) -> None:
        name = observation.event.name
        if name == "consensus.view_entered":
            entered = cast(ViewEntered, observation.event)
            if entered.epoch == self._head.epoch.number:
                self._view = max(self._view, entered.view)
        elif name == "chain.block_committed":
            height = observation.event.height  # type: ignore[attr-defined]
            if height > self._head.number:
                self._head = self.block(observation.event.digest)  # type: ignore[attr-defined]
                if self._head.closing:
                    self._view = View(0)
