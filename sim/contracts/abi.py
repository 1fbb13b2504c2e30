"""Calls as contracts expect them: a selector, and arguments in words of 32 bytes.

A static argument takes one word in the head. A dynamic one (`bytes`, `string`, an array) leaves its
offset there and stands in the tail, after all heads, with its length before it. Tuples and arrays
of fixed size are left out: no contract of ours has one.

Reference: Solidity documentation, Contract ABI Specification.
"""

import re
from collections.abc import Sequence

from primitives.errors import InvalidInput
from primitives.keccak import keccak256

WORD = 32
SELECTOR_BYTES = 4

Value = int | bool | bytes | str | Sequence["Value"]
"""An integer, a truth value, bytes (also an address), text, or several of one type."""

_SIGNATURE = re.compile(r"[A-Za-z_$][\w$]*\(([^()]*)\)")
_SIZED = re.compile(r"(u?int|bytes)(\d*)")


class MalformedCall(InvalidInput):
    """A signature cannot be read, or a value does not fit its type."""


def selector(signature: str) -> bytes:
    """Return the four bytes that choose a function, such as `transfer(address,uint256)`."""
    return keccak256(signature.encode())[:SELECTOR_BYTES]


def encode_call(signature: str, *values: Value) -> bytes:
    """Return the data of a call.

    Args:
        signature: name and types, without spaces, aliases or names of arguments.
        values: one for each type.

    Raises:
        MalformedCall: the signature or a value is wrong.
    """
    match = _SIGNATURE.fullmatch(signature)
    if match is None:
        raise MalformedCall("signature", "name(type,...) without tuples", signature)
    kinds = match.group(1).split(",") if match.group(1) else []
    return selector(signature) + encode_arguments(kinds, values)


def encode_arguments(kinds: Sequence[str], values: Sequence[Value]) -> bytes:
    """Return the encoding of values of these types, as in a call's or a constructor's arguments.

    Raises:
        MalformedCall: a type is not known or a value does not fit it.
    """
    if len(kinds) != len(values):
        raise MalformedCall("arguments", f"{len(kinds)} values", len(values))
    heads: list[bytes] = []
    tail = b""
    head_bytes = WORD * len(kinds)
    for kind, value in zip(kinds, values, strict=True):
        if is_dynamic(kind):
            heads.append(_word(head_bytes + len(tail)))
            tail += _dynamic(kind, value)
        else:
            heads.append(encode_static(kind, value))
    return b"".join(heads) + tail


def is_dynamic(kind: str) -> bool:
    """Whether values of the type stand in the tail."""
    return kind in ("bytes", "string") or kind.endswith("[]")


def encode_static(kind: str, value: Value) -> bytes:
    """Return the word of a static value.

    Raises:
        MalformedCall: the type is not known or the value does not fit it.
    """
    if kind == "bool" and isinstance(value, bool):
        return _word(int(value))
    if kind == "address" and isinstance(value, bytes) and len(value) == 20:
        return value.rjust(WORD, b"\x00")
    base, size = _sized(kind)
    if base == "bytes" and isinstance(value, bytes) and len(value) == size:
        return value.ljust(WORD, b"\x00")
    if base in ("uint", "int") and isinstance(value, int) and not isinstance(value, bool):
        low, high = (0, 1 << size) if base == "uint" else (-(1 << size - 1), 1 << size - 1)
        if low <= value < high:
            return _word(value % (1 << 256))
    raise MalformedCall("arguments", f"a value of type {kind}", value)


def _sized(kind: str) -> tuple[str, int]:
    """Split `uint112` or `bytes4` into base and size; the base is empty if it is none."""
    match = _SIZED.fullmatch(kind)
    if match is None or not match.group(2):
        return "", 0
    base, size = match.group(1), int(match.group(2))
    known = 1 <= size <= 32 if base == "bytes" else size % 8 == 0 and 8 <= size <= 256
    return (base, size) if known else ("", 0)


def _dynamic(kind: str, value: Value) -> bytes:
    if kind.endswith("[]") and isinstance(value, list | tuple):
        return _word(len(value)) + encode_arguments([kind[:-2]] * len(value), value)
    if kind == "string" and isinstance(value, str):
        value = value.encode()
    elif kind != "bytes" or not isinstance(value, bytes):
        raise MalformedCall("arguments", f"a value of type {kind}", value)
    padding = -len(value) % WORD
    return _word(len(value)) + value + bytes(padding)


def _word(number: int) -> bytes:
    return number.to_bytes(WORD, "big")
