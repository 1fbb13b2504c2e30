"""Which aggregate keys a committee may have: those whose secret somebody has shown to hold.

Without this a validator could name the key that makes the sum of all keys his own, and sign for
everybody (`primitives.bls`). It is checked when a chain begins and for each committee change, so
that whoever verifies a certificate of a committee that the chain has accepted need not ask again.
That no two members have the same key is a rule of `Committee`.
"""

from primitives.bls import BlsVerifier, parse_public_key
from primitives.committee import Committee
from primitives.errors import CryptoError


class UnprovenKey(CryptoError):
    """An aggregate key that is none, or without a valid proof of possession."""


def check_possession(public_key: bytes, possession: bytes, where: str) -> None:
    """Check that somebody holds the secret of an aggregate key.

    Args:
        public_key: of G1, compressed.
        possession: what is shown for it.
        where: the field it stands in, for the message.

    Raises:
        UnprovenKey: the key is malformed or the identity, or the proof is not the key's.
    """
    try:
        parse_public_key(public_key)
    except CryptoError as error:
        raise UnprovenKey(f"{where}.aggregate_key", error.expected, error.actual) from error
    if not BlsVerifier().verify_possession(public_key, possession):
        actual = f"{possession[:8].hex()}..." if possession else "none"
        raise UnprovenKey(f"{where}.possession", "a proof that its secret is held", actual)


def check_possessions(committee: Committee) -> None:
    """Check the aggregate key of every member.

    Raises:
        UnprovenKey: the first that is not proven.
    """
    for index, member in enumerate(committee.members):
        check_possession(member.aggregate_key, member.possession, f"committee[{index}]")
