"""The nodes of a trie in memory, and the encodings by which parents name them.

There are millions of them, so their forms are spare:

* nothing is None;
* a leaf holds its whole key and a value of whatever kind its owner keeps anyway. What a parent
  says of it, its *reference*, is encoded when it changes and kept in the parent only;
* a branch is a list of 33 slots: sixteen children, their sixteen references, and the encoding of
  the value that no branch has here, so that the list's end is the node's payload. A list is
  copied in one go, and never written once it stands in a trie;
* an extension holds the nibbles that its keys share, one in a byte.

A depth is a number of nibbles from the root. Keys have 32 bytes.

Reference: Ethereum yellow paper, appendices C and D.
"""

from typing import Any, TypeAlias

import msgspec

from primitives.keccak import keccak256
from primitives.rlp import EMPTY_STRING, encode_bytes, encode_list, list_header

KEY_BYTES = 32
HASHED = 32
"""Encodings of this many bytes or more are named by their hash, shorter ones stand inline."""


class Leaf(msgspec.Struct, frozen=True, gc=False):
    """One key and its value."""

    key: bytes
    value: Any


Branch: TypeAlias = list[Any]
"""Children at 0..15, None for none, at least two others; references at 16..31; `EMPTY_STRING`."""


class Extension(msgspec.Struct, frozen=True, gc=False):
    """Nibbles that all keys below share, then a branch."""

    nibbles: bytes
    child: Branch
    reference: bytes
    """Of the child."""


Node: TypeAlias = Leaf | Branch | Extension | None

NO_CHILDREN: tuple[Any, ...] = (None,) * 16 + (EMPTY_STRING,) * 17
"""The slots of a branch before it has a child."""

_HEADERS = tuple([list_header(length) for length in range(1_024)])
"""Prefix of a list by the length of its payload."""

_LONG = tuple([encode_bytes(bytes(length))[:-length] for length in range(1, 256)])
"""Prefix of a string by its length less one; a leaf's value often has more than 55 bytes."""

_EVEN = tuple([encode_bytes(b"\x20" + bytes(rest))[:-rest] for rest in range(1, 33)])
"""How the path of a leaf begins that has so many bytes (1..32) and an even number of nibbles."""

_ODD = tuple(
    [
        tuple(
            [
                encode_bytes(bytes((0x30 | nibble, *bytes(rest))))[: 2 if rest else 1]
                for nibble in range(16)
            ]
        )
        for rest in range(32)
    ]
)
"""Likewise for one nibble and so many bytes (0..31)."""


def leaf_payload(key: bytes, value: bytes, depth: int) -> bytes:
    """Return the encoded items of a leaf: the rest of its path below `depth`, and its value."""
    half = depth >> 1
    if depth & 1:
        path = _ODD[31 - half][key[half] & 15] + key[half + 1 :]
    elif depth < 64:
        path = _EVEN[31 - half] + key[half:]
    else:
        path = b"\x20"
    return path + (_LONG[len(value) - 1] + value if 55 < len(value) < 256 else encode_bytes(value))


def reference(payload: bytes) -> bytes:
    """Return how a parent names the node whose encoded items are given."""
    length = len(payload)
    header = _HEADERS[length] if length < len(_HEADERS) else list_header(length)
    if length >= HASHED - 1:
        return b"\xa0" + keccak256(header + payload)
    return header + payload


def branch_reference(branch: Branch) -> bytes:
    """Return how a parent names a branch."""
    return reference(b"".join(branch[16:]))


def extension_payload(nibbles: bytes, child: bytes) -> bytes:
    """Return the encoded items of an extension, from its nibbles and its child's reference."""
    flag = b"\x01" if len(nibbles) & 1 else b"\x00\x00"
    return encode_bytes(bytes.fromhex(nibbles_text(flag + nibbles))) + child


def nibbles_text(nibbles: bytes) -> str:
    """Return a path, which has one nibble in a byte, in hexadecimal."""
    return nibbles.hex()[1::2]


def nibble_at(key: bytes, depth: int) -> int:
    """Return the nibble of a key at a depth."""
    return key[depth >> 1] & 15 if depth & 1 else key[depth >> 1] >> 4


def nibbles_between(key: bytes, depth: int, end: int) -> bytes:
    """Return the nibbles of a key from `depth` to before `end`, one in a byte."""
    return bytes([nibble_at(key, at) for at in range(depth, end)])


def parting(one: bytes, other: bytes, depth: int) -> int:
    """Return the depth at which two different keys part that agree up to `depth`."""
    at = depth >> 1
    if one[at] == other[at]:
        at += 1
        while one[at] == other[at]:
            at += 1
        depth = at << 1
    if depth & 1 or one[at] >> 4 != other[at] >> 4:
        return depth
    return depth + 1


def encode_node(payload: bytes) -> bytes:
    """Return the RLP of a node from its encoded items."""
    return encode_list((payload,))
