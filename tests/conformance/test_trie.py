"""Public trie vectors: the root after some insertions and deletions."""

from itertools import islice, permutations
from pathlib import Path
from typing import Any

from primitives.keccak import keccak256
from primitives.trie import secure_trie_root, trie_root
from storage.trie import bytes_trie
from tests.conformance.material import from_hex, read_files, report

NEEDS_ITERATION = frozenset({"trietestnextprev.json"})
"""Ask for the neighbours of a key in a standing trie. Here are roots only; the standing trie
with its iterator belongs to storage."""

ORDERS_MAX = 24
"""How many orders of insertion are tried where all must give one root."""


def test_trie_vectors(vectors: Path) -> None:
    failures: list[str] = []
    cases = 0
    for path, content in read_files(vectors / "ethereum" / "trie"):
        if path.name in NEEDS_ITERATION:
            continue
        root_of = secure_trie_root if "secure" in path.name.lower() else trie_root
        for name, case in content.items():
            cases += 1
            if not {"in", "root", "hexEncoded"}.issuperset(case):
                failures.append(f"{path.name} {name}: unknown keys {sorted(case)}")
                continue
            expected = from_hex(case["root"])
            for items in _orders(case["in"]):
                found = root_of(items)
                if root_of is secure_trie_root and _standing_root(items) != found:
                    failures.append(f"{path.name} {name}: the standing trie has another root")
                if found != expected:
                    failures.append(f"{path.name} {name}: {found.hex()}")
    report(failures, cases)


def _orders(entries: Any) -> list[dict[bytes, bytes]]:
    """Apply a list in its order (None deletes); a mapping in several orders."""
    if isinstance(entries, dict):
        return [_applied(order) for order in islice(permutations(entries.items()), ORDERS_MAX)]
    return [_applied(entries)]


def _applied(entries: Any) -> dict[bytes, bytes]:
    items: dict[bytes, bytes] = {}
    for key, value in entries:
        items[_to_bytes(key)] = b"" if value is None else _to_bytes(value)
    return items


def _standing_root(items: dict[bytes, bytes]) -> bytes:
    """Return the root of a trie that grew key by key, and that had another value at each before."""
    trie = bytes_trie().updated({keccak256(key): b"other" for key in items})
    for key, value in items.items():
        trie = trie.updated({keccak256(key): value or None})
    return trie.root


def _to_bytes(text: str) -> bytes:
    return from_hex(text) if text.startswith("0x") else text.encode()
