"""Why a certificate file proves nothing."""

from enum import Enum

from primitives.errors import CryptoError


class Reason(Enum):
    """Why a file proves nothing. The values are what `--json` and the light client say."""

    MODELLED = "modelled_signatures"
    """They stand for signatures in a simulation; anybody can make them."""
    CHAIN = "other_chain"
    """Not the chain that is trusted, or a header of block 0 with another hash."""
    SHARD = "other_shard"
    EPOCH = "other_epoch"
    COMMITTEE = "other_committee"
    """Not the validators that are trusted, or not those that the genesis header commits to."""
    DIGEST = "other_block"
    """The certificate is for another hash than that of the header shown."""
    SEQUENCE = "other_sequence"
    """The certificate is for another height than that of the header shown."""
    VIEW = "other_view"
    TOO_FEW = "too_few_signatures"
    REPEATED = "repeated_signer"
    UNSORTED = "unsorted_signers"
    UNKNOWN = "unknown_signer"
    PREPARE = "prepare_not_commit"
    """A prepared block may still lose to another one."""
    SIGNER = "other_signer"
    """A validator's signature under the name of another."""
    SIGNATURE = "bad_signature"
    FORM = "other_form"
    """Not the form of certificates that the chain has."""
    HANDOVER = "broken_handover"
    """A block that is said to close an epoch, and does not commit to the next committee."""
    POSSESSION = "unproven_key"
    """A validator's aggregate key without a proof that somebody holds its secret."""


class NotFinal(CryptoError):
    """A certificate file that does not prove its block final.

    Args:
        reason: which rule it breaks.
        where: the field that shows it.
        expected: what would stand there in a proof.
        actual: what stands there.
    """

    def __init__(self, reason: Reason, where: str, expected: str, actual: object) -> None:
        self.reason = reason
        super().__init__(where, expected, actual)
