"""Which blocks a new view begins with: the judge, without any state.

Given Q VIEW-CHANGEs for a view, the choice is a function of them, so that every replica can
compute it again instead of trusting the new primary:

* the **base** is the highest sequence that one of them proves to be final;
* from base + 1 upward, the claim of the highest view wins at each sequence;
* a winner whose parent is not the block chosen below ends the list: it and everything above it
  were prepared on a block that has been replaced since, so they cannot be committed;
* where nobody claims anything, the list ends. There is no gap to fill with a null block, because
  P sets are prefix-closed.

Why a committed block survives: its Q COMMITs and the Q VIEW-CHANGEs share a correct replica,
which has everything between its base and that block prepared, in the view of the commit or a
later one. By induction over views, every higher certificate at those sequences is for the same
blocks.

Where we deviate from the paper: it puts every certificate of every VIEW-CHANGE into the
NEW-VIEW, O(n^2) signatures for each sequence. Here the votes are signed without their proofs,
and a NEW-VIEW shows only the certificates that decide. A claim that nobody can prove is then
only harmful if it wins, and if it wins, its certificate must be there.

Reference: Castro & Liskov 1999, section 4.4; DESIGN section 2, rules for linked blocks.
"""

from collections.abc import Mapping, Sequence as Seq

import msgspec

from consensus.certificate import Certificate, PreparedCertificate
from consensus.messages import NewView, ViewChange, ViewChangeVote
from consensus.origin import Origin
from primitives.errors import InvalidInput
from primitives.ids import Hash32, Sequence, View


class InvalidViewChange(InvalidInput):
    """A VIEW-CHANGE or NEW-VIEW that breaks a rule. Its sender is at fault."""


class Opening(msgspec.Struct, frozen=True, gc=False):
    """With what a view begins."""

    base_sequence: Sequence
    base_digest: Hash32
    chain: tuple[PreparedCertificate, ...]
    """What is proposed again at base_sequence + 1 and upward, linked."""


def highest_claim(votes: Seq[ViewChangeVote], sequence: Sequence) -> View | None:
    """Return the highest view in which somebody claims to have prepared `sequence`."""
    highest: View | None = None
    for vote in votes:
        place = sequence - vote.base_sequence - 1
        if 0 <= place < len(vote.prepared):
            view = vote.prepared[place].view
            highest = view if highest is None else max(highest, view)
    return highest


def choose_proofs(
    votes: Seq[ViewChangeVote],
    base_sequence: Sequence,
    base_digest: Hash32,
    known: Mapping[tuple[View, Sequence], PreparedCertificate],
) -> tuple[PreparedCertificate, ...]:
    """Return what a NEW-VIEW has to show for `votes`, from certificates that are known."""
    proofs: list[PreparedCertificate] = []
    below, sequence = base_digest, Sequence(base_sequence + 1)
    while (view := highest_claim(votes, sequence)) is not None:
        certificate = known[view, sequence]
        proofs.append(certificate)
        if certificate.parent != below:
            break
        below, sequence = certificate.digest, Sequence(sequence + 1)
    return tuple(proofs)


def check_vote(vote: ViewChangeVote, origin: Origin) -> None:
    """Check what a vote says about itself.

    Raises:
        InvalidViewChange: a claim of a view that the vote itself ends, or a base that is not of
            the epoch.
    """
    for claim in vote.prepared:
        if claim.view >= vote.view:
            raise InvalidViewChange("view_change.prepared", f"a view below {vote.view}", claim.view)
    if vote.base_sequence < origin.sequence:
        expected = f"at least the epoch's origin {origin.sequence}"
        raise InvalidViewChange("view_change.base", expected, vote.base_sequence)
    if vote.base_sequence == origin.sequence and vote.base_digest != origin.digest:
        raise InvalidViewChange("view_change.base", "the epoch's origin", vote.base_digest.hex())


def check_trail(vote: ViewChangeVote, trail: tuple[Certificate, ...], origin: Origin) -> None:
    """Check that a trail is consecutive and ends with the vote's base (signatures apart).

    The origin has none: its certificate is of the epoch before, and everybody here has it.

    Raises:
        InvalidViewChange: it does not.
    """
    if vote.base_sequence == origin.sequence:
        if trail:
            raise InvalidViewChange("trail", "nothing at the origin", f"{len(trail)} certificates")
        return
    if not trail:
        raise InvalidViewChange("trail", f"a certificate of {vote.base_sequence}", "none")
    last = trail[-1]
    if (last.sequence, last.digest) != (vote.base_sequence, vote.base_digest):
        raise InvalidViewChange("trail", f"the base {vote.base_sequence} last", last.sequence)
    for place, certificate in enumerate(trail):
        expected = last.sequence - len(trail) + 1 + place
        if certificate.sequence != expected:
            raise InvalidViewChange("trail", f"sequence {expected}", certificate.sequence)


def check_proofs(message: ViewChange) -> None:
    """Check that a VIEW-CHANGE's certificates are those of its claims, and linked.

    A P set that is not linked could hide what was prepared under it.

    Raises:
        InvalidViewChange: one is missing, of something else, or not linked to the one below.
    """
    vote = message.vote
    if len(message.proofs) != len(vote.prepared):
        raise InvalidViewChange(
            "view_change.proofs", f"{len(vote.prepared)} certificates", len(message.proofs)
        )
    below = vote.base_digest
    for place, (claim, proof) in enumerate(zip(vote.prepared, message.proofs, strict=True)):
        sequence = vote.base_sequence + 1 + place
        if (proof.view, proof.sequence, proof.digest) != (claim.view, sequence, claim.digest):
            raise InvalidViewChange("view_change.proofs", f"that of {sequence}", proof.sequence)
        if proof.parent != below:
            raise InvalidViewChange(
                "view_change.proofs", f"a block on {below.hex()}", proof.parent.hex()
            )
        below = proof.digest


def open_view(message: NewView, size: int, quorum: int, origin: Origin) -> Opening:
    """Compute with what a view begins, and check that its NEW-VIEW shows exactly that.

    Signatures are checked elsewhere.

    Raises:
        InvalidViewChange: too few votes, one twice, of another view, or another choice.
    """
    votes = message.votes
    if len(votes) < quorum:
        raise InvalidViewChange("new_view.votes", f"{quorum} votes", len(votes))
    previous = -1
    for vote in votes:
        if vote.view != message.view:
            raise InvalidViewChange("new_view.votes", f"view {message.view}", vote.view)
        if not previous < vote.replica < size:
            raise InvalidViewChange("new_view.votes", "distinct replicas", vote.replica)
        check_vote(vote, origin)
        previous = vote.replica
    base_sequence = max(vote.base_sequence for vote in votes)
    base_digest = message.trail[-1].digest if message.trail else origin.digest
    claimed = [vote for vote in votes if vote.base_sequence == base_sequence]
    base = next((vote for vote in claimed if vote.base_digest == base_digest), claimed[0])
    check_trail(base, message.trail, origin)
    return Opening(base_sequence, base_digest, _check_choice(message, base_sequence, base_digest))


def _check_choice(
    message: NewView, base_sequence: Sequence, base_digest: Hash32
) -> tuple[PreparedCertificate, ...]:
    proofs = message.proofs
    chain: list[PreparedCertificate] = []
    below, sequence = base_digest, Sequence(base_sequence + 1)
    while (view := highest_claim(message.votes, sequence)) is not None:
        shown = proofs[len(chain)] if len(chain) < len(proofs) else None
        if shown is None or (shown.view, shown.sequence) != (view, sequence):
            raise InvalidViewChange("new_view.proofs", f"view {view} at {sequence}", shown)
        if shown.parent != below:
            break
        chain.append(shown)
        below, sequence = shown.digest, Sequence(sequence + 1)
    ended = 0 if view is None else 1
    if len(proofs) != len(chain) + ended:
        raise InvalidViewChange("new_view.proofs", f"{len(chain) + ended} proofs", len(proofs))
    return tuple(chain)
