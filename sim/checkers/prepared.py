"""Prepared: in one view, no two nodes find different blocks prepared at one sequence.

What a quorum has prepared in a view is all that can be committed in it, and all that a later view
may have to propose again. So this is where a vote that is counted wrongly shows first, long
before two chains differ: it takes a second accident to make two blocks final.

Reference: Castro and Liskov (1999), section 4.2, the invariant of the prepared predicate.
"""

from typing import Protocol, cast

from primitives.ids import Hash32, Instant, NodeId
from sim.checkers.checker import CheckContext, CheckedWorld, Violation
from sim.checkers.events import Observed

PREPARED = "consensus.prepared"
"""A node knows that a quorum accepts a block in a view."""
PLACES_MAX = 4_096
"""Places of a view that are remembered, the oldest first to go."""


class Place(Protocol):
    """The fields of `consensus.prepared`."""

    @property
    def view(self) -> int:
        """The view."""
        ...

    @property
    def sequence(self) -> int:
        """The sequence."""
        ...

    @property
    def digest(self) -> bytes:
        """Digest of the block, 32 bytes."""
        ...


class PreparedOnce:
    """Compares what is prepared with what was first prepared in the same place."""

    name = "prepared"
    events = (PREPARED,)

    def __init__(self, context: CheckContext) -> None:
        self._first: dict[tuple[int, int], tuple[Hash32, int]] = {}

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        """Object to a second block in one view and sequence."""
        event = cast(Place, observation.event)
        place = (event.view, event.sequence)
        found = self._first.get(place)
        if found is None:
            self._first[place] = (Hash32(event.digest), observation.node)
            if len(self._first) > PLACES_MAX:
                del self._first[next(iter(self._first))]
            return None
        digest, node = found
        if digest == event.digest:
            return None
        detail = (
            f"prepared {event.digest.hex()} in view {event.view} at {event.sequence}, "
            f"where node {node} prepared {digest.hex()}"
        )
        return Violation(self.name, Instant(observation.at_ns), NodeId(observation.node), detail)

    def finish(self, world: CheckedWorld) -> Violation | None:
        """Agree with the end: everything was judged when it happened."""
        return None
