import re

import pytest

from primitives import rlp
from primitives.errors import InvalidEncoding, OrreryError

LOREM = b"Lorem ipsum dolor sit amet, consectetur adipisicing elit"


@pytest.mark.parametrize(
    ("item", "encoded"),
    [
        (b"", "80"),
        (b"\x00", "00"),
        (b"\x7f", "7f"),
        (b"\x80", "8180"),
        (b"dog", "83646f67"),
        (LOREM[:55], "b7" + LOREM[:55].hex()),
        (LOREM[:56], "b838" + LOREM[:56].hex()),
        (bytes(256), "b90100" + "00" * 256),
        ([], "c0"),
        ([b"cat", b"dog"], "c88363617483646f67"),
        ([[], [[]], [[], [[]]]], "c7c0c1c0c3c0c1c0"),
        ([b"a" * 54], "f7b6" + "61" * 54),
        ([b"a" * 55], "f838b7" + "61" * 55),
    ],
)
def test_items_have_their_encoding(item: rlp.Decoded, encoded: str) -> None:
    assert rlp.encode(item).hex() == encoded
    assert rlp.decode(bytes.fromhex(encoded)) == item


def test_tuples_encode_as_lists() -> None:
    assert rlp.encode((b"a", (b"b", ()))) == rlp.encode([b"a", [b"b", []]])


@pytest.mark.parametrize("item", ["dog", "", [b"cat", "dog"], [[["dog"]]]])
def test_text_is_refused_though_it_is_a_sequence_of_itself(item: rlp.Item) -> None:
    with pytest.raises(TypeError, match=r"got the text '(dog)?'"):
        rlp.encode(item)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "80"),
        (1, "01"),
        (127, "7f"),
        (128, "8180"),
        (1024, "820400"),
        (2**64, "89" + "01" + "00" * 8),
    ],
)
def test_integers_have_no_leading_zeros(value: int, encoded: str) -> None:
    assert rlp.encode_int(value).hex() == encoded
    assert rlp.encode(rlp.int_bytes(value)).hex() == encoded


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        ("", "expected an item at byte 0, got the end of the input"),
        ("83646f", "expected 3 bytes after byte 1, got only 2"),
        ("83646f6767", "expected the item to end at byte 4, got 5 bytes"),
        ("8100", "expected the byte 0x00 to stand without a prefix, got 0x81 at 0"),
        ("817f", "expected the byte 0x7f to stand without a prefix, got 0x81 at 0"),
        ("81", "expected 1 bytes after byte 1, got only 0"),
        ("b8", "expected 1 bytes of length at byte 1, got fewer"),
        ("b800", "expected no leading zero in the length at byte 1, got one"),
        ("b90037" + "00" * 55, "expected no leading zero in the length at byte 1, got one"),
        ("b837" + "00" * 55, "expected the short form for 55 bytes at byte 0, got the long form"),
        ("f80180", "expected the short form for 1 bytes at byte 0, got the long form"),
        ("bfffffffffffffffff", "expected 18446744073709551615 bytes after byte 9, got only 0"),
        ("c4820102", "expected 4 bytes after byte 1, got only 3"),
        ("c28301", "expected 3 bytes after byte 2, got only 1"),
        ("c2c201", "expected 2 bytes after byte 2, got only 1"),
        ("c0c0", "expected the item to end at byte 1, got 2 bytes"),
        ("c28100", "expected the byte 0x00 to stand without a prefix, got 0x81 at 1"),
    ],
)
def test_other_encodings_are_refused(encoded: str, message: str) -> None:
    with pytest.raises(InvalidEncoding, match=re.escape(f"rlp: {message}")):
        rlp.decode(bytes.fromhex(encoded))


def test_an_inner_item_may_not_reach_past_its_list() -> None:
    """The bytes are there, but they belong to what follows the list."""
    with pytest.raises(InvalidEncoding, match="expected 2 bytes after byte 3, got only 1"):
        rlp.decode(bytes.fromhex("c5c282010102"))


def test_nesting_is_bounded_by_the_input_only() -> None:
    """A recursive decoder dies of this; whoever sends it must get an answer."""
    depth = 50_000
    item = rlp.decode(_nested(depth))
    for _ in range(depth):
        assert isinstance(item, list)
        assert len(item) <= 1
        item = item[0] if item else item
    assert item == []


def _nested(depth: int) -> bytes:
    headers: list[bytes] = []
    size = 0
    for _ in range(depth + 1):
        headers.append(rlp.list_header(size))
        size += len(headers[-1])
    return b"".join(reversed(headers))


def test_deep_items_encode_as_well() -> None:
    encoded = _nested(2_000)
    assert rlp.encode(rlp.decode(encoded)) == encoded


def test_decode_list_wants_a_list() -> None:
    assert rlp.decode_list(b"\xc1\x05") == [b"\x05"]
    with pytest.raises(InvalidEncoding, match="expected a list, got a byte string"):
        rlp.decode_list(b"\x83dog")
    with pytest.raises(InvalidEncoding, match="expected the item to end at byte 1, got 2 bytes"):
        rlp.decode_list(b"\xc0\x00")


def test_split_list_leaves_items_encoded() -> None:
    items = [rlp.encode(b"dog"), rlp.encode([b"a", [b"b"]]), rlp.encode(b"\x01"), b"\x80"]
    assert rlp.split_list(rlp.encode_list(items)) == items
    assert rlp.split_list(rlp.EMPTY_LIST) == []


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        ("83646f67", "expected a list, got a byte string"),
        ("c0c0", "expected the item to end at byte 1, got 2 bytes"),
        ("c18100", "expected the item to end at byte 2, got 3 bytes"),
        ("c28102", "expected the byte 0x02 to stand without a prefix, got 0x81 at 1"),
        ("c2c2ff", "expected 2 bytes after byte 2, got only 1"),
    ],
)
def test_split_list_refuses_what_decode_refuses(encoded: str, message: str) -> None:
    with pytest.raises(InvalidEncoding, match=re.escape(message)):
        rlp.split_list(bytes.fromhex(encoded))


def test_read_int_is_strict() -> None:
    assert rlp.read_int(b"", "x") == 0
    assert rlp.read_int(b"\x01\x00", "x", 16) == 256
    with pytest.raises(InvalidEncoding, match=r"header\.number: expected an integer, got a list"):
        rlp.read_int([], "header.number")
    with pytest.raises(InvalidEncoding, match="x: expected an integer without leading zeros"):
        rlp.read_int(b"\x00", "x")
    with pytest.raises(InvalidEncoding, match="x: expected an integer of at most 64 bits, got 9"):
        rlp.read_int(b"\x01" * 9, "x", 64)


def test_read_bytes_and_items_check_kind_and_size() -> None:
    assert rlp.read_bytes(b"ab", "x", 2) == b"ab"
    assert rlp.read_items([b"a"], "x", 1) == [b"a"]
    with pytest.raises(InvalidEncoding, match="x: expected a byte string, got a list"):
        rlp.read_bytes([], "x")
    with pytest.raises(InvalidEncoding, match="x: expected 32 bytes, got 2 bytes"):
        rlp.read_bytes(b"ab", "x", 32)
    with pytest.raises(InvalidEncoding, match="x: expected a list, got a byte string"):
        rlp.read_items(b"", "x")
    with pytest.raises(InvalidEncoding, match="x: expected 4 items, got 1 items"):
        rlp.read_items([b""], "x", 4)


def test_the_error_belongs_to_the_tree() -> None:
    with pytest.raises(OrreryError) as caught:
        rlp.decode(b"")
    assert isinstance(caught.value, InvalidEncoding)
    assert caught.value.where == "rlp"
