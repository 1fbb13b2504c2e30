"""Nodes of tries as they come from elsewhere: encoded, and not to be trusted.

Reference: Ethereum yellow paper, appendices C and D.
"""

from primitives import rlp
from primitives.errors import InvalidEncoding

BRANCH_ITEMS = 17
SHORT_ITEMS = 2


def node_items(node: bytes) -> list[bytes]:
    """Return the items of an encoded node, each still encoded: 17 of a branch, else 2.

    Raises:
        InvalidEncoding: it is none.
    """
    items = rlp.split_list(node)
    if len(items) not in (BRANCH_ITEMS, SHORT_ITEMS):
        raise InvalidEncoding("trie.node", "17 or 2 items", len(items))
    return items


def node_path(item: bytes) -> tuple[str, bool]:
    """Return the nibbles of a compact (hex-prefix) path, and whether a leaf ends it.

    Raises:
        InvalidEncoding: it is no path.
    """
    packed = rlp.decode(item)
    nibbles = packed.hex() if isinstance(packed, bytes) else ""
    is_odd = nibbles[:1] in ("1", "3")
    if nibbles[:1] not in ("0", "1", "2", "3") or not (is_odd or nibbles[1:2] == "0"):
        raise InvalidEncoding("trie.path", "a compact path", item.hex())
    return nibbles[1 if is_odd else 2 :], nibbles[0] in "23"
