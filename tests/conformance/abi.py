"""A small encoder of contract arguments, for the vectors of the `basic` group only.

Reference: Solidity documentation, contract ABI specification.
"""

from collections.abc import Sequence
from typing import Any

WORD = 32


def encode_arguments(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """Return the ABI encoding of a tuple of arguments."""
    heads, tails = [], []
    offset = sum(_head_bytes(each) for each in types)
    for each, value in zip(types, values, strict=True):
        encoded = _encode(each, value)
        if _is_dynamic(each):
            heads.append(offset.to_bytes(WORD, "big"))
            tails.append(encoded)
            offset += len(encoded)
        else:
            heads.append(encoded)
    return b"".join(heads + tails)


def _encode(kind: str, value: Any) -> bytes:
    if kind.endswith("]"):
        element, _, count = kind[:-1].rpartition("[")
        assert not count or int(count) == len(value), f"{kind} with {len(value)} elements"
        length = b"" if count else len(value).to_bytes(WORD, "big")
        return length + encode_arguments([element] * len(value), value)
    if kind in ("bytes", "string"):
        data = _data(value)
        return len(data).to_bytes(WORD, "big") + data + bytes(-len(data) % WORD)
    if kind.startswith("bytes"):
        data = _data(value)
        assert len(data) == int(kind.removeprefix("bytes")), f"{kind} with {len(data)} bytes"
        return data.ljust(WORD, b"\0")
    number = int(value, 0) if isinstance(value, str) else int(value)
    if kind.startswith("int"):
        return (number % 2**256).to_bytes(WORD, "big")
    assert kind.startswith("uint") or kind in ("address", "bool"), f"unknown type {kind}"
    return number.to_bytes(WORD, "big")


def _data(value: str) -> bytes:
    return bytes.fromhex(value[2:]) if value.startswith("0x") else value.encode()


def _is_dynamic(kind: str) -> bool:
    if kind.endswith("[]"):
        return True
    if kind.endswith("]"):
        return _is_dynamic(kind.rpartition("[")[0])
    return kind in ("bytes", "string")


def _head_bytes(kind: str) -> int:
    if not _is_dynamic(kind) and kind.endswith("]"):
        element, _, count = kind[:-1].rpartition("[")
        return int(count) * _head_bytes(element)
    return WORD
