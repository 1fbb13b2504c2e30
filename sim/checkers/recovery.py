"""Recovery: once nothing disturbs the network any more, the chain grows again within a given time.

`LivenessAfterHeal` looks at partitions alone. This one asks once, for the whole timeline: whatever
was crashed, cut, slowed or delayed, it was liveness alone that it could cost, and only so long.
"""

from primitives.ids import Duration, Instant
from sim.checkers.checker import NETWORK, CheckedWorld, Violation
from sim.checkers.events import BLOCK_COMMITTED, Observed, is_commit


class Recovery:
    """Waits for a new height after the last disturbance.

    Args:
        calm_from: instant from which nothing is disturbed any more.
        within: how long a block of a height that no node had before may then take, in ns.
    """

    name = "recovery"
    events = (BLOCK_COMMITTED,)

    def __init__(self, calm_from: Instant, within: Duration) -> None:
        self._calm_from = calm_from
        self._due = Instant(calm_from + within)
        self._height = 0
        self._recovered = False

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        """Object as soon as an event shows that the time has passed without a new block."""
        event = observation.event
        if self._recovered or not is_commit(event) or event.height <= self._height:
            return None
        overdue = self._overdue(Instant(observation.at_ns))
        self._height = event.height
        self._recovered = observation.at_ns > self._calm_from
        return overdue

    def finish(self, world: CheckedWorld) -> Violation | None:
        """Object to a network that never came back."""
        return None if self._recovered else self._overdue(world.now)

    def _overdue(self, now: Instant) -> Violation | None:
        if now <= self._due:
            return None
        detail = (
            f"no new block within {(self._due - self._calm_from) / 1e9:g} s after the last "
            f"disturbance ended at {self._calm_from / 1e9:g} s; height stays {self._height}"
        )
        return Violation(self.name, self._due, NETWORK, detail)
