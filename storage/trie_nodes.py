"""The nodes of a trie in memory, and the encodings by which parents name them.

There are millions of them, so their forms are spare:

* nothing is None;
* a leaf holds its whole key and a value of whatever kind its owner keeps anyway. What a parent
  says of it, its *reference*, is encoded when it changes and kept in the parent only;
* a branch holds the children that it has, a bit for each place, and its whole encoding. Its
  children's references are read from there: one run of bytes is nearer to the processor than
  sixteen objects, and an update copies it in one go;
* an extension holds the nibbles that its keys share, one in a byte;
* a stub stands for a node that lies in a store and was not loaded (`storage.stored_trie`).

A depth is a number of nibbles from the root. Keys have 32 bytes.

Reference: Ethereum yellow paper, appendices C and D.
"""

from collections.abc import Iterator
from typing import Any, Protocol, TypeAlias

import msgspec

from primitives.keccak import keccak256
from primitives.rlp import EMPTY_STRING, encode_bytes, list_header

KEY_BYTES = 32
HASH_BYTES = 33
"""Bytes of a reference that is a hash."""
HASHED = 32
"""Encodings of this many bytes or more are named by their hash, shorter ones stand inline."""


class Leaf(msgspec.Struct, frozen=True, gc=False):
    """One key and its value."""

    key: bytes
    value: Any


class Branch(msgspec.Struct, frozen=True, gc=False):
    """Sixteen places, of which at least two have a child."""

    mask: int
    """Bit n is set if there is a child at nibble n."""
    children: "tuple[Leaf | Branch | Extension | Stub, ...]"
    """Those that there are, by their nibbles."""
    encoding: bytes
    """RLP of the node."""


class Extension(msgspec.Struct, frozen=True, gc=False):
    """Nibbles that all keys below share, then a branch."""

    nibbles: bytes
    child: "Branch | Stub"
    reference: bytes
    """Of the child."""


Loaded: TypeAlias = Leaf | Branch | Extension


class Unloaded(Protocol):
    """What is in the store below one node, or at the top."""

    def load(self, nibble: int) -> Loaded:
        """Return the node at a place, as it was committed to; an error if it is another."""
        ...

    def keys_below(self, nibble: int) -> Iterator[bytes]:
        """Yield the store's keys of the node at a place and of all that are below it."""
        ...


class Stub(msgspec.Struct, gc=False, eq=False):
    """A node that is loaded when somebody comes there, and kept from then on.

    Its parent says how it is named. Those who let a trie go let go what was loaded for it.
    """

    below: Unloaded
    nibble: int
    """Its place in a branch; anything where only one node can stand."""
    node: Loaded | None = None
    """The node, once it is loaded."""


Node: TypeAlias = Loaded | Stub | None
Named: TypeAlias = tuple[Node, bytes]
"""A node and how a parent names it."""

ABSENT: Named = (None, EMPTY_STRING)

_HEADERS = tuple([list_header(length) for length in range(1_024)])
"""Prefix of a list by the length of its payload."""

LENGTHS = tuple([len(_HEADERS[17 + 32 * count]) + 17 + 32 * count for count in range(17)])
"""Bytes of a branch by the number of its children, if they are all hashes."""

STARTS = tuple([len(_HEADERS[17 + 32 * count]) for count in range(17)])
"""Bytes of the header of such a branch."""

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


def loaded(stub: Stub) -> Loaded:
    """Return the node for which a stub stands."""
    node = stub.node
    if node is None:
        node = stub.node = stub.below.load(stub.nibble)
    return node


def passing(stub: Stub) -> Loaded:
    """Return the node for which a stub stands; one that has to be loaded is not kept."""
    return stub.below.load(stub.nibble) if stub.node is None else stub.node


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


def named_branch(branch: Branch) -> Named:
    """Return a branch and how a parent names it."""
    encoding = branch.encoding
    if len(encoding) < HASHED:
        return branch, encoding
    return branch, b"\xa0" + keccak256(encoding)


def make_branch(mask: int, children: "list[Any]", references: list[bytes]) -> Branch:
    """Return a branch.

    Args:
        mask: as in `Branch`.
        children: those that there are.
        references: of all sixteen places; `EMPTY_STRING` where there is none.
    """
    references.append(EMPTY_STRING)
    payload = b"".join(references)
    return Branch(mask, tuple(children), _HEADERS[len(payload)] + payload)


def child_at(branch: Branch, nibble: int) -> Named:
    """Return the child at a place of a branch, if there is one, and its reference."""
    mask, bit = branch.mask, 1 << nibble
    if not mask & bit:
        return ABSENT
    start, end = span(branch.encoding, mask, nibble)
    return branch.children[(mask & (bit - 1)).bit_count()], branch.encoding[start:end]


def hashes_start(branch: Branch) -> int:
    """Return where the references begin in the encoding if all children are hashes, else 0.

    Nearly always they are. Then those at places with a child have 33 bytes, and all others one.
    """
    count = len(branch.children)
    return STARTS[count] if len(branch.encoding) == LENGTHS[count] else 0


def references_of(branch: Branch) -> list[bytes]:
    """Return the references of all sixteen places."""
    encoding, mask = branch.encoding, branch.mask
    position = hashes_start(branch)
    if not position:
        return [encoding[slice(*span(encoding, mask, nibble))] for nibble in range(16)]
    found: list[bytes] = []
    for nibble in range(16):
        if mask >> nibble & 1:
            found.append(encoding[position : position + 33])
            position += 33
        else:
            found.append(EMPTY_STRING)
            position += 1
    return found


def span(encoding: bytes, mask: int, nibble: int) -> tuple[int, int]:
    """Return where the reference at a place begins and ends in a branch's encoding."""
    count = mask.bit_count()
    if len(encoding) == LENGTHS[count]:
        start = STARTS[count] + nibble + 32 * (mask & ((1 << nibble) - 1)).bit_count()
        return start, start + (33 if mask >> nibble & 1 else 1)
    position = 1 if encoding[0] < 0xF8 else encoding[0] - 0xF6
    end = position
    for _ in range(nibble + 1):
        position = end
        first = encoding[position]
        # A child that stands inside is a list of fewer than 32 bytes: one byte says how many.
        end += 1 if first <= 0x80 else 33 if first == 0xA0 else first - 0xC0 + 1
    return position, end


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
