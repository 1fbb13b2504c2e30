"""Public trie vectors: the root after some insertions and deletions, and the order of keys."""

from collections.abc import Callable
from itertools import islice, permutations
from pathlib import Path
from typing import Any

from primitives.keccak import keccak256
from primitives.trie import secure_trie_root, trie_root
from storage.trie import bytes_trie
from tests.conformance.material import from_hex, read_files
from tests.conformance.tally import Tally

ORDERS_MAX = 24
"""How many orders of insertion are tried where all must give one root."""


def test_trie_vectors(vectors: Path, record_property: Callable[[str, object], None]) -> None:
    tally = Tally("tries")
    for path, content in read_files(vectors / "ethereum" / "trie"):
        is_secure = "secure" in path.name.lower()
        for name, case in content.items():
            where = f"{path.name} {name}"
            if {"in", "root"} <= set(case) <= {"in", "root", "hexEncoded"}:
                tally.add(_root_problems(where, case, is_secure=is_secure))
            elif set(case) == {"in", "tests"}:
                tally.add(_order_problems(where, case))
            else:
                tally.add([f"{where}: unknown keys {sorted(case)}"])
    tally.report(record_property)


def _root_problems(where: str, case: Any, *, is_secure: bool) -> list[str]:
    root_of = secure_trie_root if is_secure else trie_root
    problems: list[str] = []
    for items in _orders(case["in"]):
        found = root_of(items)
        if found != from_hex(case["root"]):
            problems.append(f"{where}: {found.hex()}")
        if is_secure and _standing_root(items) != found:
            problems.append(f"{where}: the standing trie has another root")
    return problems


def _order_problems(where: str, case: Any) -> list[str]:
    """Ask for the neighbours of keys, which are padded here: a standing trie has 32-byte keys."""
    trie = bytes_trie().updated({_padded(key): key.encode() for key in case["in"]})
    problems: list[str] = []
    for key, below, above in case["tests"]:
        before = [value for each, value in trie.items() if each < _padded(key)]
        after = [value for each, value in trie.items() if each > _padded(key)]
        found = [each.decode() for each in ([b"", *before][-1], [*after, b""][0])]
        if found != [below, above]:
            problems.append(f"{where}: {key!r} stands between {found}")
    return problems


def _padded(key: str) -> bytes:
    return key.encode().ljust(32, b"\x00")


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
