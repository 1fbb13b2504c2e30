"""Gossip under loss and lies: what an honest node admits reaches every honest node."""

import heapq
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given, settings, strategies as st

from network.gossip import Gossip, TransactionsFetched
from network.gossip_state import GossipConfig, GossipTimer
from network.messages import AnnounceTransactions, GetTransactions, PooledTransactions
from node.peer_scores import PeerScores
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.keccak import keccak256
from primitives.machine import Broadcast, Effect, Message, Send, SetTimer, Work

LINK_NS = 10
TIMEOUT_NS = 100
CONFIG = GossipConfig(
    announce_delay=Duration(5),
    request_timeout=Duration(TIMEOUT_NS),
    hashes_per_announcement=3,
    hashes_per_request=2,
    requests_per_peer=1,
    response_bytes=8,
)
Handler = Callable[[Gossip, Instant, NodeId, Any], Sequence[Effect]]

HANDLERS: dict[type[Message], Handler] = {
    AnnounceTransactions: Gossip.on_announce_transactions,
    GetTransactions: Gossip.on_get_transactions,
    PooledTransactions: Gossip.on_pooled_transactions,
}


class Network:
    """Nodes on a ring with one chord each; liars answer requests with garbage or not at all."""

    def __init__(self, size: int, liars: dict[int, str]) -> None:
        self.pools: list[dict[Hash32, bytes]] = [{} for _ in range(size)]
        self.cores = [Gossip(CONFIG, pool, keccak256, PeerScores()) for pool in self.pools]
        self.liars = liars
        self.fetched = [0] * size
        self.requests = 0
        self._heap: list[tuple[int, int, int, int, object]] = []
        self._order = 0
        self._now = 0

    def neighbours(self, node: int) -> list[int]:
        size = len(self.pools)
        near = {(node + 1) % size, (node - 1) % size, (size - node) % size}
        return sorted(near - {node})

    def admit(self, node: int, raws: list[bytes]) -> None:
        self.pools[node].update((keccak256(raw), raw) for raw in raws)
        entries = [(keccak256(raw), 0, len(raw)) for raw in raws]
        self._perform(node, list(self.cores[node].admitted(Instant(self._now), entries, own=False)))

    def run(self) -> None:
        while self._heap:
            self._now, _, sender, node, item = heapq.heappop(self._heap)
            core, now = self.cores[node], Instant(self._now)
            if item is GossipTimer.ANNOUNCE:
                effects = core.on_announce_timeout(now)
            elif item is GossipTimer.FETCH:
                effects = core.on_fetch_timeout(now)
            else:
                assert isinstance(item, Message)
                effects = HANDLERS[type(item)](core, now, NodeId(sender), item)
            self._perform(node, list(effects))

    def _perform(self, node: int, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send():
                    self._carry(node, effect.to, effect.message)
                case Broadcast():
                    for to in self.neighbours(node):
                        self._carry(node, to, effect.message)
                case SetTimer(timer=GossipTimer.REPEAT):
                    # Pools never empty here: repetitions would go on for ever.
                    pass
                case SetTimer():
                    self._push(effect.delay_ns, node, node, effect.timer)
                case TransactionsFetched():
                    self.fetched[node] += len(effect.hashes)
                    assert not any(name in self.pools[node] for name in effect.hashes)
                    self.admit(node, list(effect.transactions))
                case Work():
                    pass

    def _carry(self, sender: int, to: int, message: Message) -> None:
        lie = self.liars.get(sender)
        self.requests += isinstance(message, GetTransactions)
        if isinstance(message, PooledTransactions) and lie is not None:
            if lie == "silent":
                return
            raws = () if lie == "empty" else (b"garbage", *message.transactions[:0])
            message = PooledTransactions(message.request, raws)
        self._push(LINK_NS, sender, to, message)

    def _push(self, delay: int, sender: int, node: int, item: object) -> None:
        self._order += 1
        heapq.heappush(self._heap, (self._now + delay, self._order, sender, node, item))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_one_admits_reaches_all_that_honest_paths_lead_to(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 9))
    kinds = st.sampled_from(["silent", "empty", "garbage"])
    liars = data.draw(st.dictionaries(st.integers(0, size - 1), kinds, max_size=2))
    network = Network(size, liars)
    origins = data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=12))
    for number, origin in enumerate(origins):
        network.admit(origin, [b"tx%d" % number])
    network.run()
    for number, origin in enumerate(origins):
        name = keccak256(b"tx%d" % number)
        for node in reached(network, origin):
            assert name in network.pools[node]
    for core in network.cores:
        assert core.state.wanted == {}
        assert core.state.requests == {}
        assert core.state.queues == {}


def reached(network: Network, origin: int) -> list[int]:
    """Nodes to which a path leads on which everyone but the last is honest."""
    found = [origin]
    for node in found:
        if node in network.liars:
            continue
        found += [other for other in network.neighbours(node) if other not in found]
    return found


@given(st.integers(2, 12), st.integers(1, 10))
def test_without_lies_each_body_crosses_each_link_end_once(size: int, count: int) -> None:
    network = Network(size, {})
    network.admit(0, [b"tx%d" % number for number in range(count)])
    network.run()
    assert network.fetched == [0] + [count] * (size - 1)
