"""A Merkle Patricia trie as the textbook has it: nodes, inserted one key at a time.

The twin of `primitives.trie`, which builds ranges of sorted keys instead. Slow and plain.
"""

from dataclasses import dataclass, field

from primitives import rlp
from primitives.keccak import keccak256


@dataclass
class Node:
    """One node for each nibble of each key; nothing is compressed until it is encoded."""

    children: dict[int, "Node"] = field(default_factory=dict)
    value: bytes = b""


def naive_root(items: dict[bytes, bytes]) -> bytes:
    """Return the root over key-value pairs; an empty value is an absent key."""
    root = Node()
    for key, value in items.items():
        if value:
            _insert(root, key, value)
    if not root.children and not root.value:
        return keccak256(rlp.encode(b""))
    return keccak256(rlp.encode(_structure(root)))


def _insert(node: Node, key: bytes, value: bytes) -> None:
    for byte in key:
        for nibble in (byte >> 4, byte & 15):
            node = node.children.setdefault(nibble, Node())
    node.value = value


def _structure(node: Node) -> list[rlp.Decoded]:
    """Return a node as the list that its RLP encodes (Yellow Paper, appendix D)."""
    path: list[int] = []
    while len(node.children) == 1 and not node.value:
        [(nibble, node)] = node.children.items()
        path.append(nibble)
    if not node.children:
        return [_hex_prefix(path, is_leaf=True), node.value]
    if path:
        branch = Node(node.children, node.value)
        return [_hex_prefix(path, is_leaf=False), _reference(branch)]
    slots: list[rlp.Decoded] = [
        _reference(node.children[nibble]) if nibble in node.children else b""
        for nibble in range(16)
    ]
    return [*slots, node.value]


def _reference(node: Node) -> rlp.Decoded:
    structure = _structure(node)
    encoded = rlp.encode(structure)
    return structure if len(encoded) < 32 else keccak256(encoded)


def _hex_prefix(path: list[int], *, is_leaf: bool) -> bytes:
    flag = 2 if is_leaf else 0
    nibbles = [flag + 1, *path] if len(path) % 2 else [flag, 0, *path]
    return bytes(high << 4 | low for high, low in zip(nibbles[::2], nibbles[1::2], strict=True))


def naive_proof(items: dict[bytes, bytes], key: bytes) -> list[bytes]:
    """Return the encoded nodes from the root towards a key, without those inside their parents."""
    root = Node()
    for each, value in items.items():
        _insert(root, each, value)
    if not items:
        return []
    path = key.hex()
    structure = _structure(root)
    nodes = [rlp.encode(structure)]
    node = root
    while True:
        shared = ""
        while len(node.children) == 1 and not node.value:
            [(nibble, node)] = node.children.items()
            shared += f"{nibble:x}"
        if not node.children or not path.startswith(shared):
            return nodes
        path = path[len(shared) :]
        if shared:
            _append_hashed(nodes, node)
        below = node.children.get(int(path[0], 16))
        if below is None:
            return nodes
        node, path = below, path[1:]
        _append_hashed(nodes, node)


def _append_hashed(nodes: list[bytes], node: Node) -> None:
    encoded = rlp.encode(_structure(node))
    if len(encoded) >= 32:
        nodes.append(encoded)


def naive_rows(items: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the encoded nodes that are named by their hash, each by its path's nibbles."""
    root = Node()
    for each, value in items.items():
        _insert(root, each, value)
    rows: dict[bytes, bytes] = {}
    if items:
        _gather(root, b"", rows)
    return rows


def _gather(node: Node, path: bytes, rows: dict[bytes, bytes]) -> None:
    encoded = rlp.encode(_structure(node))
    if len(encoded) >= 32 or not path:
        rows[path] = encoded
    shared, below = b"", node
    while len(below.children) == 1:
        [(nibble, below)] = below.children.items()
        shared += bytes((nibble,))
    if below.children and shared:
        _gather(below, path + shared, rows)
        return
    for nibble, child in below.children.items():
        _gather(child, path + bytes((nibble,)), rows)
