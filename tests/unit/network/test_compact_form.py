"""Short ids, differential indexes, the choice of what is prefilled, and forms that are refused."""

import msgspec
import pytest

from network.codec import Codec
from network.compact.form import BlockParts, choose_prefilled, make_form, read_form
from network.compact.indexes import from_differences, to_differences
from network.compact.messages import (
    LIMITS,
    TRANSACTIONS_MAX,
    CompactBlock,
    CompactForm,
    GetBlockTransactions,
)
from network.compact.short_ids import (
    pack_ids,
    short_id,
    short_id_key,
    short_ids,
    unpack_ids,
)
from primitives.errors import InvalidEncoding, InvalidInput
from tests.unit.network.compact_material import NONCE, block, form, hashes, transaction

BODY = block(range(5))


def test_siphash_is_that_of_its_paper() -> None:
    """Appendix A: key 00..0f, message 00..0e gives a129ca6149be45e5; an id keeps 48 bits."""
    assert short_id(bytes(range(16)), bytes(range(15))) == 0xCA6149BE45E5


def test_the_key_is_the_front_of_sha256_of_header_and_nonce() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb924"
    assert short_id_key(b"", b"").hex() == empty
    assert short_id_key(b"ab", b"c") == short_id_key(b"a", b"bc") != short_id_key(b"a", b"b")


def test_ids_are_little_endian_and_lie_side_by_side() -> None:
    assert pack_ids([1, 1 << 40]) == bytes([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
    assert unpack_ids(pack_ids([7, 1 << 47])) == [7, 1 << 47]


@pytest.mark.parametrize(
    ("indexes", "differences"),
    [([], ()), ([0], (0,)), ([3], (3,)), ([0, 1, 2], (0, 0, 0)), ([1, 5, 6], (1, 3, 0))],
)
def test_indexes_are_sent_as_differences(indexes: list[int], differences: tuple[int, ...]) -> None:
    assert to_differences(indexes) == differences
    assert from_differences(differences, 7, "x") == indexes


@pytest.mark.parametrize("differences", [(7,), (0, 6), (65535, 1), (0, 65535), (1 << 64,)])
def test_an_index_beyond_the_block_is_refused_and_never_wraps(differences: tuple[int, ...]) -> None:
    with pytest.raises(InvalidEncoding, match=r"x: expected indexes below 7, got \d+"):
        from_differences(differences, 7, "x")


def test_a_form_tells_every_place() -> None:
    made = form(BODY, 1, 4)
    assert made.prefilled == ((1, transaction(1)), (2, transaction(4)))
    assert made.rest == BODY.rest
    read = read_form(made)
    assert read.count == 5
    assert read.prefilled == {1: transaction(1), 4: transaction(4)}
    ids = short_ids(read.key, hashes(BODY.transactions))
    assert read.ids == {place: ids[place] for place in (0, 2, 3)}


def test_what_peers_lack_is_prefilled_up_to_a_size() -> None:
    lacking = {b"a", b"b", b"d"}
    names = [b"a", b"b", b"c", b"d"]
    assert choose_prefilled([10, 10, 10, 10], [1, 2, 3, 4], names, lacking, 100) == [0, 1, 3]
    assert choose_prefilled([10, 10, 10, 10], [1, 2, 3, 4], names, lacking, 20) == [0, 1]
    assert choose_prefilled([10, 11, 10, 10], [1, 2, 3, 4], names, lacking, 20) == [0, 3]
    assert choose_prefilled([10, 10, 10, 10], [1, 2, 3, 4], names, lacking, 9) == []


def test_transactions_of_a_block_with_the_same_id_are_prefilled_first() -> None:
    names = [b"a", b"b", b"c", b"d", b"e"]
    assert choose_prefilled([10] * 5, [1, 2, 7, 7, 7], names, {b"a"}, 30) == [2, 3, 4]
    assert choose_prefilled([10] * 5, [1, 2, 7, 7, 3], names, {b"a", b"c"}, 40) == [0, 2, 3]


def test_no_more_than_ten_thousand_bytes_are_prefilled() -> None:
    large = BlockParts(b"h", (bytes([1]) * 9_999, b"\x02", b"\x03"))
    names = hashes(large.transactions)
    made = make_form(large, names, NONCE, set(names))
    assert sum(len(raw) for _, raw in made.prefilled) == 10_000


def test_a_block_with_more_transactions_than_an_index_can_name_is_not_made_compact() -> None:
    count = TRANSACTIONS_MAX + 1
    with pytest.raises(InvalidInput, match="at most 65536 transactions, got 65537"):
        make_form(BlockParts(b"h", (b"x",) * count), [bytes(32)] * count, NONCE)


def changed(**fields: object) -> CompactForm:
    return msgspec.structs.replace(form(BODY, 1), **fields)


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        (changed(ids=bytes(23)), "compact.ids"),
        (changed(prefilled=((5, b"x"),)), "compact.prefilled"),
        (changed(prefilled=((0, b"x"), (65535, b"y"))), "compact.prefilled"),
        (changed(prefilled=((0, b""),)), "compact.prefilled"),
        (changed(ids=bytes(6 * 65_536)), "compact.transactions"),
    ],
)
def test_a_malformed_form_is_refused(bad: CompactForm, where: str) -> None:
    with pytest.raises(InvalidEncoding, match=where):
        read_form(bad)


def test_an_empty_block_has_a_form() -> None:
    read = read_form(form(block([])))
    assert (read.count, read.ids, read.prefilled) == (0, {}, {})


@pytest.mark.parametrize(
    "body",
    [
        ["GetBlockTransactions", 1, bytes(32), []],
        ["GetBlockTransactions", 1, bytes(32), [65_536]],
        ["GetBlockTransactions", 1, bytes(32), [-1]],
        ["GetBlockTransactions", 1, bytes(31), [0]],
        ["GetBlockTransactions", -1, bytes(32), [0]],
        ["CompactBlock", 0, [b"h", bytes(7), b"", [], b""], b""],
        ["CompactBlock", 0, [b"h", bytes(8), b"", [[65_536, b"x"]], b""], b""],
        ["CompactBlock", 0, [b"h", bytes(8), b"", [[0]], b""], b""],
        ["CompactBlock", 0, [b"h", bytes(8), b"", [[0, b""]] * 65_537, b""], b""],
        ["BlockTransactions", 0, [b""] * 65_537],
    ],
)
def test_the_codec_refuses_values_that_no_message_has(body: list[object]) -> None:
    codec = Codec(LIMITS, LIMITS)
    encoded = msgspec.msgpack.encode(body)
    (index,) = [kind.index for kind in codec.kinds if kind.type.__name__ == body[0]]
    frame = len(encoded).to_bytes(4, "big") + bytes([1, index, 0, 0]) + encoded
    with pytest.raises(InvalidEncoding, match=str(body[0])):
        codec.decode(frame)


def test_an_index_that_is_not_in_its_shortest_form_is_refused() -> None:
    codec = Codec(LIMITS, LIMITS)
    frame = codec.encode(GetBlockTransactions(1, bytes(32), (5,)))
    body = frame[8:-1] + b"\xcc\x05"
    longer = len(body).to_bytes(4, "big") + frame[4:8] + body
    with pytest.raises(InvalidEncoding, match="canonical"):
        codec.decode(longer)


def test_messages_come_back_as_they_were() -> None:
    codec = Codec(LIMITS, LIMITS)
    for message in (
        CompactBlock(0, form(BODY, 1), b"proof"),
        GetBlockTransactions(3, bytes(32), (0,) * TRANSACTIONS_MAX),
        GetBlockTransactions(3, bytes(32), (65_535,)),
    ):
        assert codec.decode(codec.encode(message)) == message
