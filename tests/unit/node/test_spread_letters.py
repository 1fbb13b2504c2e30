"""What a primary sends over a mesh is its own, as a whole, and bound to one network and epoch."""

import pytest
from msgspec.structs import replace

from consensus.messages import PrePrepare
from network.dissemination import Place
from node.events import PublishProposal
from node.spread_letters import LetterKind, is_from, open_letter, seal
from node.spread_proposals import outward
from primitives.durability import core_of
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32, Sequence, View
from primitives.keys import Ed25519Verifier, ValidatorKey
from primitives.machine import Broadcast, Loopback, SetTimer

KEY, OTHER = ValidatorKey(b"\x01" * 32), ValidatorKey(b"\x02" * 32)
VERIFIER = Ed25519Verifier()
PLACE = Place(4, 2)
LETTER = open_letter(seal(b"net", KEY, PLACE, LetterKind.PROPOSAL, 3, b"content"))
NAME = Hash32(bytes(32))
PROPOSAL = PrePrepare(View(0), Sequence(1), NAME, NAME, b"block", b"signature")


def test_a_letter_comes_as_it_was_sealed() -> None:
    assert (LETTER.kind, LETTER.epoch, LETTER.content) == (LetterKind.PROPOSAL, 3, b"content")
    assert is_from(LETTER, b"net", PLACE, KEY.public_key, VERIFIER)


@pytest.mark.parametrize(
    "letter",
    [
        replace(LETTER, content=b"another"),
        replace(LETTER, kind=LetterKind.DECISION),
        replace(LETTER, signature=bytes(64)),
    ],
)
def test_nobody_else_can_change_it(letter: object) -> None:
    assert not is_from(letter, b"net", PLACE, KEY.public_key, VERIFIER)  # type: ignore[arg-type]


def test_it_counts_for_its_network_and_its_primary_only() -> None:
    assert not is_from(LETTER, b"another", PLACE, KEY.public_key, VERIFIER)
    assert not is_from(LETTER, b"net", PLACE, OTHER.public_key, VERIFIER)


@pytest.mark.parametrize("place", [Place(5, 2), Place(4, 6), Place(2, 4)])
def test_it_cannot_be_sent_on_as_if_about_another_place(place: Place) -> None:
    """Else anybody could make a primary look like one that says two things in one place."""
    assert not is_from(LETTER, b"net", place, KEY.public_key, VERIFIER)


def test_garbage_is_no_letter() -> None:
    with pytest.raises(InvalidEncoding):
        open_letter(b"garbage")


def test_a_proposal_waits_for_what_consensus_has_to_remember_of_it() -> None:
    """As a `Loopback` of consensus, which an unfinished `Persist` of that core holds back."""
    timer = SetTimer("timer", 1)  # type: ignore[arg-type]
    held, left = outward([Broadcast("committee", PROPOSAL), timer])
    assert held == Loopback(PublishProposal("committee", PROPOSAL))
    assert core_of(held) == "consensus"
    assert left is timer
