"""The canonical encoding of Orrery's own structures (Ethereum's are RLP).

MessagePack by msgspec. A structure has one encoding: fields in order, shortest integers, map keys
sorted; the decoder refuses every other, so that what is hashed or signed has one form.
"""

from typing import TypeVar

import msgspec

from primitives.errors import InvalidEncoding, InvalidInput

T = TypeVar("T")

_ENCODER = msgspec.msgpack.Encoder(order="deterministic")

DECODE_BYTES_MAX = 16_777_216
"""Longest input that is decoded unless the caller says otherwise."""


def encode_canonical(value: object) -> bytes:
    """Return the canonical bytes of a Struct, or of ints, bytes, text and tuples of them."""
    return _ENCODER.encode(value)


def decode_canonical(data: bytes, expected: type[T], bytes_max: int = DECODE_BYTES_MAX) -> T:
    """Return the value of type `expected` that `data` encodes.

    Raises:
        InvalidEncoding: too long, malformed, of another type, or not the canonical form.
    """
    where = getattr(expected, "__name__", str(expected))
    if len(data) > bytes_max:
        raise InvalidEncoding(where, f"at most {bytes_max} bytes", f"{len(data)}")
    try:
        value = msgspec.msgpack.decode(data, type=expected)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidEncoding(where, "its MessagePack form", str(error)) from error
    except InvalidInput as error:
        raise InvalidEncoding(where, "a value that keeps its own rules", str(error)) from error
    if _ENCODER.encode(value) != data:
        raise InvalidEncoding(where, "the canonical MessagePack form", "another form of the value")
    return value
