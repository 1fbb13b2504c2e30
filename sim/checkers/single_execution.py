"""No double execution: a transaction is committed once on the chain, and a block once by a node."""

from collections import deque

from primitives.ids import Hash32, Instant, NodeId
from primitives.transaction import transaction_hash
from sim.checkers.blocks import BlockChecker
from sim.checkers.checker import CheckContext, CheckedWorld, Violation
from sim.checkers.events import (
    BLOCK_COMMITTED,
    NODE_RESTARTED,
    STATE_ADOPTED,
    Observed,
    is_adoption,
    is_commit,
)
from sim.checkers.views import CheckedBlock

TRANSACTIONS_REMEMBERED = 16_384
"""Of older ones `nonces` sees that they come twice: a sender's nonce does not come back."""


class CommittedOnce:
    """The rule for the chain: remembers where each of the last transactions stands."""

    name = "single-execution"

    def __init__(self) -> None:
        self._heights: dict[Hash32, int] = {}
        self._order: deque[Hash32] = deque()

    def judge(self, height: int, block: CheckedBlock) -> str | None:
        """Object to a transaction that this block or an earlier one holds already."""
        for index, raw in enumerate(block.block.transactions):
            digest = transaction_hash(raw)
            earlier = self._heights.get(digest)
            if earlier is not None:
                return f"transaction {index} (0x{digest.hex()}) is in block {earlier} already"
            self._heights[digest] = height
            self._order.append(digest)
        while len(self._order) > TRANSACTIONS_REMEMBERED:
            del self._heights[self._order.popleft()]
        return None

    def finish(self, head: CheckedBlock) -> str | None:
        """Agree with the end: every block was judged in its turn."""
        return None


class SingleExecution:
    """The checker: the rule for the chain, and for each node that it executes a block once.

    A restart clears what is known of a node: its state comes from its disk then, and blocks that
    the disk had not kept are rightly executed again.
    """

    name = CommittedOnce.name
    events = (BLOCK_COMMITTED, STATE_ADOPTED, NODE_RESTARTED)

    def __init__(self, context: CheckContext) -> None:
        self._chain = BlockChecker(CommittedOnce(), context)
        self._heights: dict[int, int] = {}

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        """Object to a height that the node has executed before."""
        event = observation.event
        if event.name == NODE_RESTARTED:
            self._heights.pop(observation.node, None)
        if is_adoption(event):
            # What lies below is in the state, and executed no more.
            self._heights[observation.node] = event.height
        if not is_commit(event):
            return None
        highest = self._heights.get(observation.node, 0)
        if event.height <= highest:
            detail = f"executed block {event.height} again after block {highest}"
            at = Instant(observation.at_ns)
            return Violation(self.name, at, NodeId(observation.node), detail)
        self._heights[observation.node] = event.height
        return self._chain.observe(observation, world)

    def finish(self, world: CheckedWorld) -> Violation | None:
        """Agree with the end: every commit was judged when it happened."""
        return self._chain.finish(world)
