"""Recursive length prefix: Ethereum's encoding of nested byte strings.

Every item has exactly one encoding, and the decoder refuses all others. That matters because
hashes are taken over the encoding: were two encodings of one transaction accepted, it would have
two hashes and could be paid twice. Refused are: bytes after the item, a length that reaches past
the end, a one-byte string below 0x80 with a prefix, a long form where the short one fits, a
length with leading zeros, and (where an integer is read) integers with leading zeros.

Neither direction recurses, so how deep lists may nest is bounded by the size of the input only.

Reference: Yellow Paper, appendix B.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from primitives.errors import InvalidEncoding

Item: TypeAlias = bytes | Sequence["Item"]
"""What `encode` takes: bytes, or a sequence of items."""

Decoded: TypeAlias = bytes | list["Decoded"]
"""What `decode` gives: bytes, or a list of the same."""

EMPTY_STRING = b"\x80"
EMPTY_LIST = b"\xc0"

_SINGLE = tuple([value.to_bytes(1, "big") for value in range(0x80)])
"""The strings that are their own encoding."""

_INT_BYTES_MAX = 32
_SMALL_INTS = (EMPTY_STRING, *_SINGLE[1:])
"""Encodings of the integers below 0x80."""
_INT_HEADERS = tuple([(0x80 + length).to_bytes(1, "big") for length in range(_INT_BYTES_MAX + 1)])
"""Prefixes of longer integers, by their bytes."""
_LIST_HEADERS = tuple([(0xC0 + length).to_bytes(1, "big") for length in range(56)])
"""Prefixes of short lists, by the bytes of their payload."""


def encode(item: Item) -> bytes:
    """Return the encoding of `item`: bytes, or a sequence of items, nested at will.

    Raises:
        TypeError: there is text in it, which to a type checker is a sequence of text.
    """
    if isinstance(item, bytes):
        return encode_bytes(item)
    if isinstance(item, str):
        raise TypeError(f"expected bytes or a sequence of items, got the text {item[:20]!r}")
    finished: list[tuple[Iterator[Item], list[bytes]]] = []
    pending: Iterator[Item] = iter(item)
    chunks: list[bytes] = []
    while True:
        for child in pending:
            if isinstance(child, bytes):
                chunks.append(encode_bytes(child))
            elif isinstance(child, str):
                raise TypeError(f"expected bytes or a sequence, got the text {child[:20]!r}")
            else:
                finished.append((pending, chunks))
                pending, chunks = iter(child), []
                break
        else:
            encoded = encode_list(chunks)
            if not finished:
                return encoded
            pending, chunks = finished.pop()
            chunks.append(encoded)


def encode_bytes(value: bytes) -> bytes:
    """Return the encoding of one byte string."""
    length = len(value)
    if length == 1 and value[0] < 0x80:
        return value
    if length <= 55:
        return (0x80 + length).to_bytes(1, "big") + value
    return _long_header(length, 0xB7) + value


def encode_list(encoded_items: Sequence[bytes]) -> bytes:
    """Return the encoding of a list whose items are encoded already."""
    payload = b"".join(encoded_items)
    return list_header(len(payload)) + payload


def encode_int(value: int) -> bytes:
    """Return the encoding of a non-negative integer: its shortest big-endian bytes."""
    if 0 <= value < 0x80:
        return _SMALL_INTS[value]
    length = (value.bit_length() + 7) >> 3
    if length <= _INT_BYTES_MAX:
        return _INT_HEADERS[length] + value.to_bytes(length, "big")
    return encode_bytes(int_bytes(value))


def int_bytes(value: int) -> bytes:
    """Return the shortest big-endian bytes of a non-negative integer; zero has none."""
    return value.to_bytes((value.bit_length() + 7) >> 3, "big")


def list_header(payload_bytes: int) -> bytes:
    """Return the prefix of a list whose payload has `payload_bytes` bytes."""
    if payload_bytes <= 55:
        return _LIST_HEADERS[payload_bytes]
    return _long_header(payload_bytes, 0xF7)


def _long_header(length: int, offset: int) -> bytes:
    digits = int_bytes(length)
    return (offset + len(digits)).to_bytes(1, "big") + digits


def decode(data: bytes) -> Decoded:
    """Return the one item that `data` encodes.

    Raises:
        InvalidEncoding: `data` is not the canonical encoding of exactly one item.
    """
    start, stop, is_list = item_span(data, 0, len(data))
    if stop != len(data):
        raise InvalidEncoding("rlp", f"the item to end at byte {stop}", f"{len(data)} bytes")
    return _decode_items(data, start, stop) if is_list else data[start:stop]


def decode_list(data: bytes) -> list[Decoded]:
    """Return the items of the one list that `data` encodes.

    Raises:
        InvalidEncoding: as `decode`, and when the item is a byte string.
    """
    start, stop, is_list = item_span(data, 0, len(data))
    if not is_list:
        raise InvalidEncoding("rlp", "a list", "a byte string")
    if stop != len(data):
        raise InvalidEncoding("rlp", f"the item to end at byte {stop}", f"{len(data)} bytes")
    return _decode_items(data, start, stop)


def _decode_items(data: bytes, position: int, end: int) -> list[Decoded]:
    """Decode the payload `data[position:end]` of a list.

    The common forms are written out here; `item_span` reads the rest and words the refusals.
    """
    items: list[Decoded] = []
    outer: list[tuple[list[Decoded], int]] = []
    while True:
        while position < end:
            prefix = data[position]
            if prefix < 0x80:
                items.append(_SINGLE[prefix])
                position += 1
                continue
            start = position + 1
            stop = start + prefix - 0x80
            if prefix <= 0xB7 and prefix != 0x81 and stop <= end:
                items.append(data[start:stop])
                position = stop
                continue
            start, stop, is_list = item_span(data, position, end)
            if is_list:
                outer.append((items, end))
                inner: list[Decoded] = []
                items.append(inner)
                items, position, end = inner, start, stop
            else:
                items.append(data[start:stop])
                position = stop
        if not outer:
            return items
        items, end = outer.pop()


def split_list(data: bytes) -> list[bytes]:
    """Return the items of the list that `data` encodes, each still encoded.

    The items' own insides are not looked at: whoever decodes them checks them.

    Raises:
        InvalidEncoding: `data` is not one list with canonical headers.
    """
    position, end, is_list = item_span(data, 0, len(data))
    if not is_list:
        raise InvalidEncoding("rlp", "a list", "a byte string")
    if end != len(data):
        raise InvalidEncoding("rlp", f"the item to end at byte {end}", f"{len(data)} bytes")
    items: list[bytes] = []
    while position < end:
        stop = item_span(data, position, end)[1]
        items.append(data[position:stop])
        position = stop
    return items


def item_span(data: bytes, position: int, end: int) -> tuple[int, int, bool]:
    """Return (payload start, payload stop, is it a list) of the item at `position`.

    Args:
        data: the whole input.
        position: index of the item's prefix byte.
        end: index behind the last byte that the item may use.

    Raises:
        InvalidEncoding: the header is not canonical, or the item reaches past `end`.
    """
    if position >= end:
        raise InvalidEncoding("rlp", f"an item at byte {position}", "the end of the input")
    prefix = data[position]
    if prefix < 0x80:
        return position, position + 1, False
    is_list = prefix >= 0xC0
    base = 0xC0 if is_list else 0x80
    start = position + 1
    length = prefix - base
    if length > 55:
        start, length = _long_length(data, start, length - 55, end)
    stop = start + length
    if stop > end:
        raise InvalidEncoding(
            "rlp", f"{length} bytes after byte {start}", f"only {max(end - start, 0)}"
        )
    if prefix == 0x81 and data[start] < 0x80:
        raise InvalidEncoding(
            "rlp", f"the byte {data[start]:#04x} to stand without a prefix", f"0x81 at {position}"
        )
    return start, stop, is_list


def _long_length(data: bytes, start: int, digits: int, end: int) -> tuple[int, int]:
    stop = start + digits
    if stop > end:
        raise InvalidEncoding("rlp", f"{digits} bytes of length at byte {start}", "fewer")
    if data[start] == 0:
        raise InvalidEncoding("rlp", f"no leading zero in the length at byte {start}", "one")
    length = int.from_bytes(data[start:stop], "big")
    if length <= 55:
        raise InvalidEncoding(
            "rlp", f"the short form for {length} bytes at byte {start - 1}", "the long form"
        )
    return stop, length


def read_int(item: Decoded, where: str, bits: int = 256) -> int:
    """Return the integer that a decoded item stands for.

    Args:
        item: an item of `decode`.
        where: what is being read, for the message.
        bits: the widest value allowed.

    Raises:
        InvalidEncoding: a list, a leading zero, or more than `bits` bits.
    """
    if not isinstance(item, bytes):
        raise InvalidEncoding(where, "an integer", "a list")
    if item and item[0] == 0:
        raise InvalidEncoding(where, "an integer without leading zeros", f"0x{item[:8].hex()}...")
    if len(item) * 8 > bits:
        raise InvalidEncoding(where, f"an integer of at most {bits} bits", f"{len(item)} bytes")
    return int.from_bytes(item, "big")


def read_bytes(item: Decoded, where: str, size: int | None = None) -> bytes:
    """Return a decoded item as bytes, of exactly `size` bytes if given.

    Raises:
        InvalidEncoding: a list, or another size.
    """
    if not isinstance(item, bytes):
        raise InvalidEncoding(where, "a byte string", "a list")
    if size is not None and len(item) != size:
        raise InvalidEncoding(where, f"{size} bytes", f"{len(item)} bytes")
    return item


def read_items(item: Decoded, where: str, count: int | None = None) -> list[Decoded]:
    """Return a decoded item as a list, of exactly `count` items if given.

    Raises:
        InvalidEncoding: a byte string, or another number of items.
    """
    if isinstance(item, bytes):
        raise InvalidEncoding(where, "a list", "a byte string")
    if count is not None and len(item) != count:
        raise InvalidEncoding(where, f"{count} items", f"{len(item)} items")
    return item
