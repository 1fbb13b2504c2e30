"""Compact blocks beside a naive twin, with names of a few bits, so that they collide all the time.

The twin knows what is meant: for each short id the list of all transactions that have it. Nothing
that it says is said about how a block is looked up, asked for or put together.
"""

from collections.abc import Iterator
from hashlib import sha256

import pytest
from hypothesis import given, strategies as st
from siphashc import siphash

from network.codec import Codec
from network.compact import draft as draft_module, short_ids as short_ids_module
from network.compact.draft import start_draft
from network.compact.form import BlockParts, make_form, read_form
from network.compact.indexes import from_differences, to_differences
from network.compact.messages import LIMITS
from network.compact.relay import CompactRelay
from network.compact.state import BlockRebuilt, CompactConfig
from primitives.errors import InvalidEncoding
from primitives.ids import NodeId
from primitives.machine import Effect, Message, Send
from tests.unit.network.books import Book
from tests.unit.network.compact_material import (
    NOW,
    Layout,
    Pool,
    digest,
    hashes,
    payload,
    transaction,
    transaction_hash,
)

SERVER, RECEIVER = NodeId(0), NodeId(1)
BITS = 5
"""Of the short ids in these tests: a dozen transactions seldom have all different ones."""


@pytest.fixture(autouse=True)
def _short_names() -> Iterator[None]:
    """Let SipHash have `BITS` bits."""

    def weak(key: bytes, data: bytes) -> int:
        return int(siphash(key, data)) % (1 << BITS)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(short_ids_module, "siphash", weak)
        patch.setattr(draft_module, "siphash", weak)
        yield


numbers = st.integers(0, 40)
bodies = st.lists(numbers, max_size=14, unique=True)
pools = st.lists(numbers, max_size=30, unique=True)
nonces = st.binary(min_size=8, max_size=8)
rooms = st.sampled_from([0, 0, 30, 60])
"""For prefilled transactions, in bytes; one takes 13 or 14."""


def naive_key(header: bytes, nonce: bytes) -> bytes:
    return sha256(header + nonce).digest()[:16]


def naive_slots(
    body: list[int], sent: dict[int, bytes], pool: list[int], key: bytes
) -> list[bytes | None]:
    """Return what a receiver can know of each place of the block."""

    def name(number: int) -> int:
        return int(siphash(key, transaction_hash(transaction(number)))) % (1 << BITS)

    held: dict[int, list[bytes]] = {}
    for number in pool:
        held.setdefault(name(number), []).append(transaction(number))
    named = [name(number) for place, number in enumerate(body) if place not in sent]
    slots: list[bytes | None] = []
    for place, number in enumerate(body):
        fitting = held.get(name(number), [])
        clear = len(fitting) == 1 and named.count(name(number)) == 1
        slots.append(sent.get(place, fitting[0] if clear else None))
    return slots


@given(bodies, pools, nonces, st.sets(numbers), rooms)
def test_a_draft_knows_what_its_twin_knows(
    body: list[int], pool: list[int], nonce: bytes, lacking: set[int], room: int
) -> None:
    parts = BlockParts(b"h", tuple(transaction(number) for number in body))
    names = hashes(parts.transactions)
    wished = set(hashes(transaction(number) for number in lacking))
    form = make_form(parts, names, nonce, wished, room)
    read = read_form(form)
    assert sum(len(raw) for raw in read.prefilled.values()) <= room
    assert all(raw == parts.transactions[place] for place, raw in read.prefilled.items())
    draft = start_draft(read, Pool(transaction(number) for number in pool))
    expected = naive_slots(body, read.prefilled, pool, naive_key(b"h", nonce))
    assert draft.slots == expected
    assert draft.missing == [place for place, slot in enumerate(expected) if slot is None]
    assert draft.matched == sum(slot is not None for slot in expected) - len(read.prefilled)


class Talk:
    """A server and a receiver that exchange frames until nobody has anything to say."""

    def __init__(self, parts: BlockParts, pool: list[int], room: int) -> None:
        config = CompactConfig(prefill_bytes=room)
        self.books = {SERVER: Book(), RECEIVER: Book()}
        self.codec = Codec(LIMITS, LIMITS)
        held = {SERVER: Pool(), RECEIVER: Pool(transaction(number) for number in pool)}
        self.cores = {
            node: CompactRelay(config, Layout(parts), held[node], book, lambda *_: True)
            for node, book in self.books.items()
        }
        self.rebuilt: list[BlockRebuilt] = []
        self.messages: list[Message] = []

    def perform(self, node: NodeId, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, BlockRebuilt):
                self.rebuilt.append(effect)
            if isinstance(effect, Send):
                message = self.codec.decode(self.codec.encode(effect.message))
                self.messages.append(message)
                answers = self.cores[effect.to].on_message(NOW, node, message)
                self.perform(effect.to, list(answers))


@given(bodies, pools, nonces, st.sets(numbers), rooms)
def test_every_block_comes_through_whatever_collides_and_nobody_is_blamed(
    body: list[int], pool: list[int], nonce: bytes, lacking: set[int], room: int
) -> None:
    parts = BlockParts(b"h", tuple(transaction(number) for number in body), b"rest")
    talk = Talk(parts, pool, room)
    names = hashes(parts.transactions)
    wished = set(hashes(transaction(number) for number in lacking))
    server, receiver = talk.cores[SERVER], talk.cores[RECEIVER]
    talk.perform(RECEIVER, list(receiver.connected(SERVER)))
    talk.perform(SERVER, list(server.connected(RECEIVER)))
    server.publish(NOW, digest(parts), parts, payload(parts), names, nonce, lacking=wished)
    talk.perform(RECEIVER, list(receiver.receiver.want(NOW, digest(parts), SERVER)))
    assert [block.payload for block in talk.rebuilt] == [payload(parts)]
    assert not any(book.offences for book in talk.books.values())
    assert not receiver.receiver.state.rebuilds
    assert not receiver.receiver.state.numbers
    assert len(talk.messages) <= 2 + 6 + 1, "a round for the form, one for the missing, one whole"


@given(st.lists(st.integers(0, 70_000)), st.integers(0, 66_000))
def test_indexes_come_back_or_are_beyond_the_list(indexes: list[int], count: int) -> None:
    ordered = sorted(set(indexes))
    differences = to_differences(ordered)
    assert all(difference >= 0 for difference in differences)
    if ordered and ordered[-1] >= count:
        with pytest.raises(InvalidEncoding):
            from_differences(differences, count, "x")
    else:
        assert from_differences(differences, count, "x") == ordered
