"""Real compact blocks of Bitcoin: read to the byte, and rebuilt from pools of all kinds.

Each file compactN.raw has its block beside it, as blockN.raw. Version 1 names transactions
without their witnesses, version 2 with them; which one a file has is found out from its ids.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from siphashc import siphash

from network.compact import draft as draft_module, short_ids as short_ids_module
from network.compact.form import BlockParts, make_form, read_form
from network.compact.indexes import from_differences
from network.compact.messages import (
    BlockTransactions,
    CompactForm,
    GetBlockTransactions,
    GetWholeBlock,
    WholeBlock,
)
from network.compact.relay import CompactRelay
from network.compact.short_ids import short_id, short_ids
from network.compact.state import BlockRebuilt, CompactConfig
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32, NodeId
from primitives.machine import Send
from tests.conformance import bitcoin_compact as bitcoin
from tests.unit.network.books import Book
from tests.unit.network.compact_material import NOW
from tests.vectors import vectors_directory

PEER = NodeId(1)
CASES = sorted(vectors_directory().glob("compact/compact*.raw"))
REAL = pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)


class Pool:
    """Transactions by the hashes that ids are made of."""

    def __init__(self, held: dict[Hash32, bytes]) -> None:
        self.held = held

    def __len__(self) -> int:
        return len(self.held)

    def hashes(self) -> list[Hash32]:
        return list(self.held)

    def get(self, transaction: Hash32) -> bytes | None:
        return self.held.get(transaction)


class Case:
    """One compact block with its block."""

    def __init__(self, path: Path) -> None:
        self.compact = path.read_bytes()
        block = path.with_name(path.name.replace("compact", "block", 1))
        self.block = block.read_bytes()
        self.form = bitcoin.decode_compact(self.compact)
        self.parts = bitcoin.decode_block(self.block)
        self.read = read_form(self.form)
        self.vacant = list(self.read.ids)
        layouts = [bitcoin.BitcoinLayout(version) for version in (1, 2)]
        self.layout = next(each for each in layouts if self.ids(each) == self.read.ids)
        self.hashes = [self.layout.transaction_hash(raw) for raw in self.parts.transactions]

    def ids(self, layout: bitcoin.BitcoinLayout) -> dict[int, int]:
        raws = [self.parts.transactions[place] for place in self.vacant]
        found = short_ids(self.read.key, [layout.transaction_hash(raw) for raw in raws])
        return dict(zip(self.vacant, found, strict=True))

    def pool(self, *absent: int) -> dict[Hash32, bytes]:
        """Return the transactions of the block without some."""
        places = [place for place in self.vacant if place not in absent]
        return {self.hashes[place]: self.parts.transactions[place] for place in places}

    def core(self, held: dict[Hash32, bytes], book: Book) -> CompactRelay:
        return CompactRelay(CompactConfig(), self.layout, Pool(held), book, lambda *_: True)


def test_there_is_a_real_compact_block(vectors: Path) -> None:
    assert CASES


@REAL
def test_a_real_compact_block_is_read_to_the_byte(path: Path) -> None:
    case = Case(path)
    assert bitcoin.encode_compact(case.form) == case.compact
    assert bitcoin.encode_block(case.parts) == case.block
    assert case.read.count == len(case.parts.transactions)
    assert case.layout.commits(case.parts)
    for place, raw in case.read.prefilled.items():
        assert case.parts.transactions[place] == raw
    lacking = {case.hashes[place] for place in case.read.prefilled}
    assert make_form(case.parts, case.hashes, case.form.nonce, lacking) == case.form


@REAL
def test_a_real_block_is_rebuilt_from_a_pool_of_its_transactions(path: Path) -> None:
    case, book = Case(path), Book()
    junk = {bitcoin.double_sha256(b"%d" % n): b"%d" % n for n in range(2_000)}
    core = case.core({**junk, **case.pool()}, book)
    effects = core.receiver.begin(NOW, PEER, case.form)
    assert [e.payload for e in effects if isinstance(e, BlockRebuilt)] == [case.block]
    assert core.savings.at_once == 1
    assert core.savings.full_bytes == len(case.block)
    assert core.savings.compact_bytes <= len(case.compact) + 16
    assert not book.offences


@REAL
def test_a_real_block_is_rebuilt_when_some_transactions_have_to_be_fetched(path: Path) -> None:
    case, book = Case(path), Book()
    absent = case.vacant[::3]
    core = case.core(case.pool(*absent), book)
    effects = core.receiver.begin(NOW, PEER, case.form)
    (request,) = [e.message for e in effects if isinstance(e, Send)]
    assert isinstance(request, GetBlockTransactions)
    asked = bitcoin.BlockTransactionsRequest(request.digest, absent)
    wire = bitcoin.encode_request(asked)
    assert bitcoin.decode_request(wire) == asked
    fetched = tuple(case.parts.transactions[place] for place in absent)
    effects = core.on_message(NOW, PEER, BlockTransactions(request.request, fetched))
    assert [e.payload for e in effects if isinstance(e, BlockRebuilt)] == [case.block]
    assert not book.offences


def planted(form: CompactForm, place: int) -> dict[Hash32, bytes]:
    """Return a transaction, found by search, whose id is that of a place of the block."""
    read = read_form(form)
    for number in range(1 << 22):
        raw = b"%d" % number
        if short_id(read.key, bitcoin.double_sha256(raw)) == read.ids[place]:
            return {bitcoin.double_sha256(raw): raw}
    raise AssertionError("expected a collision within 2**22 tries")


@pytest.fixture
def weak_names(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what lets ids have 16 bits from then on, so that collisions can be found."""

    def weak(key: bytes, data: bytes) -> int:
        return int(siphash(key, data)) & 0xFFFF

    def weaken() -> None:
        monkeypatch.setattr(short_ids_module, "siphash", weak)
        monkeypatch.setattr(draft_module, "siphash", weak)

    return weaken


def weak_form(case: Case) -> tuple[CompactForm, int]:
    """Return the form that the block has under weak names, and a place whose id is its own."""
    form = make_form(case.parts, case.hashes, case.form.nonce, {case.hashes[0]})
    ids = read_form(form).ids
    named = list(ids.values())
    return form, next(place for place, each in ids.items() if named.count(each) == 1)


@REAL
def test_two_planted_matches_for_a_place_lead_to_a_request(
    path: Path, weak_names: Callable[[], None]
) -> None:
    case, book = Case(path), Book()
    weak_names()
    form, place = weak_form(case)
    core = case.core({**planted(form, place), **case.pool()}, book)
    effects = core.receiver.begin(NOW, PEER, form)
    (request,) = [e.message for e in effects if isinstance(e, Send)]
    assert isinstance(request, GetBlockTransactions)
    places = from_differences(request.indexes, case.read.count, "request")
    assert place in places
    raws = tuple(case.parts.transactions[each] for each in places)
    effects = core.on_message(NOW, PEER, BlockTransactions(request.request, raws))
    assert [e.payload for e in effects if isinstance(e, BlockRebuilt)] == [case.block]
    assert not book.offences


@REAL
def test_a_single_planted_match_leads_to_the_whole_block(
    path: Path, weak_names: Callable[[], None]
) -> None:
    case, book = Case(path), Book()
    weak_names()
    form, place = weak_form(case)
    core = case.core({**planted(form, place), **case.pool(place)}, book)
    effects = core.receiver.begin(NOW, PEER, form)
    (message,) = [e.message for e in effects if isinstance(e, Send)]
    if isinstance(message, GetBlockTransactions):
        places = from_differences(message.indexes, case.read.count, "request")
        assert place not in places
        raws = tuple(case.parts.transactions[each] for each in places)
        effects = core.on_message(NOW, PEER, BlockTransactions(message.request, raws))
        (message,) = [e.message for e in effects if isinstance(e, Send)]
    assert isinstance(message, GetWholeBlock)
    effects = core.on_message(NOW, PEER, WholeBlock(message.request, case.block))
    assert [e.payload for e in effects if isinstance(e, BlockRebuilt)] == [case.block]
    assert core.savings.mismatches == 1
    assert not book.offences


@REAL
def test_cut_or_lengthened_compact_blocks_are_refused(path: Path) -> None:
    data = path.read_bytes()
    for end in (*range(90), *range(90, len(data), 7), len(data) - 1):
        with pytest.raises(InvalidEncoding):
            bitcoin.decode_compact(data[:end])
    with pytest.raises(InvalidEncoding):
        bitcoin.decode_compact(data + b"\0")


def test_integers_that_are_not_in_their_shortest_form_are_refused() -> None:
    for wrong in ("fd0500", "fdfc00", "fe05000000", "feffff0000", "ffffffffff00000000"):
        with pytest.raises(InvalidEncoding, match="shortest"):
            bitcoin.Reader(bytes.fromhex(wrong)).compact_size()
    for value in (0, 0xFC, 0xFD, 0xFFFF, 0x10000):
        assert bitcoin.Reader(bitcoin.compact_size(value)).compact_size() == value


def test_indexes_beyond_sixteen_bits_are_refused() -> None:
    last = bitcoin.BlockTransactionsRequest(bytes(32), [0, 65_535])
    assert bitcoin.decode_request(bitcoin.encode_request(last)) == last
    beyond = bytes(32) + b"\x02" + bitcoin.compact_size(65_535) + b"\x00"
    with pytest.raises(InvalidEncoding, match="65536"):
        bitcoin.decode_request(beyond)


def test_four_hundred_and_nine_transactions_take_2722_bytes() -> None:
    """As Bitcoin's block 426884 does, of 996,444 bytes: its coinbase has 181."""
    script, output = bytes([96]) + bytes(96), bytes(8) + bytes([25]) + bytes(25)
    coinbase = bytes(4) + b"\x01" + bytes(36) + script + bytes(4) + b"\x01" + output + bytes(4)
    assert len(coinbase) == 181
    form = CompactForm(bytes(80), bytes(8), bytes(6 * 408), ((0, coinbase),), b"")
    encoded = bitcoin.encode_compact(form)
    assert len(encoded) == 2_722
    assert bitcoin.decode_compact(encoded) == form


def test_a_block_without_its_witnesses_has_other_names() -> None:
    legacy = bytes(4) + b"\x01" + bytes(36) + b"\x00" + bytes(4) + b"\x00"
    witness = bytes(4) + b"\x00\x01" + legacy[4:] + b"\x01\x02ab" + bytes(4)
    assert bitcoin.Reader(witness).transaction() == witness
    assert bitcoin.txid(witness) == bitcoin.txid(legacy + bytes(4)) != bitcoin.wtxid(witness)
    parts = BlockParts(bytes(80), (witness,))
    assert bitcoin.decode_block(bitcoin.encode_block(parts)) == parts
