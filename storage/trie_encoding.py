"""The encodings of nodes that stand in memory, as proofs list them."""

from collections.abc import Callable
from typing import Any

from storage.trie_nodes import Extension, Leaf, Node, encode_node, extension_payload, leaf_payload


def encoded(node: Node, depth: int, encode: Callable[[Any], bytes]) -> bytes:
    """Return the RLP of a node that stands at a depth."""
    if isinstance(node, list):
        return encode_node(b"".join(node[16:]))
    if isinstance(node, Extension):
        return encode_node(extension_payload(node.nibbles, node.reference))
    assert isinstance(node, Leaf)
    return encode_node(leaf_payload(node.key, encode(node.value), depth))
