"""What a primary sends over a mesh: signed as a whole, so that all can check it.

Nothing is passed on unchecked. The signature of a PRE-PREPARE covers the block's digest, and
neither body nor hint. Were that all, anybody could change those, and the mesh would carry every
change to everybody. The place that a mesh names beside a letter is signed
with it: else a letter of one place, sent on under another, would make its primary look like one
that says two things there.
"""

from enum import IntEnum
from typing import Annotated

import msgspec

from network.dissemination import Place
from network.mesh.messages import PAYLOAD_BYTES_MAX
from network.messages import Natural
from primitives.codec import decode_canonical, encode_canonical
from primitives.keccak import keccak256
from primitives.keys import Signer, Verifier


class LetterKind(IntEnum):
    """What is inside."""

    PROPOSAL = 0
    """A PRE-PREPARE with its block."""
    DECISION = 1
    """The certificate of a block, for those who do not vote."""


class Letter(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Something of a primary's for everybody."""

    kind: LetterKind
    epoch: Natural
    content: Annotated[bytes, msgspec.Meta(max_length=PAYLOAD_BYTES_MAX)]
    signature: Annotated[bytes, msgspec.Meta(max_length=96)]


def _signed_payload(domain: bytes, place: Place, letter: Letter) -> bytes:
    head = b"orrery/letter" + len(domain).to_bytes(2, "big") + domain
    where = place.sequence.to_bytes(8, "big") + place.view.to_bytes(8, "big")
    return head + where + bytes([letter.kind]) + keccak256(letter.content)


def seal(
    domain: bytes, signer: Signer, place: Place, kind: LetterKind, epoch: int, content: bytes
) -> bytes:
    """Return an encoded letter.

    Args:
        domain: what tells this network and epoch from others.
        signer: of the primary.
        place: what the letter is about.
        kind: of the content.
        epoch: that the domain belongs to.
        content: for everybody.
    """
    letter = Letter(kind, epoch, content, b"")
    signature = signer.sign(_signed_payload(domain, place, letter))
    return encode_canonical(Letter(kind, epoch, content, signature))


def open_letter(payload: bytes) -> Letter:
    """Return the letter that was encoded; who it is from is still to be checked.

    Raises:
        InvalidEncoding: it is none.
    """
    return decode_canonical(payload, Letter)


def is_from(letter: Letter, domain: bytes, place: Place, key: bytes, verifier: Verifier) -> bool:
    """Tell whether the holder of a key has signed a letter about a place."""
    return verifier.verify(key, _signed_payload(domain, place, letter), letter.signature)
