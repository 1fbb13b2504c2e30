"""What a committee may not say, whoever hears it: rules of votes and promises, judged at once."""

from dataclasses import dataclass, field

from consensus.confirmation import Tentative
from consensus.messages import Commit, Prepare, PrePrepare
from consensus.state import ReplicaState
from primitives.ids import Hash32, Sequence
from tests.unit.consensus.toy_node import SafetyViolation

Place = tuple[int, int, Hash32]
"""(view, sequence, block)."""


@dataclass
class Watch:
    """Follows all votes of correct replicas, in all their lives."""

    votes: dict[tuple[int, str, int, int], Hash32] = field(default_factory=dict)
    commits: dict[Place, dict[int, None]] = field(default_factory=dict)
    """Who has signed a COMMIT."""
    chosen: dict[int, tuple[int, Hash32]] = field(default_factory=dict)
    """What a quorum has signed COMMITs for, by sequence; delivered or not."""
    told: dict[Place, dict[int, None]] = field(default_factory=dict)
    """Who has signed a block for clients."""
    promised: dict[int, Hash32] = field(default_factory=dict)
    """What a client was entitled to believe, by sequence."""

    def vote(self, index: int, vote: PrePrepare | Prepare | Commit, quorum: int) -> None:
        """Check that a replica does not contradict itself, nor what a quorum has committed."""
        kind = type(vote).__name__
        key = (index, kind, vote.view, vote.sequence)
        if self.votes.setdefault(key, vote.digest) != vote.digest:
            raise SafetyViolation(f"{index} contradicts itself: {kind} {key[2:]}")
        chosen = self.chosen.get(vote.sequence)
        if chosen is not None and vote.view >= chosen[0] and vote.digest != chosen[1]:
            what = f"{vote.sequence} in view {vote.view}, a quorum in view {chosen[0]}"
            raise SafetyViolation(f"{index} votes for another block at {what}")
        if isinstance(vote, Commit) and chosen is None:
            voters = self.commits.setdefault((vote.view, vote.sequence, vote.digest), {})
            voters[index] = None
            if len(voters) >= quorum:
                self.chosen[vote.sequence] = (vote.view, vote.digest)

    def promise(self, index: int, told: Tentative, quorum: int, decided: Hash32 | None) -> None:
        """Count what a client hears; Q equal signatures are a promise for all views to come."""
        signers = self.told.setdefault((told.view, told.sequence, told.digest), {})
        signers[index] = None
        if len(signers) < quorum:
            return
        if decided not in {None, told.digest}:
            raise SafetyViolation(f"a promise contradicts the block at {told.sequence}")
        if self.promised.setdefault(told.sequence, told.digest) != told.digest:
            raise SafetyViolation(f"clients were promised two blocks at {told.sequence}")

    def opening(self, index: int, state: ReplicaState) -> None:
        """Check that what a view begins with is linked."""
        for sequence in sorted(state.slots):
            below, parent = state.digest_at(Sequence(sequence - 1)), state.slots[sequence].parent
            if parent is not None and below is not None and parent != below:
                raise SafetyViolation(f"{index} begins {state.view} unlinked at {sequence}")
