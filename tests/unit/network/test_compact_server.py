"""Who sends a compact form answers for every transaction of its block, exactly and boundedly."""

import pytest

from network.compact.messages import (
    BlockTransactions,
    CompactBlock,
    GetBlockTransactions,
    GetCompactBlock,
    GetWholeBlock,
    SendCompact,
    WholeBlock,
)
from network.compact.state import CompactConfig
from network.costs import MATCHED, SERVED
from network.offences import Offence
from primitives.machine import Send, Work
from tests.unit.network.books import Book
from tests.unit.network.compact_material import (
    ALICE,
    BOB,
    CAROL,
    HEADER,
    NOW,
    block,
    digest,
    form,
    payload,
    publish,
    relay,
    sent,
    transaction,
)

BODY = block(range(5))
NAME = digest(BODY)
FORM = form(BODY)


def test_a_block_is_pushed_to_those_that_asked_for_it_but_not_back() -> None:
    core = relay(BODY)
    for peer in (ALICE, BOB):
        core.on_message(NOW, peer, SendCompact(high=True))
    core.on_message(NOW, CAROL, SendCompact(high=False))
    names = [core.receiver._layout.transaction_hash(raw) for raw in BODY.transactions]
    effects = core.publish(NOW, NAME, BODY, payload(BODY), names, bytes(8), b"proof", source=ALICE)
    assert effects == [Work(MATCHED, 5), Send(BOB, CompactBlock(0, FORM, b"proof"))]


def test_one_form_for_all_peers_and_for_good() -> None:
    """A second nonce for the same block would give two chances of a collision to search for."""
    core = relay(BODY)
    publish(core, BODY)
    core.on_message(NOW, ALICE, SendCompact(high=True))
    names = [core.receiver._layout.transaction_hash(raw) for raw in BODY.transactions]
    again = core.publish(NOW, NAME, BODY, payload(BODY), names, b"\xff" * 8, b"proof")
    assert again == []
    assert core.server.form(NAME) == FORM
    assert core.server.held[NAME].certificate == b"proof"
    publish(core, BODY)
    assert core.server.held[NAME].certificate == b"proof"
    assert core.server.held_bytes == len(payload(BODY))


def test_bip152_exactly_the_transactions_asked_for_in_their_order() -> None:
    core = relay(BODY)
    publish(core, BODY)
    effects = core.on_message(NOW, ALICE, GetBlockTransactions(7, NAME, (1, 0, 1)))
    wanted = tuple(transaction(place) for place in (1, 2, 4))
    size = sum(len(raw) for raw in wanted)
    assert effects == (Work(SERVED, size), Send(ALICE, BlockTransactions(7, wanted)))


@pytest.mark.parametrize("indexes", [(5,), (0, 4), (0, 0, 0, 0, 0, 0), (65_535, 65_535)])
def test_who_asks_for_places_beyond_the_block_is_convicted(indexes: tuple[int, ...]) -> None:
    book = Book()
    core = relay(BODY, book=book)
    publish(core, BODY)
    assert core.on_message(NOW, ALICE, GetBlockTransactions(7, NAME, indexes)) == ()
    assert book.offences == {ALICE: {Offence.MALFORMED: 1}}


def test_the_form_and_the_whole_block_are_given_for_the_asking() -> None:
    core = relay(BODY)
    publish(core, BODY, certificate=b"proof")
    asked = core.on_message(NOW, ALICE, GetCompactBlock(3, NAME))
    assert asked == (Send(ALICE, CompactBlock(3, FORM, b"proof")),)
    asked = core.on_message(NOW, ALICE, GetWholeBlock(4, NAME))
    whole = WholeBlock(4, payload(BODY), b"proof")
    assert asked == (Work(SERVED, len(payload(BODY))), Send(ALICE, whole))


def test_who_asks_for_what_is_not_held_is_told_so() -> None:
    core = relay(BODY)
    assert sent(core.on_message(NOW, ALICE, GetCompactBlock(1, NAME))) == [
        (ALICE, WholeBlock(1, b""))
    ]
    assert sent(core.on_message(NOW, ALICE, GetWholeBlock(2, NAME))) == [
        (ALICE, WholeBlock(2, b""))
    ]
    assert sent(core.on_message(NOW, ALICE, GetBlockTransactions(3, NAME, (0,)))) == [
        (ALICE, BlockTransactions(3, ()))
    ]


def test_a_block_with_too_many_transactions_is_sent_whole() -> None:
    large = block([])
    large = type(large)(HEADER, (b"x",) * 65_537, b"")
    core = relay(large)
    core.on_message(NOW, ALICE, SendCompact(high=True))
    effects = core.publish(NOW, NAME, large, payload(large), [bytes(32)] * 65_537, bytes(8))
    assert effects == []
    assert core.server.form(NAME) is None
    answer = sent(core.on_message(NOW, BOB, GetCompactBlock(1, NAME)))
    assert answer == [(BOB, WholeBlock(1, payload(large)))]


def test_the_oldest_blocks_are_forgotten_beyond_a_number() -> None:
    blocks = [block(range(number), header=b"%d" % number) for number in range(1, 5)]
    core = relay(BODY, config=CompactConfig(held_max=2))
    for parts in blocks:
        publish(core, parts)
    assert list(core.server.held) == [digest(parts) for parts in blocks[2:]]
    assert core.server.held_bytes == sum(len(payload(parts)) for parts in blocks[2:])


def test_blocks_are_forgotten_beyond_a_size_but_never_the_latest() -> None:
    small, large = block([1], header=b"small"), block(range(100), header=b"large")
    core = relay(BODY, config=CompactConfig(held_bytes=len(payload(small)) + 10))
    publish(core, small)
    publish(core, large)
    assert list(core.server.held) == [digest(large)]
    publish(core, small)
    assert list(core.server.held) == [digest(small)]
