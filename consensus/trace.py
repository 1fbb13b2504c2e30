"""Protocol events of consensus, as they stand in a run's trace."""

from typing import ClassVar

from primitives.ids import Hash32, NodeId, Sequence, View
from primitives.machine import TraceEvent


class PrePrepared(TraceEvent, frozen=True, gc=False):
    """A replica has executed a proposal and accepted it, or proposed it itself."""

    name: ClassVar[str] = "consensus.pre_prepared"
    view: View
    sequence: Sequence
    digest: Hash32
    epoch: int = 0


class Prepared(TraceEvent, frozen=True, gc=False):
    """An accepted proposal has Q-1 matching PREPAREs of backups."""

    name: ClassVar[str] = "consensus.prepared"
    view: View
    sequence: Sequence
    digest: Hash32
    epoch: int = 0


class Committed(TraceEvent, frozen=True, gc=False):
    """A block is final at this replica, and so is everything below it."""

    name: ClassVar[str] = "consensus.committed"
    view: View
    """The view of the certificate; never above the replica's own by more than it has yet seen."""
    sequence: Sequence
    digest: Hash32
    epoch: int = 0


class EvidenceFound(TraceEvent, frozen=True, gc=False):
    """A replica can prove that another has lied."""

    name: ClassVar[str] = "consensus.evidence"
    replica: NodeId
    """Who has."""
    kind: str
    """Two of them: "pre_prepare", "prepare", "commit"; or an invalid "proposal"."""
    view: View
    sequence: Sequence
    epoch: int = 0


class ViewChangeStarted(TraceEvent, frozen=True, gc=False):
    """A replica has stopped voting and asks for `view`."""

    name: ClassVar[str] = "consensus.view_change_started"
    view: View
    epoch: int = 0


class ViewEntered(TraceEvent, frozen=True, gc=False):
    """A replica works in `view` from now on."""

    name: ClassVar[str] = "consensus.view_entered"
    view: View
    primary: NodeId
    epoch: int = 0


class EpochBegun(TraceEvent, frozen=True, gc=False):
    """A node has made a closing block final: another committee decides what stands on it."""

    name: ClassVar[str] = "consensus.epoch_begun"
    epoch: int
    size: int
    """Validators in the new committee."""
    height: int
    """Of the closing block."""
