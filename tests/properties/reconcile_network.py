"""Nodes that announce by reconciling, on links that may lose messages, with liars among them.

Pools never empty: what a node has it keeps.
"""

import heapq
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from network.draws import seeded_draws
from network.gossip import Gossip, TransactionsFetched
from network.gossip_state import GossipConfig, GossipTimer
from network.messages import AnnounceTransactions, GetTransactions, PooledTransactions
from network.reconcile import ReconcileConfig, Reconciler, ReconcilingAnnouncer
from network.reconcile.messages import AskSketch, Differences, SketchOf
from network.reconcile.sketch import CELL_BYTES, NAME_BYTES, PARTS
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.keccak import keccak256
from primitives.machine import Effect, Message, Send, SetTimer, Work
from tests.unit.network.books import Book

LINK_NS = 20_000_000
SECOND = 1_000_000_000
GOSSIP = GossipConfig(hashes_per_announcement=3, hashes_per_request=2, response_bytes=40)

Lie = Callable[[Random, Message], Sequence[Message]]
"""What a liar sends in place of what an honest node would."""


def nonsense(chance: Random, message: Message) -> Sequence[Message]:
    """Send sketches of the right length that are of nothing."""
    if isinstance(message, SketchOf):
        cells = chance.randbytes(PARTS * chance.randrange(1, 40) * CELL_BYTES)
        return (SketchOf(message.round, chance.randrange(100), cells),)
    if isinstance(message, Differences):
        return (Differences(message.round, True, chance.randbytes(5 * NAME_BYTES)),)
    return (message,)


def insatiable(chance: Random, message: Message) -> Sequence[Message]:
    """Ask for the longest sketches again and again, and end no round."""
    if isinstance(message, Differences):
        return ()
    if isinstance(message, AskSketch):
        number = message.round + chance.randrange(3)
        return (AskSketch(number, message.salt, 1 << 40, chance.randrange(1 << 16)),)
    return (message,)


def withhold(*kinds: type[Message]) -> Lie:
    """Send everything but messages of some kinds."""
    return lambda chance, message: () if isinstance(message, kinds) else (message,)


LIES: dict[str, Lie] = {
    "nonsense": nonsense,
    "insatiable": insatiable,
    "silent": withhold(Message),
    "never asks": withhold(AskSketch),
    "never answers": withhold(SketchOf),
    "keeps bodies": withhold(PooledTransactions),
}


class Node:
    """The cores of one, and what it has."""

    def __init__(self, name: NodeId, config: ReconcileConfig) -> None:
        self.pool: dict[Hash32, bytes] = {}
        self.book = Book()
        self.gossip = Gossip(GOSSIP, self.pool, keccak256, self.book)
        draws = seeded_draws(b"node %d" % name)
        self.core = Reconciler(config, self.book, self.gossip, draws)
        self.announcer = ReconcilingAnnouncer(name, config, self.core, draws)
        self.gossip.announcer = self.announcer


class Network:
    """Nodes, links, and a clock that jumps from event to event.

    Args:
        neighbours: of each node.
        lies: what some nodes make of what they should send.
        loss: percent of all messages that are lost.
        repeats: whether transactions are announced again while they wait.
        config: of all nodes.
        seed: of what is lost, and of what liars say.
    """

    def __init__(
        self,
        neighbours: Sequence[Sequence[int]],
        lies: dict[int, Lie],
        loss: int = 0,
        *,
        repeats: bool = True,
        config: ReconcileConfig | None = None,
        seed: int = 0,
    ) -> None:
        chosen = ReconcileConfig(fanout=1) if config is None else config
        self.nodes = [Node(NodeId(name), chosen) for name in range(len(neighbours))]
        self.neighbours = neighbours
        self.lies = lies
        self.gone: set[int] = set()
        """Who is down: it hears nothing, says nothing, and its timers do not fire."""
        self.now = 0
        self.said: list[Message] = []
        self._loss = loss
        self._repeats = repeats
        self._chance = Random(seed)
        self._heap: list[tuple[int, int, int, int, Any]] = []
        self._order = 0
        for name, node in enumerate(self.nodes):
            near = [NodeId(each) for each in neighbours[name]]
            self.act(name, node.announcer.start(Instant(0), near))

    def admit(self, name: int, raws: Sequence[bytes], *, own: bool) -> None:
        """Let a node have transactions, from a client or a peer."""
        node, named = self.nodes[name], [(keccak256(raw), raw) for raw in raws]
        node.pool.update(named)
        entries = [(each, 0, len(raw)) for each, raw in named]
        self.act(name, node.gossip.admitted(Instant(self.now), entries, own=own))

    def run(self, until: int, done: Callable[[], bool] = lambda: False) -> None:
        """Let all happen until an instant, or until something is so."""
        while self._heap and self._heap[0][0] <= until and not done():
            self.now, _, sender, name, item = heapq.heappop(self._heap)
            if name not in self.gone and sender not in self.gone:
                self.act(name, self._turn(Instant(self.now), sender, self.nodes[name], item))

    def act(self, name: int, effects: Sequence[Effect]) -> None:
        """Do what a node wants done."""
        for effect in effects:
            match effect:
                case Send():
                    self._send(name, effect.to, effect.message)
                case SetTimer(timer=GossipTimer.REPEAT) if not self._repeats:
                    pass
                case SetTimer():
                    self._push(effect.delay_ns, name, name, effect.timer)
                case TransactionsFetched():
                    self.admit(name, effect.transactions, own=False)
                case Work():
                    pass
                case _:
                    raise AssertionError(effect)

    def reached(self, origin: int) -> list[int]:
        """Return whoever an honest path from a node leads to, and is honest and standing."""
        found = [origin]
        for name in found:
            for other in self.neighbours[name]:
                if other not in found and other not in self.lies and other not in self.gone:
                    found.append(other)
        return found

    def _turn(self, now: Instant, sender: int, node: Node, item: Any) -> Sequence[Effect]:
        gossip, peer = node.gossip, NodeId(sender)
        match item:
            case GossipTimer.ANNOUNCE:
                return gossip.on_announce_timeout(now)
            case GossipTimer.FETCH:
                return gossip.on_fetch_timeout(now)
            case GossipTimer.REPEAT:
                return gossip.on_repeat_timeout(now)
            case AnnounceTransactions():
                return gossip.on_announce_transactions(now, peer, item)
            case GetTransactions():
                return gossip.on_get_transactions(now, peer, item)
            case PooledTransactions():
                return gossip.on_pooled_transactions(now, peer, item)
            case Message():
                return node.core.on_message(now, peer, item)
            case _:
                return node.core.on_round_timeout(now)

    def _send(self, sender: int, to: int, message: Message) -> None:
        lie = self.lies.get(sender)
        for each in (message,) if lie is None else lie(self._chance, message):
            self.said.append(each)
            if self._chance.randrange(100) >= self._loss:
                self._push(LINK_NS, sender, to, each)

    def _push(self, delay: int, sender: int, name: int, item: object) -> None:
        self._order += 1
        heapq.heappush(self._heap, (self.now + delay, self._order, sender, name, item))


PATIENT = ReconcileConfig(fanout=1, patience=Duration(1_000 * SECOND))
"""Of nodes that never announce plainly what has waited for long."""
