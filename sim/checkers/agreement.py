"""Agreement: no two nodes commit different blocks at one height."""

from primitives.ids import Hash32, Instant, NodeId
from sim.checkers.checker import CheckContext, CheckedWorld, Violation
from sim.checkers.events import BLOCK_COMMITTED, STATE_ADOPTED, Observed, is_head


class Agreement:
    """Compares every commit with the first one of its height.

    Reference: Castro and Liskov (1999), section 3, safety.
    """

    name = "agreement"
    events = (BLOCK_COMMITTED, STATE_ADOPTED)

    def __init__(self, context: CheckContext) -> None:
        self._first: dict[int, tuple[Hash32, int]] = {0: (context.genesis_hash, 0)}

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        """Object to a digest that differs from the one first committed at its height."""
        event = observation.event
        if not is_head(event):
            return None
        digest, node = self._first.setdefault(
            event.height, (Hash32(event.digest), observation.node)
        )
        if digest == event.digest:
            return None
        detail = (
            f"committed {event.digest.hex()} at height {event.height}, "
            f"where node {node} committed {digest.hex()}"
        )
        return Violation(self.name, Instant(observation.at_ns), NodeId(observation.node), detail)

    def finish(self, world: CheckedWorld) -> Violation | None:
        """Agree with the end: every commit was judged when it happened."""
        return None
