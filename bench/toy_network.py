"""A small network in virtual time, for comparing policies of dissemination apart from all else.

Each node has an uplink and a downlink of some width. A message waits for its sender's uplink,
travels for the latency of the pair, and waits for its receiver's downlink. Processors cost
nothing. The simulator proper has links of this kind too; here nothing but the policy moves.
"""

import heapq
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from numpy.random import Generator

from network.codec import HEADER_BYTES
from network.dissemination import (
    BlockBody,
    BlockShred,
    CodedTree,
    CutWanted,
    Dissemination,
    PayloadArrived,
    PayloadLost,
    RebuildWanted,
    answered,
)
from network.mesh import MeshPayload, Verdict
from primitives.ids import Instant, NodeId
from primitives.machine import Broadcast, Effect, Message, Send, SetTimer, Work

SECOND_NS = 1_000_000_000
BITS = 8
LATENCY_NS_MIN, LATENCY_NS_MAX = 10_000_000, 120_000_000
"""One way, drawn for each pair: from one city to the other side of the earth."""
VALIDATION_NS = 5_000_000
"""From a block's arrival to the node's verdict."""

WITHHELD = (BlockBody, BlockShred, MeshPayload)
"""What a silent node does not send. It takes part in everything else, which is worse than death."""

Turn = Callable[[Instant], Sequence[Effect]]


class ToyNetwork:
    """Nodes of one policy.

    Args:
        policies: one core for each node.
        silent: nodes that pass no blocks on.
        bits_per_second: width of each uplink and of each downlink.
        generator: draws latencies.
    """

    def __init__(
        self,
        policies: Sequence[Dissemination],
        silent: frozenset[int],
        bits_per_second: int,
        generator: Generator,
    ) -> None:
        size = len(policies)
        self.policies = policies
        self.silent = silent
        self.now = 0
        self.sent_bytes = [0] * size
        self.arrived_ns: dict[int, int] = {}
        """When each node had the whole block."""
        self.lost = 0
        self._bits_per_second = bits_per_second
        self._latency = generator.integers(LATENCY_NS_MIN, LATENCY_NS_MAX, (size, size)).tolist()
        self._uplink_free = [0] * size
        self._downlink_free = [0] * size
        self._timers: dict[tuple[int, object], int] = {}
        self._heap: list[tuple[int, int, int, Turn]] = []
        self._order = 0
        self._sized: tuple[Message | None, int] = (None, 0)

    def act(self, node: int, effects: Sequence[Effect]) -> None:
        """Perform what a turn of a node asks for."""
        for effect in effects:
            match effect:
                case Send():
                    self._send(node, effect.to, effect.message)
                case Broadcast():
                    for to in range(len(self.policies)):
                        if to != node:
                            self._send(node, to, effect.message)
                case SetTimer():
                    self._set_timer(node, effect.timer, effect.delay_ns)
                case PayloadArrived():
                    self.arrived_ns.setdefault(node, self.now)
                    self._judge(node, effect.identity)
                case PayloadLost():
                    self.lost += 1
                case CutWanted() | RebuildWanted():
                    tree = self.policies[node]
                    assert isinstance(tree, CodedTree)
                    self.act(node, answered(tree, Instant(self.now), effect))
                case Work():
                    pass  # Here computing takes no time.
                case _:
                    raise AssertionError(f"no node of this bench should ask for {effect}")

    def run(self, until_ns: int, nodes: int | None = None) -> None:
        """Let time pass, up to an instant, or until so many nodes have the block."""
        while self._heap and self._heap[0][0] <= until_ns:
            self.now, _, node, turn = heapq.heappop(self._heap)
            self.act(node, turn(Instant(self.now)))
            if nodes is not None and len(self.arrived_ns) >= nodes:
                return
        if nodes is None:
            self.now = until_ns

    def _at(self, at_ns: int, node: int, turn: Turn) -> None:
        self._order += 1
        heapq.heappush(self._heap, (at_ns, self._order, node, turn))

    def _judge(self, node: int, identity: bytes) -> None:
        policy = self.policies[node]
        self._at(
            self.now + VALIDATION_NS,
            node,
            lambda now: policy.judged(now, identity, Verdict.ACCEPT),
        )

    def _set_timer(self, node: int, timer: Any, delay_ns: int) -> None:
        self._timers[node, timer] = due = self.now + delay_ns

        def fire(now: Instant) -> Sequence[Effect]:
            if self._timers.get((node, timer)) != due:
                return ()
            del self._timers[node, timer]
            return self.policies[node].on_timeout(now, timer)

        self._at(due, node, fire)

    def _send(self, node: int, to: int, message: Message) -> None:
        if node in self.silent and isinstance(message, WITHHELD):
            return
        size = self._size(message)
        self.sent_bytes[node] += size
        takes = size * BITS * SECOND_NS // self._bits_per_second
        left = max(self.now, self._uplink_free[node]) + takes
        self._uplink_free[node] = left

        def reach(now: Instant) -> Sequence[Effect]:
            done = max(now, self._downlink_free[to] + takes)
            self._downlink_free[to] = done
            policy, sender = self.policies[to], NodeId(node)
            self._at(done, to, lambda later: policy.on_message(later, sender, message))
            return ()

        self._at(left + self._latency[node][to], to, reach)

    def _size(self, message: Message) -> int:
        """Return the length of a message's frame; one that goes to many is encoded once."""
        last, size = self._sized
        if last is not message:
            size = HEADER_BYTES + len(msgspec.msgpack.encode(message))
            self._sized = (message, size)
        return size
