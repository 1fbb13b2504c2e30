"""From rows to nodes. What is below a node that was read stays in the store, as stubs."""

from collections.abc import Iterator
from types import MappingProxyType

import msgspec

from primitives import rlp
from primitives.errors import InvalidEncoding
from primitives.rlp import EMPTY_STRING
from storage.stored_trie.rows import Rows
from storage.trie_nodes import (
    HASH_BYTES,
    KEY_BYTES,
    LENGTHS,
    STARTS,
    Branch,
    Extension,
    Leaf,
    Loaded,
    Stub,
    nibbles_text,
    span,
)
from storage.trie_reading import BRANCH_ITEMS, node_items, node_path

NIBBLES = tuple([bytes((nibble,)) for nibble in range(16)])
_HASH_HEAD, _NOTHING = 0xA0, 0x80
"""First bytes of a hash and of an empty place."""
_LONG_STRING, _LONG_LIST = 0xB8, b"\xf8"
"""First bytes of a string and of a list of which one byte more says the length."""
SHORT_BYTES_MAX = 55
_BITS = tuple([1 << nibble for nibble in range(16)])
_COUNTS = MappingProxyType({LENGTHS[count]: count for count in range(2, 17)})
"""Children of a branch, by its bytes, if they are all hashes."""


class Children(msgspec.Struct, frozen=True, gc=False):
    """What is in the store below a branch."""

    rows: Rows
    path: bytes
    """Of the branch; one nibble in a byte."""
    mask: int
    """As the branch's; its encoding, too, as it was when it was read."""
    encoding: bytes

    def load(self, nibble: int) -> Loaded:
        """Return the child at a place."""
        start, end = span(self.encoding, self.mask, nibble)
        path = self.path + NIBBLES[nibble]
        return read_node(self.rows, path, self.encoding[start:end])

    def keys_below(self, nibble: int) -> Iterator[bytes]:
        """Yield the store's keys of the child at a place and of all that are below it."""
        return self.rows.keys_below(self.path + NIBBLES[nibble])


class Only(msgspec.Struct, frozen=True, gc=False):
    """A node in the store that no branch is the parent of: the topmost, or below an extension."""

    rows: Rows
    path: bytes
    name: bytes
    """Its hash, with the byte 0xa0 before it."""

    def load(self, _nibble: int) -> Loaded:
        """Return the node."""
        return read_node(self.rows, self.path, self.name)

    def keys_below(self, _nibble: int) -> Iterator[bytes]:
        """Yield the store's keys of the node and of all that are below it."""
        return self.rows.keys_below(self.path)


def only_stub(rows: Rows, path: bytes, name: bytes) -> Stub:
    """Return the stub of a node that no branch is the parent of."""
    return Stub(Only(rows, path, name), 0)


def read_node(rows: Rows, path: bytes, name: bytes) -> Loaded:
    """Return the node that lies at a path.

    Raises:
        StoredTrieError: there is none, or another.
    """
    return decoded_row(rows, path, rows.read(path, name))


def decoded_row(rows: Rows, path: bytes, row: bytes) -> Loaded:
    """Return the node that a row of the right hash holds.

    Raises:
        CorruptTrieNode: it holds none.
    """
    try:
        return decode_node(rows, path, row)
    except InvalidEncoding as error:
        raise rows.refusal(path, error) from error


def decode_node(rows: Rows, path: bytes, encoding: bytes) -> Loaded:
    """Return an encoded node that stands at a path.

    Raises:
        InvalidEncoding: it is none.
    """
    mask = _mask_of_hashes(encoding)
    if mask:
        below = Children(rows, path, mask, encoding)
        stubs = [Stub(below, nibble) for nibble in range(16) if mask >> nibble & 1]
        return Branch(mask, tuple(stubs), encoding)
    usual = _usual_leaf(path, encoding)
    if usual is not None:
        return Leaf(usual[0], rows.decode(rows.source, *usual))
    items = node_items(encoding)
    if len(items) == BRANCH_ITEMS:
        return _branch(rows, path, encoding, items)
    nibbles, is_leaf = node_path(items[0])
    if is_leaf:
        return _leaf(rows, path, nibbles, items[1])
    return _extension(rows, path, nibbles, items[1])


def _mask_of_hashes(encoding: bytes) -> int:
    """Return the mask of an encoded branch if all its children are hashes; 0 for other nodes.

    Nearly all nodes are such branches, and cutting one into items takes several times longer.
    """
    count = _COUNTS.get(len(encoding), 0)
    if not count:
        return 0
    position, end, mask = STARTS[count], len(encoding) - 1, 0
    for bit in _BITS:
        if position >= end:
            return 0
        first = encoding[position]
        if first == _HASH_HEAD:
            mask |= bit
            position += HASH_BYTES
        elif first == _NOTHING:
            position += 1
        else:
            return 0
    return mask if encoding[position:] == EMPTY_STRING else 0


def _usual_leaf(path: bytes, encoding: bytes) -> tuple[bytes, bytes] | None:
    """Return key and value of an encoded leaf; None for other nodes, and for unusual leaves.

    Usual is a path of two bytes or more, a value of 2 to 255, and that all is as it should be.
    """
    size, is_odd = (2 * KEY_BYTES - len(path) >> 1) + 1, len(path) & 1
    start = 2 if encoding[:1] == _LONG_LIST else 1
    split, length = start + 1 + size, len(encoding) - start
    if size < 2 or length < size + 3 or encoding[start] != 0x80 + size:
        return None
    is_long = length > SHORT_BYTES_MAX
    if is_long != (start == 2) or encoding[start - 1] != (length if is_long else 0xC0 + length):
        return None
    packed, head = encoding[start + 1 : split], encoding[split]
    value = encoding[split + (2 if head == _LONG_STRING else 1) :]
    if head == _LONG_STRING:
        is_whole = encoding[split + 1] == len(value) > SHORT_BYTES_MAX
    else:
        is_whole = len(value) > 1 and head == 0x80 + len(value) <= 0x80 + SHORT_BYTES_MAX
    if not is_whole or (packed[0] >> 4 != 3 if is_odd else packed[0] != 0x20):
        return None
    return bytes.fromhex(nibbles_text(path) + packed.hex()[2 - is_odd :]), value


def _branch(rows: Rows, path: bytes, encoding: bytes, items: list[bytes]) -> Branch:
    mask = 0
    for nibble in range(16):
        if items[nibble] != EMPTY_STRING:
            mask |= 1 << nibble
    below = Children(rows, path, mask, encoding)
    children: list[Loaded | Stub] = []
    for nibble in range(16):
        name = items[nibble]
        if len(name) == HASH_BYTES:
            children.append(Stub(below, nibble))
        elif name != EMPTY_STRING:
            children.append(decode_node(rows, path + NIBBLES[nibble], name))
    if len(children) < 2 or items[16] != EMPTY_STRING:
        raise InvalidEncoding("trie.branch", "two children and no value", encoding.hex())
    return Branch(mask, tuple(children), encoding)


def _extension(rows: Rows, path: bytes, nibbles: str, name: bytes) -> Extension:
    if not nibbles:
        raise InvalidEncoding("trie.extension", "nibbles", "none")
    shared = bytes.fromhex("0" + "0".join(nibbles))
    at = path + shared
    if len(name) == HASH_BYTES:
        return Extension(shared, only_stub(rows, at, name), name)
    child = decode_node(rows, at, name)
    if not isinstance(child, Branch):
        raise InvalidEncoding("trie.extension", "a branch below it", name.hex())
    return Extension(shared, child, name)


def _leaf(rows: Rows, path: bytes, nibbles: str, item: bytes) -> Leaf:
    text = nibbles_text(path) + nibbles
    if len(text) != 2 * KEY_BYTES:
        raise InvalidEncoding("trie.leaf", f"a key of {KEY_BYTES} bytes", text)
    key, value = bytes.fromhex(text), rlp.decode(item)
    if not isinstance(value, bytes):
        raise InvalidEncoding("trie.leaf", "a byte string", "a list")
    return Leaf(key, rows.decode(rows.source, key, value))
