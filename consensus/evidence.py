"""Proof that a replica has misbehaved, which anybody can check who knows the committee.

Two kinds of proof are possible, because a correct replica never signs them, whatever its crashes
(`consensus.log`):

* **Equivocation**: two PRE-PREPAREs, PREPAREs, COMMITs or tentative confirmations of one replica
  for the same view and sequence, with different contents.
* **An invalid proposal**: a signed PRE-PREPARE whose block breaks a rule of the chain. That the
  primary has signed it, the committee shows; that the block is invalid, only who can execute it.

The signature of a PRE-PREPARE covers the block's digest and not its payload, which stands in an
`InvalidProposal` only. A payload that does not belong to its digest therefore proves nothing:
anybody could have put it there.

Reference: Haeberlen, Kouznetsov, Druschel, PeerReview, SOSP 2007, on what evidence must not do:
accuse a correct node.
"""

from collections.abc import Callable

import msgspec

from consensus.messages import Commit, Prepare, PrePrepare, TentativeVote
from consensus.signing import CommitteeVerifier, MessageVerifier
from primitives.committee import Committee
from primitives.errors import CryptoError
from primitives.ids import Hash32, Sequence, View
from primitives.keys import Ed25519Verifier

Vote = PrePrepare | Prepare | Commit | TentativeVote


class Equivocation(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=True):
    """Two messages of one replica that contradict each other. Proposals are without payload."""

    first: Vote
    second: Vote


class InvalidProposal(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=True):
    """A proposal that breaks a rule of the chain, with its payload."""

    proposal: PrePrepare


Evidence = Equivocation | InvalidProposal


class InvalidEvidence(CryptoError):
    """Evidence that does not prove what it says."""


def kind_of(evidence: Evidence) -> str:
    """Return "pre_prepare", "prepare", "commit" or "tentative" for two such, else "proposal"."""
    if isinstance(evidence, InvalidProposal):
        return "proposal"
    if isinstance(evidence.second, PrePrepare):
        return "pre_prepare"
    if isinstance(evidence.second, TentativeVote):
        return "tentative"
    return "prepare" if isinstance(evidence.second, Prepare) else "commit"


def place_of(evidence: Evidence) -> tuple[View, Sequence]:
    """Return the view and the sequence that it is about."""
    shown = evidence.proposal if isinstance(evidence, InvalidProposal) else evidence.second
    return shown.view, shown.sequence


def culprit_of(evidence: Evidence, committee: Committee) -> int:
    """Return the replica that is accused."""
    shown = evidence.proposal if isinstance(evidence, InvalidProposal) else evidence.second
    return committee.primary(shown.view) if isinstance(shown, PrePrepare) else shown.replica


def bare(message: Vote) -> Vote:
    """Return a message without what its signature does not cover."""
    return bare_proposal(message) if isinstance(message, PrePrepare) else message


def bare_proposal(message: PrePrepare) -> PrePrepare:
    """Return a proposal without its payload."""
    fields = (message.view, message.sequence, message.digest, message.parent)
    return PrePrepare(*fields, b"", message.signature)


def contradict(first: Vote, second: Vote) -> bool:
    """Tell whether no correct replica signs both (the signatures apart)."""
    if type(first) is not type(second) or _signer(first) != _signer(second):
        return False
    if (first.view, first.sequence) != (second.view, second.sequence):
        return False
    return _content(first) != _content(second)


def _signer(message: Vote) -> int:
    return -1 if isinstance(message, PrePrepare) else message.replica


def _content(message: Vote) -> tuple[Hash32, Hash32 | None]:
    if isinstance(message, Commit | TentativeVote):
        return message.digest, None
    return message.digest, message.parent


def verify_evidence(
    evidence: Evidence,
    committee: Committee,
    genesis_hash: Hash32,
    verifier: MessageVerifier | None = None,
    is_invalid: Callable[[PrePrepare], bool] | None = None,
) -> int:
    """Check a proof of misbehaviour.

    Args:
        evidence: what is shown.
        committee: the validators of its epoch.
        genesis_hash: the chain.
        verifier: how messages of that epoch are checked; as those of epoch 0 of a chain with
            Ed25519 certificates when None.
        is_invalid: tells whether a proposal's payload is the block of its digest and breaks a
            rule. Who cannot execute blocks has none, and believes no `InvalidProposal`.

    Returns:
        The replica that is guilty.

    Raises:
        InvalidEvidence: it proves nothing.
    """
    if verifier is None:
        verifier = CommitteeVerifier(committee, genesis_hash, Ed25519Verifier())
    culprit = culprit_of(evidence, committee)
    if isinstance(evidence, InvalidProposal):
        _require_signed(evidence.proposal, verifier)
        if is_invalid is None or not is_invalid(evidence.proposal):
            raise InvalidEvidence("evidence.proposal", "an invalid block", "none that is shown")
        return culprit
    if not contradict(evidence.first, evidence.second):
        raise InvalidEvidence("evidence", "two messages that contradict each other", "no two")
    _require_signed(evidence.first, verifier)
    _require_signed(evidence.second, verifier)
    return culprit


def _require_signed(message: Vote, verifier: MessageVerifier) -> None:
    if not verifier.verify_message(message):
        raise InvalidEvidence("evidence", "signed messages of the committee", "a bad signature")
