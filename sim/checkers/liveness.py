"""Liveness after heal: once a partition has gone, the chain grows again within a given time.

Only a height that no node had before counts as growth: a node that catches up with what others
had committed all along shows nothing about the committee.
"""

from primitives.ids import Duration, Instant, NodeId
from sim.checkers.checker import NETWORK, CheckedWorld, Violation
from sim.checkers.events import (
    BLOCK_COMMITTED,
    NETWORK_HEALED,
    NETWORK_PARTITIONED,
    Observed,
    is_commit,
)


class LivenessAfterHeal:
    """Waits for a new height after each heal.

    A partition that comes before the time is up lifts the duty until its own heal.

    Args:
        within: how long a new block may take, in ns.
    """

    name = "liveness-after-heal"
    events = (BLOCK_COMMITTED, NETWORK_HEALED, NETWORK_PARTITIONED)

    def __init__(self, within: Duration) -> None:
        self._within = within
        self._height = 0
        self._healed_at: Instant | None = None

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        """Object as soon as an event shows that the time has passed without a new block."""
        at = Instant(observation.at_ns)
        overdue = self._overdue(at)
        if overdue is not None:
            return overdue
        event = observation.event
        if event.name == NETWORK_HEALED:
            self._healed_at = at
        elif event.name == NETWORK_PARTITIONED:
            self._healed_at = None
        elif is_commit(event) and event.height > self._height:
            self._height = event.height
            self._healed_at = None
        return None

    def finish(self, world: CheckedWorld) -> Violation | None:
        """Object to a heal whose time was up before the run ended."""
        return self._overdue(world.now)

    def _overdue(self, now: Instant) -> Violation | None:
        if self._healed_at is None or now <= self._healed_at + self._within:
            return None
        detail = (
            f"no new block within {self._within / 1e9:g} s after the heal at "
            f"{self._healed_at / 1e9:g} s; height stays {self._height}"
        )
        return Violation(
            self.name, Instant(self._healed_at + self._within), NodeId(NETWORK), detail
        )
