"""Stranded: what a node admitted, and did not lose by a crash, is committed in the end.

A crash takes a pool with it, so only nodes that stayed up are held to it. A transaction that the
network may not include yet is no defect: a lower nonce of its sender is missing, or it cannot
pay the base fee. The lower nonce is judged by itself. Neither is one that is outbid: in the time
that it is given at least, every new block was full of others that pay as much or more.
"""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from primitives.ids import Duration, Hash32, NodeId
from primitives.transaction import transaction_hash
from sim.checkers.checker import CheckedWorld, Violation
from sim.checkers.events import BLOCK_COMMITTED, NODE_CRASHED, Observed, is_commit

SUBMITTED = "txpool.submitted"
REJECTED = "txpool.rejected"
ALREADY_KNOWN = "already_known"
"""Refusal of a transaction that the pool holds: the node goes on to answer for it."""


BLOCKS_REMEMBERED = 1_024
"""Blocks whose transactions are known as committed when they are handed in again."""


class PoolView(Protocol):
    """What the checker asks of the nodes' pools. `sim.pools.Pools` implements it."""

    def may_wait(self, node: NodeId, transaction: Hash32) -> bool:
        """Whether the node holds a transaction that no primary could include now."""
        ...

    def is_outbid(self, node: NodeId, transaction: Hash32, blocks: Sequence[Hash32]) -> bool:
        """Whether the node holds a transaction for which all those final blocks had no room."""
        ...


class Stranded:
    """Follows each transaction from its admission to its commit.

    Args:
        pools: shows whether an uncommitted transaction has an excuse.
        after: how long before the end a transaction must have been handed in, in ns, to count.
    """

    name = "stranded"
    events = (SUBMITTED, REJECTED, NODE_CRASHED, BLOCK_COMMITTED)

    def __init__(self, pools: PoolView, after: Duration) -> None:
        self._pools = pools
        self._after = after
        self._waiting: dict[Hash32, dict[int, int]] = {}
        """When each node was handed a transaction that it answers for, by hash and node."""
        self._committed: set[Hash32] = set()
        self._blocks: deque[tuple[Hash32, ...]] = deque()
        """Transactions of the last blocks, in which they are looked for."""
        self._height = 0
        self._late: deque[tuple[int, Hash32]] = deque()
        """When the blocks of the last `after` became final, and which."""

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        """Take note; only the end can be judged."""
        event, node = observation.event, observation.node
        if is_commit(event):
            if event.height > self._height:
                self._height = event.height
                self._settle(Hash32(event.digest), world)
                self._late.append((observation.at_ns, Hash32(event.digest)))
                self._drop_early(observation.at_ns)
        elif event.name == NODE_CRASHED:
            for nodes in self._waiting.values():
                nodes.pop(node, None)
        else:
            name = Hash32(event.hash)  # type: ignore[attr-defined]
            if event.name == SUBMITTED:
                if name not in self._committed:
                    self._waiting.setdefault(name, {}).setdefault(node, observation.at_ns)
            elif event.code != ALREADY_KNOWN:  # type: ignore[attr-defined]
                self._waiting.get(name, {}).pop(node, None)
        return None

    def finish(self, world: CheckedWorld) -> Violation | None:
        """Object to the first transaction that a node still answers for without an excuse."""
        due = world.now - self._after
        self._drop_early(world.now)
        late = tuple(digest for _, digest in self._late)
        for name, nodes in self._waiting.items():
            for node, at in nodes.items():
                place = NodeId(node)
                if at > due or self._pools.may_wait(place, name):
                    continue
                if not self._pools.is_outbid(place, name, late):
                    detail = (
                        f"transaction {name.hex()}, which it took at {at / 1e9:g} s, is not "
                        f"committed; at most {self._after / 1e9:g} s expected, and the node has "
                        "been up ever since"
                    )
                    return Violation(self.name, world.now, place, detail)
        return None

    def _drop_early(self, now: int) -> None:
        """Forget the blocks that became final before the last `after` began."""
        while self._late and self._late[0][0] < now - self._after:
            self._late.popleft()

    def _settle(self, digest: Hash32, world: CheckedWorld) -> None:
        names = tuple(transaction_hash(raw) for raw in world.block(digest).block.transactions)
        for name in names:
            self._committed.add(name)
            self._waiting.pop(name, None)
        self._blocks.append(names)
        if len(self._blocks) > BLOCKS_REMEMBERED:
            # Whoever hands one of them in again is told that its nonce is used, or known.
            self._committed.difference_update(self._blocks.popleft())
