"""Accusations: no honest node can prove that another honest node has lied.

Neither by evidence, nor by a score that has fallen for what no accident explains: a score may fall
by accidents, which honest peers have.

A correct replica never signs two contradicting messages, whatever its crashes. So evidence against
one means that a vote was not durable when it left, or that what counts as evidence is none.

Reference: Haeberlen, Kouznetsov and Druschel (2007), PeerReview: accuracy.
"""

from typing import Protocol, cast

from node.peer_scores import proves
from primitives.ids import Instant, NodeId
from sim.checkers.checker import CheckContext, CheckedWorld, Violation
from sim.checkers.events import Observed

EVIDENCE = "consensus.evidence"
"""A replica can prove that another has lied."""


SCORED = "peer.scored"
"""A peer's score has fallen."""


class Fall(Protocol):
    """The fields of `peer.scored`."""

    @property
    def peer(self) -> int:
        """Whose score it is."""
        ...

    @property
    def reason(self) -> str:
        """What for."""
        ...


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
    events = (EVIDENCE, SCORED)

    def __init__(self, context: CheckContext) -> None:
        pass

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        """Object to evidence against an honest node, and to a score that says so."""
        if observation.event.name == SCORED:
            return self._judge_fall(observation, cast(Fall, observation.event), world)
        charge = cast(Charge, observation.event)
        if not world.is_honest(NodeId(charge.replica)):
            return None
        detail = (
            f"has evidence against node {charge.replica}, which is honest: "
            f"{charge.kind} in view {charge.view} at {charge.sequence}"
        )
        return Violation(self.name, Instant(observation.at_ns), NodeId(observation.node), detail)

    def _judge_fall(
        self, observation: Observed, fall: Fall, world: CheckedWorld
    ) -> Violation | None:
        if not proves(fall.reason) or not world.is_honest(NodeId(fall.peer)):
            return None
        detail = f"scores node {fall.peer}, which is honest, for a proof: {fall.reason}"
        return Violation(self.name, Instant(observation.at_ns), NodeId(observation.node), detail)

    def finish(self, world: CheckedWorld) -> Violation | None:
        """Agree with the end: every accusation was judged when it came."""
        return None
