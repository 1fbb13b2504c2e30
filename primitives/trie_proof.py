"""Merkle proofs over an ordered trie: that a value stands at an index under a root.

A proof is the list of nodes on the way from the root to the value. The proofs of several values
of one trie share their upper nodes, so they travel as one bag of nodes without repetition, and
who checks looks each node up by its hash. Nothing in the bag is trusted: a node is found only
under its own hash, and the way is told by the index alone. Nodes that nobody needs do no harm.

Reference: Yellow Paper, appendix D; EIP-1186 for the form of a proof.
"""

from collections.abc import Iterable, Mapping, Sequence

from primitives import rlp
from primitives.errors import CryptoError, InvalidEncoding
from primitives.ids import Hash32
from primitives.keccak import keccak256
from primitives.rlp import Decoded, encode_int
from primitives.trie import compact_path, ordered_nodes

BRANCH_ITEMS = 17
PAIR_ITEMS = 2
WHERE = "proof"


class InvalidProof(CryptoError):
    """A proof that does not show what it should."""


def prove_ordered(values: Sequence[bytes], indexes: Iterable[int]) -> tuple[bytes, ...]:
    """Return the nodes that prove `values[i]` for each index, each node once, upper ones first.

    Raises:
        IndexError: an index that has no value.
    """
    root, nodes = ordered_nodes(values)
    needed: dict[bytes, None] = {}
    for index in indexes:
        if not 0 <= index < len(values):
            raise IndexError(index)
        visited: list[bytes] = []
        _follow(root, index, nodes, visited)
        needed.update(dict.fromkeys(visited))
    return tuple(needed)


def index_nodes(nodes: Iterable[bytes]) -> dict[Hash32, bytes]:
    """Return the nodes of a proof by their hashes, as `proven_value` wants them."""
    return {keccak256(node): node for node in nodes}


def proven_value(root: Hash32, index: int, nodes: Mapping[Hash32, bytes]) -> bytes:
    """Return the value that stands at `index` under `root`.

    Args:
        root: of an ordered trie (`primitives.trie.ordered_root`), from a source that is trusted.
        index: which value.
        nodes: of the proof, by their true hashes.

    Raises:
        InvalidProof: a node is missing or is none, or there is no value at the index.
    """
    return _follow(root, index, nodes, [])


def _follow(root: Hash32, index: int, nodes: Mapping[Hash32, bytes], visited: list[bytes]) -> bytes:
    """Walk from the root to a value; note the hashed nodes on the way."""
    path = encode_int(index).hex()
    reference: Decoded = bytes(root)
    while True:
        items = _open(reference, nodes, visited)
        if len(items) == BRANCH_ITEMS:
            if not path:
                return _value(items[16], index)
            reference, path = items[int(path[0], 16)], path[1:]
            continue
        nibbles, is_leaf = _compact(items[0])
        if is_leaf:
            if nibbles != path:
                raise InvalidProof(WHERE, f"a value at {index}", "another's leaf")
            return _value(items[1], index)
        if not nibbles or not path.startswith(nibbles):
            raise InvalidProof(WHERE, f"a value at {index}", "an extension that leads elsewhere")
        reference, path = items[1], path[len(nibbles) :]


def _open(reference: Decoded, nodes: Mapping[Hash32, bytes], visited: list[bytes]) -> list[Decoded]:
    """Return the items of the node that a parent refers to."""
    if isinstance(reference, bytes):
        node = nodes.get(Hash32(reference))
        if node is None:
            found = reference.hex() or "nothing"
            raise InvalidProof(WHERE, "every node on the way", f"none for {found}")
        visited.append(node)
        try:
            reference = rlp.decode_list(node)
        except InvalidEncoding as error:
            raise InvalidProof(WHERE, "nodes in canonical RLP", error) from error
    if len(reference) not in (BRANCH_ITEMS, PAIR_ITEMS):
        raise InvalidProof(WHERE, "nodes of 2 or 17 items", f"{len(reference)} items")
    return reference


def _compact(item: Decoded) -> tuple[str, bool]:
    """Return (nibbles, is it a leaf's) of a hex-prefix encoding."""
    if isinstance(item, bytes) and item:
        digits = item.hex()
        nibbles = digits[1:] if digits[0] in "13" else digits[2:]
        is_leaf = digits[0] in "23"
        if compact_path(nibbles, is_leaf) == item:
            return nibbles, is_leaf
    raise InvalidProof(WHERE, "a path in hex-prefix encoding", item)


def _value(item: Decoded, index: int) -> bytes:
    if not isinstance(item, bytes) or not item:
        raise InvalidProof(WHERE, f"a value at {index}", "none")
    return item
