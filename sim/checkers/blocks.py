"""Checks of what a block holds, made once for each block and not once for each node.

A thousand nodes that commit one block all announce the same digest, and the digest fixes the
content. So the first announcement is judged and the others are recognised. Blocks are judged in
chain order; one that does not extend the judged chain is left alone, because whether it may be
there at all is the business of `agreement` and `prefix`.
"""

from typing import Protocol

from primitives.ids import Hash32, Instant, NodeId
from sim.checkers.checker import NETWORK, CheckContext, CheckedWorld, Violation
from sim.checkers.events import BLOCK_COMMITTED, Observed, is_commit
from sim.checkers.views import CheckedBlock


class BlockJudge(Protocol):
    """A rule about the content of the chain."""

    @property
    def name(self) -> str:
        """Name of the checker that the rule makes."""
        ...

    def judge(self, height: int, block: CheckedBlock) -> str | None:
        """Judge the next block of the chain, in order; return what is wrong, if anything."""
        ...

    def finish(self, head: CheckedBlock) -> str | None:
        """Judge the chain as a whole at the end of the run; `head` is its last block."""
        ...


class BlockChecker:
    """The checker that applies a rule to each block of the chain, once.

    Args:
        judge: the rule.
        context: the run.
    """

    events = (BLOCK_COMMITTED,)

    def __init__(self, judge: BlockJudge, context: CheckContext) -> None:
        self.name = judge.name
        self._judge = judge
        self._height = 0
        self._head = context.genesis_hash

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        """Judge the block if it is the next one."""
        event = observation.event
        if not is_commit(event) or event.height != self._height + 1 or event.parent != self._head:
            return None
        self._height, self._head = event.height, Hash32(event.digest)
        detail = self._judge.judge(event.height, world.block(self._head))
        if detail is None:
            return None
        detail = f"block {event.height} ({event.digest.hex()}): {detail}"
        return Violation(self.name, Instant(observation.at_ns), NodeId(observation.node), detail)

    def finish(self, world: CheckedWorld) -> Violation | None:
        """Let the rule judge the whole chain."""
        detail = self._judge.finish(world.block(self._head))
        return None if detail is None else Violation(self.name, world.now, NETWORK, detail)
