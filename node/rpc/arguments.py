"""Decode arguments of calls, and refuse them in go-ethereum's words.

Libraries and their users match these texts, so they are kept to the letter where go-ethereum has
one, names of its types included.

Reference: go-ethereum rpc/json.go (parsePositionalArguments), common/hexutil/json.go;
execution-apis src/schemas/base-types.yaml.
"""

import string
from collections.abc import Callable, Sequence
from typing import TypeVar

from node.rpc.errors import invalid_params
from primitives.errors import OrreryError

Value = TypeVar("Value")
Default = TypeVar("Default")

_DIGITS = frozenset(string.hexdigits)
_UINT64_DIGITS = 16
_UINT256_DIGITS = 64
_ADDRESS_BYTES = 20
_HASH_BYTES = 32


class BadArgument(OrreryError):
    """An argument that is not what its place wants; `required` and `optional` add the place."""


def required(parameters: Sequence[object], place: int, decode: Callable[[object], Value]) -> Value:
    """Decode the argument at a place.

    Raises:
        RpcError: it is missing, null or not what `decode` takes.
    """
    if place >= len(parameters) or parameters[place] is None:
        raise invalid_params(f"missing value for required argument {place}")
    try:
        return decode(parameters[place])
    except BadArgument as error:
        raise invalid_params(f"invalid argument {place}: {error}") from None


def optional(
    parameters: Sequence[object],
    place: int,
    decode: Callable[[object], Value],
    default: Default,
) -> Value | Default:
    """Decode the argument at a place, or return the default if it is left out or null.

    Raises:
        RpcError: it is not what `decode` takes.
    """
    if place >= len(parameters) or parameters[place] is None:
        return default
    return required(parameters, place, decode)


def quantity(value: object) -> int:
    """Decode "0x0" or hex digits without leading zeros, up to 256 bits."""
    return _quantity(value, "*hexutil.Big", _UINT256_DIGITS, "hex number > 256 bits")


def quantity64(value: object) -> int:
    """Decode a quantity of at most 64 bits."""
    return _quantity(value, "hexutil.Uint64", _UINT64_DIGITS, "hex number > 64 bits")


def data(value: object) -> bytes:
    """Decode "0x" and pairs of hex digits, however many."""
    return _decoded(_digits(value, "hexutil.Bytes"), "hexutil.Bytes")


def address(value: object) -> bytes:
    """Decode 20 bytes; the case of the digits says nothing."""
    return _fixed(value, _ADDRESS_BYTES, "common.Address")


def hash32(value: object) -> bytes:
    """Decode 32 bytes: the hash of a block or a transaction, a topic."""
    return _fixed(value, _HASH_BYTES, "common.Hash")


def boolean(value: object) -> bool:
    """Decode true or false."""
    if isinstance(value, bool):
        return value
    raise unfit(kind(value), "bool")


def text(value: object) -> str:
    """Decode a string."""
    if isinstance(value, str):
        return value
    raise unfit(kind(value), "string")


def mapping(value: object, name: str) -> dict[str, object]:
    """Decode an object; `name` is what go-ethereum calls its type."""
    if isinstance(value, dict):
        return value
    raise unfit(kind(value), name)


def unfit(found: str, wanted: str) -> BadArgument:
    """Return the error for a JSON value of the wrong kind, as Go's decoder words it."""
    return BadArgument(f"json: cannot unmarshal {found} into Go value of type {wanted}")


def kind(value: object) -> str:
    """Return what Go's decoder calls a JSON value."""
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case dict():
            return "object"
        case _:
            return "array"


def uint64(text: str) -> int:
    """Decode a number of at most 64 bits where go-ethereum names no type in its refusals."""
    return _number(text, _UINT64_DIGITS, "hex number > 64 bits")


def _quantity(value: object, name: str, digits_max: int, range_text: str) -> int:
    if not isinstance(value, str):
        raise unfit("non-string", name)
    try:
        return _number(value, digits_max, range_text)
    except BadArgument as error:
        raise unfit(str(error), name) from None


def _number(text: str, digits_max: int, range_text: str) -> int:
    digits = _prefixed(text)
    if not digits:
        raise BadArgument('hex string "0x"')
    if len(digits) > 1 and digits[0] == "0":
        raise BadArgument("hex number with leading zero digits")
    if len(digits) > digits_max:
        raise BadArgument(range_text)
    if not _DIGITS.issuperset(digits):
        raise BadArgument("invalid hex string")
    return int(digits, 16)


def _fixed(value: object, size: int, name: str) -> bytes:
    if isinstance(value, str) and len(value) == 2 + 2 * size and value.startswith(("0x", "0X")):
        try:
            found = bytes.fromhex(value[2:])
        except ValueError:
            found = b""
        if len(found) == size:
            return found
    digits = _digits(value, name)
    if len(digits) != 2 * size:
        raise BadArgument(f"hex string has length {len(digits)}, want {2 * size} for {name}")
    return _decoded(digits, name)


def _digits(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise unfit("non-string", name)
    try:
        digits = _prefixed(value)
    except BadArgument as error:
        raise unfit(str(error), name) from None
    if len(digits) % 2:
        raise unfit("hex string of odd length", name)
    return digits


def _prefixed(text: str) -> str:
    if not text:
        raise BadArgument("empty hex string")
    if not text.startswith(("0x", "0X")):
        raise BadArgument("hex string without 0x prefix")
    return text[2:]


def _decoded(digits: str, name: str) -> bytes:
    if not digits.isalnum() and digits:  # fromhex would skip spaces
        raise unfit("invalid hex string", name)
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise unfit("invalid hex string", name) from None
