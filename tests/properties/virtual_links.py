"""Nodes of one policy of dissemination on links that lose nothing, with liars among them."""

import heapq
from collections.abc import Callable, Sequence
from typing import Any

from network.dissemination import (
    CodedTree,
    CutWanted,
    Dissemination,
    PayloadArrived,
    PayloadLost,
    Place,
    RebuildWanted,
    answered,
)
from network.mesh import Verdict
from primitives.ids import Instant, NodeId
from primitives.machine import Broadcast, Effect, Message, Send, SetTimer, Work

LINK_NS = 20_000_000
PLACE = Place(1, 0)

Lie = Callable[[NodeId, Message], Sequence[Message]]
"""From whom a message is for, and what an honest node would send, to what the liar sends."""


def withhold(*kinds: type[Message]) -> Lie:
    """Send everything but messages of some kinds."""
    return lambda to, message: () if isinstance(message, kinds) else (message,)


class VirtualLinks:
    """The nodes, and what is under way between them.

    Args:
        policies: one core for each node.
        lies: what some nodes make of what they should send.
    """

    def __init__(self, policies: Sequence[Dissemination], lies: dict[int, Lie]) -> None:
        self.policies = policies
        self.lies = lies
        self.now = 0
        self.arrived: dict[int, list[PayloadArrived]] = {node: [] for node in range(len(policies))}
        self.lost: dict[int, list[PayloadLost]] = {node: [] for node in range(len(policies))}
        self.other: list[tuple[int, Effect]] = []
        self.sent: list[tuple[int, int, Message]] = []
        self.invalid: set[bytes] = set()
        """Payloads that nodes find not valid."""
        self._heap: list[tuple[int, int, int, Any]] = []
        self._order = 0

    def act(self, node: int, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send():
                    self.send(node, effect.to, effect.message)
                case Broadcast():
                    for to in range(len(self.policies)):
                        if to != node:
                            self.send(node, NodeId(to), effect.message)
                case SetTimer():
                    timer, policy = effect.timer, self.policies[node]
                    self._at(
                        effect.delay_ns, node, lambda now, p=policy, t=timer: p.on_timeout(now, t)
                    )
                case PayloadArrived():
                    self.arrived[node].append(effect)
                    verdict = Verdict.REJECT if effect.payload in self.invalid else Verdict.ACCEPT
                    identity, policy = effect.identity, self.policies[node]
                    self._at(
                        1, node, lambda now, p=policy, i=identity, v=verdict: p.judged(now, i, v)
                    )
                case PayloadLost():
                    self.lost[node].append(effect)
                case CutWanted() | RebuildWanted():
                    tree = self.policies[node]
                    assert isinstance(tree, CodedTree)
                    self._at(1, node, lambda now, t=tree, e=effect: answered(t, now, e))
                case Work():
                    pass  # Here computing takes no time.
                case _:
                    self.other.append((node, effect))

    def send(self, node: int, to: NodeId, message: Message) -> None:
        lie = self.lies.get(node)
        for told in (message,) if lie is None else lie(to, message):
            self.sent.append((node, to, told))
            policy = self.policies[to]
            self._at(LINK_NS, to, lambda now, p=policy, m=told: p.on_message(now, NodeId(node), m))

    def run(self, for_ns: int) -> None:
        end = self.now + for_ns
        while self._heap and self._heap[0][0] <= end:
            self.now, _, node, turn = heapq.heappop(self._heap)
            self.act(node, turn(Instant(self.now)))
        self.now = end

    def _at(self, delay: int, node: int, turn: Any) -> None:
        self._order += 1
        heapq.heappush(self._heap, (self.now + delay, self._order, node, turn))

    def payloads(self, node: int) -> list[bytes]:
        return [arrival.payload for arrival in self.arrived[node]]
