"""Accusations: no honest node can prove that another honest node has lied.

A correct replica never signs two contradicting messages, whatever its crashes. So evidence against
one means that a vote was not durable when it left, or that what counts as evidence is none.

Reference: Haeberlen, Kouznetsov and Druschel (2007), PeerReview: accuracy.
"""

from typing import Protocol, cast

from primitives.ids import Instant, NodeId
from sim.checkers.checker import CheckContext, CheckedWorld, Violation
from sim.checkers.events import Observed

EVIDENCE = "consensus.evidence"
"""A replica can prove that another has lied."""


class Charge(Protocol):
    """The fields of `consensus.evidence`."""

    @property
    def replica(self) -> int:
        """Who has lied."""
        ...

    @property
    def kind(self) -> str:
        """What about."""
        ...

    @property
    def view(self) -> int:
        """In which view."""
        ...

    @property
    def sequence(self) -> int:
        """At which sequence."""
        ...


class Accusations:
    """Looks at who is accused."""

    name = "accusations"
    events = (EVIDENCE,)

    def __init__(self, context: CheckContext) -> None:
        pass

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        """Object to evidence against an honest node."""
        charge = cast(Charge, observation.event)
        if not world.is_honest(NodeId(charge.replica)):
            return None
        detail = (
            f"has evidence against node {charge.replica}, which is honest: "
            f"{charge.kind} in view {charge.view} at {charge.sequence}"
        )
        return Violation(self.name, Instant(observation.at_ns), NodeId(observation.node), detail)

    def finish(self, world: CheckedWorld) -> Violation | None:
        """Agree with the end: every accusation was judged when it came."""
        return None
