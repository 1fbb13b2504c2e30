"""A trie in a store has exactly the rows that it needs, and cannot be told from one in memory.

Blocks of changes go to three things: a plain dictionary, a trie in memory, and a trie over rows
that are written block by block. The textbook's trie over the dictionary says which rows there
must be. Keys are not only hashes: those with long common beginnings make extensions, and nodes so
short that they stand in their parents, and changes turn each kind of node into any other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, strategies as st

from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from primitives.rlp import encode_int
from storage.account import Account, account_leaf
from storage.changes import StateChanges
from storage.commitment import (
    Contract,
    StateLeaf,
    StateTrie,
    account_of,
    empty_state_trie,
    encode_state_leaf,
    slot_hash,
    storage_of,
    update_state_trie,
)
from storage.memory import MemoryStore
from storage.proof import prove_key
from storage.stored_trie import (
    TABLE,
    CorruptTrieNode,
    MissingTrieNode,
    StoredTrieError,
    SuperfluousRow,
    stored_trie,
    trie_faults,
    trie_records,
)
from storage.subtree import find_subtree
from storage.trie import Form, Trie, replace
from tests.properties.naive_trie import naive_root, naive_rows

NEAR = st.tuples(
    st.sampled_from([b"\x00", b"\x01", b"\x10", b"\xab"]),
    st.sampled_from([3, 20, 30]),
    st.binary(max_size=2),
).map(lambda parts: (parts[0] * parts[1] + parts[2]).ljust(32, b"\x07"))
POOL = [keccak256(bytes((number,))) for number in range(12)]
KEYS = st.one_of(st.sampled_from(POOL), NEAR)
NUMBERS = st.one_of(st.just(0), st.integers(1, 200), st.integers(1 << 250, (1 << 256) - 1))
SLOTS = st.dictionaries(KEYS, NUMBERS, max_size=6)


@dataclass(frozen=True)
class Touch:
    """What a block does to one account."""

    balance: int
    """0 deletes it."""
    slots: Mapping[bytes, int] = field(default_factory=dict)
    is_wiped: bool = False


TOUCHES = st.builds(Touch, st.integers(0, 3), SLOTS, st.booleans())
BLOCKS = st.lists(st.dictionaries(KEYS, TOUCHES, max_size=8), min_size=1, max_size=6)
Plain = dict[bytes, tuple[int, dict[bytes, int]]]
"""By key: an account's balance and slots."""
_BY_LEAF = Form(encode_state_leaf, replace)


def replaced(trie: StateTrie, block: Mapping[bytes, Touch]) -> StateTrie:
    """Return the trie after a block, whatever its keys are."""
    leaves: dict[bytes, StateLeaf | None] = {}
    for key, touch in block.items():
        storage = storage_of(None if touch.is_wiped else trie.get(key))
        storage = storage.updated({slot: value or None for slot, value in touch.slots.items()})
        account = Account(0, Wei(touch.balance))
        leaf = account if storage.is_empty else Contract(account, storage)
        leaves[key] = leaf if touch.balance else None
    return Trie(_BY_LEAF, trie.top, trie.reference).updated(leaves)


def apply(plain: Plain, block: Mapping[bytes, Touch]) -> None:
    for key, touch in block.items():
        old = {} if touch.is_wiped or key not in plain else plain[key][1]
        slots = {slot: value for slot, value in (old | dict(touch.slots)).items() if value}
        plain.pop(key, None)
        if touch.balance:
            plain[key] = (touch.balance, slots)


def expected_rows(plain: Plain) -> dict[bytes, bytes]:
    """Return the rows of the whole trie, built afresh."""
    leaves: dict[bytes, bytes] = {}
    rows: dict[bytes, bytes] = {}
    for key, (balance, slots) in plain.items():
        values = {slot: encode_int(value) for slot, value in slots.items()}
        root = Hash32(naive_root(values))
        leaves[key] = account_leaf(Account(0, Wei(balance)), root)
        rows |= {b"O" + key + path: row for path, row in naive_rows(values).items()}
    return rows | {b"A" + path: row for path, row in naive_rows(leaves).items()}


def contents(trie: StateTrie) -> Iterator[tuple[bytes, Account, list[tuple[bytes, int]]]]:
    for key, leaf in trie.items():
        yield key, account_of(leaf), list(storage_of(leaf).items())


def stored(blocks: list[dict[bytes, Touch]]) -> tuple[StateTrie, MemoryStore]:
    trie, store = empty_state_trie(), MemoryStore()
    for block in blocks:
        trie = replaced(trie, block)
    store.write(trie_records(empty_state_trie(), trie))
    return trie, store


@given(BLOCKS, st.integers(0, 3))
def test_after_each_block_the_rows_are_those_of_the_whole_trie(
    blocks: list[dict[bytes, Touch]], every: int
) -> None:
    plain: Plain = {}
    store, held = MemoryStore(), MemoryStore()
    trie = lazy = empty_state_trie()
    for number, block in enumerate(blocks):
        apply(plain, block)
        after, newer = replaced(trie, block), replaced(lazy, block)
        assert after.root == newer.root
        store.write(trie_records(trie, after))
        held.write(trie_records(lazy, newer))
        rows = expected_rows(plain)
        assert dict(store.scan(TABLE)) == rows
        assert dict(held.scan(TABLE)) == rows
        trie, lazy = after, newer
        if every and number % every == 0:
            lazy = stored_trie(lazy.root, held.copy())


@given(BLOCKS, BLOCKS)
def test_any_trie_takes_the_place_of_any_other(
    some: list[dict[bytes, Touch]], other: list[dict[bytes, Touch]]
) -> None:
    before, store = stored(some)
    after, _ = stored(other)
    store.write(trie_records(stored_trie(before.root, store.copy()), after))
    again = stored_trie(after.root, store.copy())
    assert list(contents(again)) == list(contents(after))
    held, rows = MemoryStore(), dict(store.scan(TABLE))
    held.write(trie_records(empty_state_trie(), again))
    assert dict(held.scan(TABLE)) == rows


@given(BLOCKS, st.dictionaries(KEYS, TOUCHES, max_size=8), st.lists(KEYS, max_size=5))
def test_a_stored_trie_reads_proves_and_changes_like_one_in_memory(
    blocks: list[dict[bytes, Touch]], block: dict[bytes, Touch], touched: list[bytes]
) -> None:
    trie, store = stored(blocks)
    warmed = stored_trie(trie.root, store)
    for key in touched:
        warmed.get(key)
    before = dict(store.scan(TABLE))
    for lazy in (stored_trie(trie.root, store), warmed):
        assert lazy.root == trie.root
        assert lazy.is_empty == trie.is_empty
        for key in [*block, *[key for each in blocks for key in each]]:
            ours, theirs = lazy.get(key), trie.get(key)
            assert (ours is None) == (theirs is None)
            assert storage_of(ours).root == storage_of(theirs).root
            assert prove_key(lazy, key) == prove_key(trie, key)
            for prefix in ("", key.hex()[:1], key.hex()[:6], key.hex()):
                (one, *rest), (other, *others) = (
                    find_subtree(lazy, prefix),
                    find_subtree(trie, prefix),
                )
                assert rest == others
                assert (one is None) == (other is None)
        assert list(contents(lazy)) == list(contents(trie))
        after = replaced(lazy, block)
        assert after.root == replaced(trie, block).root
        assert list(contents(after)) == list(contents(replaced(trie, block)))
    assert dict(store.scan(TABLE)) == before


@given(BLOCKS, st.data())
def test_a_row_that_is_missing_or_another_is_never_served(
    blocks: list[dict[bytes, Touch]], data: st.DataObject
) -> None:
    trie, store = stored(blocks)
    rows = dict(store.scan(TABLE))
    if not rows:
        return
    key = data.draw(st.sampled_from(sorted(rows)))
    other = data.draw(st.one_of(st.none(), st.sampled_from(sorted(rows.values()))))
    row = bytearray(rows[key])
    row[data.draw(st.integers(0, len(row) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    damaged = bytes(row) if other == rows[key] else other
    if damaged is None:
        del rows[key]
    else:
        rows[key] = damaged
    damaged_store = MemoryStore({TABLE: rows})
    with pytest.raises(
        StoredTrieError, match=r"state\.trie: (accounts|storage of [0-9a-f]{64}), path"
    ):
        list(contents(stored_trie(trie.root, damaged_store)))
    for each, leaf in trie.items():
        try:
            found = stored_trie(trie.root, damaged_store).get(each)
            assert found is not None
            slots = list(storage_of(found).items())
        except StoredTrieError:
            continue
        assert account_of(found) == account_of(leaf)
        assert slots == list(storage_of(leaf).items())


@given(BLOCKS, st.data())
def test_a_check_names_each_row_that_is_wrong_and_no_other(
    blocks: list[dict[bytes, Touch]], data: st.DataObject
) -> None:
    trie, store = stored(blocks)
    rows = dict(store.scan(TABLE))
    assert list(trie_faults(trie.root, store)) == []
    if not rows:
        return
    key = data.draw(st.sampled_from(sorted(rows)))
    for damaged, kind in ((None, MissingTrieNode), (b"\xc0", CorruptTrieNode)):
        left = {each: row for each, row in rows.items() if each != key}
        if damaged is not None:
            left[key] = damaged
        (fault,) = trie_faults(trie.root, MemoryStore({TABLE: left}))
        assert type(fault) is kind
        assert fault.key == key
        assert fault.where == place(key)
    extra = data.draw(
        st.one_of(
            st.sampled_from(sorted(rows)).map(lambda key: key + b"\x03"),
            st.binary(max_size=40),
            KEYS.map(lambda key: b"O" + key),
            st.lists(st.integers(0, 15), max_size=6).map(lambda path: b"A" + bytes(path)),
        )
    )
    if extra not in rows:
        (fault,) = trie_faults(trie.root, MemoryStore({TABLE: {**rows, extra: b"row"}}))
        assert (type(fault), fault.key) == (SuperfluousRow, extra)


@given(BLOCKS, st.data())
def test_a_check_finds_all_damage_that_is_not_below_other_damage(
    blocks: list[dict[bytes, Touch]], data: st.DataObject
) -> None:
    trie, store = stored(blocks)
    rows = dict(store.scan(TABLE))
    damaged = data.draw(st.sets(st.sampled_from(sorted(rows)), max_size=5)) if rows else set()
    left = {key: b"\xc0" if key in damaged else row for key, row in rows.items()}
    found = {fault.where for fault in trie_faults(trie.root, MemoryStore({TABLE: left}))}
    assert found == {
        place(key) for key in damaged if not any(map(damaged.__contains__, above(key)))
    }


def place(key: bytes) -> str:
    """Return how errors name a row."""
    path = key[1:] if key[:1] == b"A" else key[33:]
    trie = "accounts" if key[:1] == b"A" else f"storage of {key[1:33].hex()}"
    return f"state.trie: {trie}, path {path.hex()[1::2] or '(top)'}"


def above(key: bytes) -> Iterator[bytes]:
    """Yield the keys that rows above one may have."""
    path = key
    if key[:1] == b"O":
        yield from (key[:end] for end in range(33, len(key)))
        path = b"A" + bytes([int(digit, 16) for digit in key[1:33].hex()] + [0])
    yield from (path[:end] for end in range(1, len(path)))


ADDRESSES = [Address(bytes([number]) * 20) for number in range(40)]
STATE_BLOCKS = st.lists(
    st.dictionaries(
        st.sampled_from(ADDRESSES),
        st.builds(
            Touch,
            st.integers(0, 3),
            st.dictionaries(st.binary(min_size=1, max_size=1), NUMBERS, max_size=8),
            st.booleans(),
        ),
        max_size=20,
    ),
    min_size=1,
    max_size=5,
)


def numbered(slots: Mapping[bytes, int]) -> dict[int, int]:
    return {slot[0]: value for slot, value in slots.items()}


@given(STATE_BLOCKS)
def test_changes_of_a_state_update_a_stored_trie(blocks: list[dict[Address, Touch]]) -> None:
    store = MemoryStore()
    plain: Plain = {}
    trie = empty_state_trie()
    for block in blocks:
        lazy = stored_trie(trie.root, store.copy())
        gone = {address for address, touch in block.items() if not touch.balance}
        changes = StateChanges(
            {
                address: Account(0, Wei(touch.balance)) if touch.balance else None
                for address, touch in block.items()
            },
            {a: numbered(touch.slots) for a, touch in block.items() if a not in gone},
            {a: None for a, touch in block.items() if touch.is_wiped or a in gone},
        )
        after = update_state_trie(trie, changes)
        newer = update_state_trie(lazy, changes)
        assert newer.root == after.root
        store.write(trie_records(lazy, newer))
        apply(
            plain,
            {
                keccak256(address): Touch(
                    touch.balance,
                    {slot_hash(slot): value for slot, value in numbered(touch.slots).items()},
                    touch.is_wiped,
                )
                for address, touch in block.items()
            },
        )
        assert dict(store.scan(TABLE)) == expected_rows(plain)
        trie = after
