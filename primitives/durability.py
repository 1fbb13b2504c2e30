"""The order of effects around a `Persist`: one gate, used by both worlds.

A replica that sends a vote, crashes and forgets it could vote again for something else. So a
`Persist` holds back every later `Send`, `Broadcast` and `Loopback` of the same core until its
records are durable. The simulated disk and the real store both ask this gate, so that the rule
cannot differ between them.

Reference: DESIGN section 2 (Durability); etcd-io/raft, the contract of `Ready`.
"""

from collections import deque
from typing import Generic, TypeVar

import msgspec

from primitives.ids import Token
from primitives.machine import Broadcast, Loopback, Received, Send

Item = TypeVar("Item")


def core_of(effect: Send | Broadcast | Loopback) -> str:
    """Return the core whose `Persist`s may hold `effect` back."""
    if isinstance(effect, Loopback):
        event = effect.event
        return event.message.core if isinstance(event, Received) else event.core
    return effect.message.core


class _Barrier(msgspec.Struct, gc=False):
    """One `Persist` under way; what stands behind it in its lane waits."""

    token: Token
    durable: bool = False


class DurabilityGate(Generic[Item]):
    """Keeps, for each core of one node, what waits behind unfinished `Persist`s.

    `Item` is whatever the driver wants back when it may go (an effect with its order, say).
    """

    __slots__ = ("_lanes",)

    def __init__(self) -> None:
        self._lanes: dict[str, deque[_Barrier | Item]] = {}

    @property
    def idle(self) -> bool:
        """Whether no `Persist` of any core is unfinished."""
        return not self._lanes

    def begin(self, core: str, token: Token) -> None:
        """Note that a `Persist` of `core` has left and is not durable yet."""
        lane = self._lanes.get(core)
        if lane is None:
            lane = self._lanes[core] = deque()
        lane.append(_Barrier(token))

    def holds(self, core: str) -> bool:
        """Say whether something of `core` that leaves now has to wait."""
        return core in self._lanes

    def hold(self, core: str, item: Item) -> None:
        """Queue `item` behind the unfinished `Persist`s of `core`."""
        self._lanes[core].append(item)

    def durable(self, core: str, token: Token) -> list[Item]:
        """Mark a `Persist` durable and return what may go now, in its order."""
        lane = self._lanes[core]
        if len(lane) == 1:
            # Nothing waits behind this one batch, as is mostly so.
            del self._lanes[core]
            return []
        for entry in lane:
            if isinstance(entry, _Barrier) and entry.token == token and not entry.durable:
                entry.durable = True
                break
        released: list[Item] = []
        while lane:
            head = lane[0]
            if isinstance(head, _Barrier):
                if not head.durable:
                    return released
            else:
                released.append(head)
            lane.popleft()
        del self._lanes[core]
        return released
