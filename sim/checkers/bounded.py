"""Bounded: no replica keeps more of what others send than its parameters allow.

Whatever a peer floods it with. Asked now and then and at the end, since tables grow slowly.
"""

from typing import Protocol

from primitives.ids import Instant, NodeId
from sim.checkers.checker import CheckContext, CheckedWorld, Violation
from sim.checkers.events import BLOCK_COMMITTED, Observed

EVERY = 64
"""Commits of the whole network between two looks."""


class TableView(Protocol):
    """What the checker asks of the replicas. `sim.tables.Tables` implements it."""

    def overfull(self, node: NodeId) -> tuple[str, int, int] | None:
        """Return (table, entries, bound) of a table that holds more than it may, or None."""
        ...


class Bounded:
    """Looks at the tables of all nodes.

    Args:
        context: the run.
        tables: shows what a node's replica holds.
    """

    name = "bounded"
    events = (BLOCK_COMMITTED,)

    def __init__(self, context: CheckContext, tables: TableView) -> None:
        self._nodes = context.nodes
        self._tables = tables
        self._commits = 0

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        """Object to a table that has outgrown its bound."""
        self._commits += 1
        return None if self._commits % EVERY else self._look(Instant(observation.at_ns))

    def finish(self, world: CheckedWorld) -> Violation | None:
        """Object to a table that is too large in the end."""
        return self._look(world.now)

    def _look(self, now: Instant) -> Violation | None:
        for node in range(self._nodes):
            found = self._tables.overfull(NodeId(node))
            if found is not None:
                table, held, bound = found
                detail = f"holds {held} entries in {table}, at most {bound} are allowed"
                return Violation(self.name, now, NodeId(node), detail)
        return None
