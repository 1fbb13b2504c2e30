"""The rows of `orrery bench reconcile`: how fifty nodes learn of transactions, in virtual time.

Each transaction begins at a random node. Who learns of one fetches its body, in one round trip,
and announces it after a short while, with whatever else has come by then:

- `flood` announces it to all neighbours, as the gossip core does;
- `flood-unheard` to those that have not announced it themselves by then;
- `reconcile-K` to K neighbours, drawn for each transaction anew; the others learn of it by rounds
  of `network.reconcile`, whose announcer decides which is which.

Counted are the frames of announcements and of rounds. Fetching is left out: everywhere each node
fetches each transaction once.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from random import Random
from types import MappingProxyType
from typing import Any

import numpy

from network.announcements import announcements
from network.codec import Codec
from network.draws import seeded_draws
from network.messages import LIMITS as NETWORK_LIMITS, AnnounceTransactions
from network.reconcile.announcer import ReconcilingAnnouncer
from network.reconcile.core import Reconciler
from network.reconcile.messages import LIMITS
from network.reconcile.state import ReconcileConfig
from network.topology import TopologyParams, build_topology
from node.peer_scores import PeerScores
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import Effect, Message, Send, SetTimer

NODES, DEGREE, SECONDS, RATES = 50, 8, 20, (10, 100)
FANOUTS = (1, 2, 3)
ROUND_INTERVAL = Duration(250_000_000)
"""A node has four peers, on average, that it asks: each link has a round in a second."""
ANNOUNCE_DELAY, LATENCY_MIN, LATENCY_MAX = 50_000_000, 20_000_000, 80_000_000
SETTLE_NS = 5_000_000_000
"""Time after the last transaction, in which all have to have reached all."""
SECOND = 1_000_000_000
TRANSFER = (2, 120)
"""Type and size of each."""

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "announced_bytes": "bytes/tx/node",
        "to_flood": "to flood",
        "learnt_p50_seconds": "learnt p50 s",
        "learnt_p99_seconds": "learnt p99 s",
        "learnt_max_seconds": "max s",
        "rounds": "rounds",
        "round_differences": "differences each",
        "extended_percent": "2nd sketch %",
        "failed_percent": "failed %",
    }
)


class Network:
    """Nodes, links, and a clock that jumps from event to event."""

    def __init__(self, policy: str, seed: int) -> None:
        self.chance = Random(seed)
        generator = numpy.random.default_rng(seed)
        params = TopologyParams(degree=DEGREE)
        self.neighbours = build_topology("random-regular", NODES, generator, params)
        self.latency = {
            (min(node, other), max(node, other)): self.chance.randint(LATENCY_MIN, LATENCY_MAX)
            for node, others in enumerate(self.neighbours)
            for other in others
        }
        limits = {**NETWORK_LIMITS, **LIMITS}
        self.codec = Codec(limits, limits)
        self.now = 0
        self.heap: list[tuple[int, int, Callable[[], None]]] = []
        self.steps = 0
        self.sent_bytes = 0
        self.learnt_ns: list[int] = []
        self.born: dict[Hash32, int] = {}
        self.nodes = [Node(self, NodeId(node), policy) for node in range(NODES)]

    def after(self, delay: int, action: Callable[[], None]) -> None:
        """Let something happen later."""
        self.steps += 1
        heapq.heappush(self.heap, (self.now + delay, self.steps, action))

    def distance(self, node: int, other: int) -> int:
        """Return the latency between neighbours in ns."""
        return self.latency[min(node, other), max(node, other)]

    def send(self, sender: NodeId, to: NodeId, message: Message) -> None:
        """Let a message arrive, and count its frame."""
        self.sent_bytes += self.codec.size(message)
        self.after(self.distance(sender, to), lambda: self.nodes[to].receive(sender, message))

    def run(self, rate: int, seconds: int) -> int:
        """Let transactions begin, and all happen; return how many they were."""
        count = rate * seconds
        for number in range(count):
            name = Hash32(sha256(b"%d" % number).digest())
            self.born[name] = number * SECOND // rate
            self.after(self.born[name], self.nodes[self.chance.randrange(NODES)].learning(name))
        end = seconds * SECOND + SETTLE_NS
        while self.heap and self.heap[0][0] <= end:
            self.now, _, action = heapq.heappop(self.heap)
            action()
        return count


class Node:
    """Learns of transactions and announces them by one of the policies."""

    def __init__(self, network: Network, name: NodeId, policy: str) -> None:
        self.network, self.name = network, name
        self.peers = [NodeId(peer) for peer in network.neighbours[name]]
        self.unheard = policy != "flood"
        self.seen: dict[bytes, None] = {}
        self.fetched: dict[bytes, None] = {}
        """What is on its way."""
        self.heard: dict[bytes, list[NodeId]] = {}
        self.waiting: list[Hash32] = []
        fanout = int(policy.partition("-")[2]) if policy.startswith("reconcile") else 0
        config = ReconcileConfig(fanout=fanout, interval=ROUND_INTERVAL)
        draws = seeded_draws(b"%d" % name)
        self.core = Reconciler(config, PeerScores(), self, draws)
        self.announcer: ReconcilingAnnouncer | None = None
        if fanout:
            self.announcer = ReconcilingAnnouncer(name, config, self.core, draws)
            self.perform(self.announcer.start(Instant(0), self.peers))

    def learning(self, name: Hash32) -> Callable[[], None]:
        """Return what makes this node have a transaction."""

        def learn() -> None:
            self.network.learnt_ns.append(self.network.now - self.network.born[name])
            self.seen[name] = None
            self.fetched.pop(name, None)
            if not self.waiting:
                self.network.after(ANNOUNCE_DELAY, self.announce)
            self.waiting.append(name)

        return learn

    def waits(self, transaction: Hash32) -> bool:
        """Tell whether it is here; no block takes it away."""
        return transaction in self.seen

    def coming(self) -> Sequence[Hash32]:
        """Return what is on its way or waits for being announced."""
        return [*map(Hash32, self.fetched), *self.waiting]

    def shown(self, peer: NodeId, transactions: Sequence[Hash32]) -> None:
        """Do not tell a peer of these."""
        if self.announcer is not None:
            self.announcer.heard(peer, transactions)

    def announce(self) -> None:
        """Announce what has gathered, at once or by rounds."""
        waiting, self.waiting = self.waiting, []
        if self.announcer is not None:
            entries = [(name, TRANSFER) for name in waiting]
            self.perform(self.announcer.announce(Instant(self.network.now), entries))
            return
        for peer in self.peers:
            told = [
                (name, TRANSFER)
                for name in waiting
                if not self.unheard or peer not in self.heard.get(name, ())
            ]
            for message in announcements(told, len(told) or 1):
                self.network.send(self.name, peer, message)

    def begin_round(self) -> None:
        """Reconcile with the next peer."""
        self.perform(self.core.on_round_timeout(Instant(self.network.now)))

    def receive(self, sender: NodeId, message: Message) -> None:
        """Take a message; fetch what is new."""
        if not isinstance(message, AnnounceTransactions):
            self.perform(self.core.on_message(Instant(self.network.now), sender, message))
            return
        if self.announcer is not None:
            self.announcer.heard(sender, message.hashes)
        trip = 2 * self.network.distance(self.name, sender)
        for raw in message.hashes:
            self.heard.setdefault(raw, []).append(sender)
            if raw not in self.seen and raw not in self.fetched:
                self.fetched[raw] = None
                self.network.after(trip, self.learning(Hash32(raw)))

    def perform(self, effects: Iterable[Effect]) -> None:
        """Do what the core says."""
        for effect in effects:
            if isinstance(effect, Send):
                self.network.send(self.name, effect.to, effect.message)
            elif isinstance(effect, SetTimer):
                self.network.after(effect.delay_ns, self.begin_round)


def run(policy: str, rate: int, seconds: int = SECONDS, seed: int = 1) -> dict[str, Any]:
    """Return one row.

    Args:
        policy: "flood", "flood-unheard", or "reconcile-K".
        rate: transactions a second in the whole network.
        seconds: for which they come.
        seed: of links and origins.
    """
    network = Network(policy, seed)
    count = network.run(rate, seconds)
    learnt = sorted(network.learnt_ns)
    if len(learnt) != count * NODES:
        raise AssertionError(f"expected {count * NODES} to be learnt, got {len(learnt)}")
    counts = [node.core.state.counts for node in network.nodes]
    rounds = sum(each.rounds for each in counts)
    sketched = max(1, rounds - sum(each.plain for each in counts))
    return {
        "policy": policy,
        "rate": rate,
        "nodes": NODES,
        "announced_bytes": round(network.sent_bytes / count / NODES, 1),
        "learnt_p50_seconds": round(learnt[len(learnt) // 2] / SECOND, 3),
        "learnt_p99_seconds": round(learnt[len(learnt) * 99 // 100] / SECOND, 3),
        "learnt_max_seconds": round(learnt[-1] / SECOND, 3),
        "rounds": rounds,
        "round_differences": round(sum(each.differences for each in counts) / sketched, 1),
        "extended_percent": round(100 * sum(each.extended for each in counts) / sketched, 1),
        "failed_percent": round(100 * sum(each.failed for each in counts) / sketched, 1),
    }


def bench_reconcile() -> dict[str, Any]:
    """Announcements by flooding and by reconciling: bytes, and how long until all have heard."""
    rows: list[dict[str, Any]] = []
    policies = ("flood", "flood-unheard", *(f"reconcile-{fanout}" for fanout in FANOUTS))
    for rate in RATES:
        found = [run(policy, rate) for policy in policies]
        flood = found[0]["announced_bytes"]
        rows += [{**row, "to_flood": round(row["announced_bytes"] / flood, 3)} for row in found]
    return {"rows": rows}
