import msgspec
import pytest

from primitives.codec import decode_canonical, encode_canonical
from primitives.committee import Committee
from primitives.errors import InvalidEncoding
from primitives.machine import Record


def test_what_is_encoded_decodes_to_the_same() -> None:
    record = Record("blocks", b"key", None)
    assert decode_canonical(encode_canonical(record), Record) == record
    assert decode_canonical(encode_canonical((1, b"a", "b")), tuple[int, bytes, str]) == (
        1,
        b"a",
        "b",
    )


def test_the_order_in_which_a_mapping_was_filled_does_not_matter() -> None:
    assert encode_canonical({"a": 1, "b": 2}) == encode_canonical({"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "Record: expected its MessagePack form, got Input data was truncated"),
        (b"\x93\xa1t\xc4\x01k", "Input data was truncated"),
        (b"\x93\xa1t\xc4\x01k\xc0\x00", "trailing characters"),
        (b"\x93\x01\xc4\x01k\xc0", "Expected `str`, got `int`"),
        (b"\x92\xa1t\xc4\x01k", "of at least length 3, got 2"),
        (b"\x93\xa1\xff\xc4\x01k\xc0", "expected its MessagePack form"),
    ],
)
def test_other_bytes_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidEncoding, match=message):
        decode_canonical(data, Record)


@pytest.mark.parametrize(
    "data",
    [
        b"\x93\xd9\x01t\xc4\x01k\xc0",
        b"\x93\xa1t\xc5\x00\x01k\xc0",
        b"\xdc\x00\x03\xa1t\xc4\x01k\xc0",
        b"\x94\xa1t\xc4\x01k\xc0\xc0",
    ],
)
def test_a_second_form_of_the_same_value_is_refused(data: bytes) -> None:
    """MessagePack has several forms for most values; a hash is over one of them."""
    assert msgspec.msgpack.decode(data, type=Record) == Record("t", b"k", None)
    with pytest.raises(InvalidEncoding, match="expected the canonical MessagePack form, got anoth"):
        decode_canonical(data, Record)


def test_a_structure_that_refuses_its_fields_is_refused() -> None:
    with pytest.raises(InvalidEncoding, match="Committee: expected its MessagePack form"):
        decode_canonical(b"\x81\xa7members\x91\x01", Committee)


def test_rules_of_the_structure_are_kept_as_well() -> None:
    twice = encode_canonical({"members": [(node, bytes(32), b"", b"") for node in (0, 1)]})
    with pytest.raises(
        InvalidEncoding, match=r"expected a value that keeps its own rules, got comm"
    ):
        decode_canonical(twice, Committee)


def test_oversized_input_is_refused_unread() -> None:
    data = encode_canonical(Record("t", b"k", bytes(100)))
    assert decode_canonical(data, Record, bytes_max=len(data)).key == b"k"
    with pytest.raises(
        InvalidEncoding, match=f"Record: expected at most 50 bytes, got {len(data)}"
    ):
        decode_canonical(data, Record, bytes_max=50)
