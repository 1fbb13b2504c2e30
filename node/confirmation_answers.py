"""What a client is told about its transaction, and how a stranger checks it.

* **Confirmed**: Q validators have signed the same (view, sequence, block), and the transaction's
  result in the block is proven. No view change takes it back (`consensus.confirmation`).
* **Final**: the block's commit certificate. A phase later, and for those who were not there.
* **Rejected**: f+1 validators have signed the same reason not to take it; one of them is correct.
  It is no promise for ever: others may have taken it, and pools change their mind.
* **Pending**: the client's patience is over; what there is so far. A later answer may follow.
"""

import msgspec

from consensus.certificate import Certificate
from consensus.messages import Refusal, TentativeVote
from consensus.signing import CommitteeVerifier, MessageVerifier
from node.confirmation_messages import BlockResults
from node.confirmation_proofs import ProvenResult, check_results
from primitives.committee import Committee
from primitives.errors import CryptoError
from primitives.ids import Hash32
from primitives.keys import Ed25519Verifier


class InvalidConfirmation(CryptoError):
    """A confirmation that does not prove what it says."""


class Confirmed(msgspec.Struct, frozen=True, gc=False):
    """The result of a transaction, one phase before it is final."""

    epoch: int
    """Whose committee has signed."""
    votes: tuple[TentativeVote, ...]
    """At least Q, of distinct replicas in ascending order, all for one (view, sequence, block)."""
    results: BlockResults
    """Header and proofs; they may be those of other transactions of the block too."""
    result: ProvenResult
    """The one that is meant."""


class Final(msgspec.Struct, frozen=True, gc=False):
    """The result of a transaction in a committed block."""

    certificate: Certificate
    results: BlockResults
    result: ProvenResult


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """Validators do not take a transaction."""

    transaction: Hash32
    code: str
    """The error's code."""
    refusals: tuple[Refusal, ...]
    """f+1 of distinct replicas; none if the gateway itself has no room."""


class Pending(msgspec.Struct, frozen=True, gc=False):
    """No answer yet."""

    transaction: Hash32
    votes: tuple[TentativeVote, ...]
    """The largest set for one block that is proven to hold it; fewer than Q."""
    result: ProvenResult | None
    """Its result there."""
    refusals: tuple[Refusal, ...]
    """The largest set for one reason; fewer than f+1."""


Answer = Confirmed | Final | Rejected | Pending


def verify_confirmed(
    answer: Confirmed,
    committee: Committee,
    genesis_hash: Hash32,
    verifier: MessageVerifier | None = None,
) -> None:
    """Check a confirmation from the committee and the genesis hash alone.

    Args:
        answer: what is shown.
        committee: the validators of its epoch.
        genesis_hash: the chain.
        verifier: how single signatures are checked; each is verified when None.

    Raises:
        InvalidConfirmation: it does not confirm that result.
        InvalidEncoding: its header is none.
        InvalidProof: its results are not proven.
    """
    if verifier is None:
        plain = Ed25519Verifier()
        verifier = CommitteeVerifier(committee, genesis_hash, plain, epoch=answer.epoch)
    votes = answer.votes
    if len(votes) < committee.quorum:
        raise InvalidConfirmation("confirmation.votes", f"{committee.quorum} votes", len(votes))
    first, previous = votes[0], -1
    for vote in votes:
        if not previous < vote.replica < committee.size:
            raise InvalidConfirmation("confirmation.votes", "distinct replicas", vote.replica)
        previous = vote.replica
        if (vote.view, vote.sequence, vote.digest) != (first.view, first.sequence, first.digest):
            raise InvalidConfirmation("confirmation.votes", "votes for one block", vote.replica)
        if not verifier.verify_message(vote):
            raise InvalidConfirmation("confirmation.votes", "valid ones", f"one of {vote.replica}")
    proven = check_results(answer.results)
    if (proven.digest, proven.number) != (first.digest, first.sequence):
        raise InvalidConfirmation("confirmation.results", "the signed block's", proven.number)
    if answer.result not in proven.results:
        raise InvalidConfirmation("confirmation.result", "one that is proven", answer.result.index)
