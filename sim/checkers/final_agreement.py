"""Final agreement: when the run ends, the nodes that are up stand at the same head, or nearly.

A liar may stand where it likes.
"""

from primitives.ids import NodeId
from sim.checkers.checker import CheckContext, CheckedWorld, Violation
from sim.checkers.events import BLOCK_COMMITTED, STATE_ADOPTED, Observed, is_head


class FinalAgreement:
    """Compares the last heights of live, honest nodes. That their blocks agree, `Agreement` sees.

    Args:
        context: the run.
        within_blocks: how many blocks a live node may be behind the highest one.
    """

    name = "final-agreement"
    events = (BLOCK_COMMITTED, STATE_ADOPTED)

    def __init__(self, context: CheckContext, within_blocks: int = 0) -> None:
        self._within = within_blocks
        self._heights = [0] * context.nodes

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        """Remember the node's height."""
        event = observation.event
        if is_head(event):
            self._heights[observation.node] = event.height
        return None

    def finish(self, world: CheckedWorld) -> Violation | None:
        """Object to the live node that is furthest behind, if it is too far."""
        nodes = [NodeId(n) for n in range(len(self._heights))]
        live = [n for n in nodes if world.is_live(n) and world.is_honest(n)]
        if not live:
            return None
        last = min(live, key=self._heights.__getitem__)
        first = max(live, key=self._heights.__getitem__)
        behind = self._heights[first] - self._heights[last]
        if behind <= self._within:
            return None
        detail = (
            f"ends at height {self._heights[last]}, {behind} behind node {first}; "
            f"at most {self._within} expected"
        )
        return Violation(self.name, world.now, last, detail)
