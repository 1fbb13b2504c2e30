"""The encodings of nodes that stand in memory, as proofs list them."""

from collections.abc import Callable
from typing import Any

from primitives.rlp import encode_list
from storage.trie_nodes import Branch, Extension, Loaded, extension_payload, leaf_payload


def encoded(node: Loaded, depth: int, encode: Callable[[Any], bytes]) -> bytes:
    """Return the RLP of a node that stands at a depth."""
    if isinstance(node, Branch):
        return node.encoding
    if isinstance(node, Extension):
        return encode_list((extension_payload(node.nibbles, node.reference),))
    return encode_list((leaf_payload(node.key, encode(node.value), depth),))
