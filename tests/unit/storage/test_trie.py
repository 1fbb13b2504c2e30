"""The trie that shares nodes, against the plain one that is rebuilt."""

import pytest
from hypothesis import given, strategies as st

from primitives.keccak import keccak256
from primitives.trie import EMPTY_ROOT, trie_root
from storage.trie import Trie, bytes_trie
from storage.trie_nodes import Branch


def key(nibbles: str) -> bytes:
    """A 32-byte key that begins with the given hexadecimal digits."""
    return bytes.fromhex(nibbles.ljust(64, "0"))


def built(items: dict[bytes, bytes]) -> Trie[bytes]:
    return bytes_trie().updated(dict(items))


def test_the_empty_trie_has_the_known_root() -> None:
    assert bytes_trie().root == EMPTY_ROOT
    assert bytes_trie().updated({}) == bytes_trie()


@pytest.mark.parametrize(
    "starts",
    [
        ["1"],
        ["1", "2"],
        ["ab1", "ab2"],
        ["ab1", "ab2", "ac"],
        ["abcd1", "abcd2", "abce", "b"],
        ["0" * 63 + "1", "0" * 63 + "2"],
        ["0" * 62 + "11", "0" * 62 + "12", "0" * 60 + "2"],
    ],
)
@pytest.mark.parametrize("value", [b"v", b"long value " * 9, b"x" * 300, b"\x7f", b"\x80"])
def test_roots_equal_those_of_the_plain_trie(starts: list[str], value: bytes) -> None:
    items = {key(start): value + start.encode() for start in starts}
    assert built(items).root == trie_root(items)


def test_one_by_one_equals_all_at_once() -> None:
    items: dict[bytes, bytes] = {
        keccak256(b"%d" % index): b"value %d" % index for index in range(300)
    }
    node = bytes_trie()
    for path, value in items.items():
        node = node.updated({path: value})
    assert node == built(items)
    assert list(node.items()) == sorted(items.items())


def test_an_extension_is_split_at_every_place() -> None:
    base = {key("aaaaaa1"): b"one", key("aaaaaa2"): b"two"}
    for place in range(7):
        added = {key("a" * place + "f"): b"three"}
        node = built(base).updated(dict(added))
        assert node.root == trie_root(base | added)


def test_deleting_restores_the_shorter_forms() -> None:
    """A branch with one child left becomes an extension or a leaf again."""
    items = {key(start): start.encode() for start in ("a1", "a2", "a23", "b", "bcdef1", "bcdef2")}
    node = built(items)
    for path in sorted(items):
        items.pop(path)
        node = node.updated({path: None})
        assert node.root == trie_root(items)
    assert node == bytes_trie()


@pytest.mark.parametrize("start", ["a", "a1", "b", "abc", "ffff"])
def test_deleting_an_absent_key_changes_nothing(start: str) -> None:
    for items in ({}, {key("a1f"): b"x"}, {key("ab1"): b"x", key("ab2"): b"y"}):
        node = built(items)
        assert node.updated({key(start): None}).root == trie_root(items)


def test_an_older_version_stays_as_it_was() -> None:
    items: dict[bytes, bytes] = {keccak256(b"%d" % index): b"old" for index in range(100)}
    old = built(items)
    root = old.root
    old.updated(dict.fromkeys(list(items)[:50], b"new"))
    old.updated(dict.fromkeys(list(items)[50:]))
    assert old.root == root == trie_root(items)


def test_untouched_subtrees_are_shared() -> None:
    items = {key(f"{digit:x}{digit:x}"): b"value" * 10 for digit in range(16)}
    old = built(items)
    new = old.updated({key("33"): b"other"})
    assert isinstance(old.top, Branch)
    assert isinstance(new.top, Branch)
    same = [one is other for one, other in zip(old.top.children, new.top.children, strict=True)]
    assert same == [digit != 3 for digit in range(16)]


KEYS = st.builds(
    lambda start, end: bytes.fromhex((start + "0" * 64)[: 64 - len(end)] + end),
    st.text("012", max_size=5),
    st.text("01", max_size=3),
)
CHANGES = st.dictionaries(KEYS, st.one_of(st.none(), st.binary(min_size=1, max_size=70)))


@given(st.lists(CHANGES, max_size=6))
def test_any_history_ends_at_the_root_of_its_contents(batches: list[dict[bytes, bytes]]) -> None:
    node = bytes_trie()
    items: dict[bytes, bytes] = {}
    for batch in batches:
        node = node.updated(dict(batch))
        for path, value in batch.items():
            if value is None:
                items.pop(path, None)
            else:
                items[path] = value
        assert node.root == trie_root(items)
    assert node == built(items)
    assert list(node.items()) == sorted(items.items())
