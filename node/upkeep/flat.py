"""Whether the state of a store of form `flat` is what the header of its head says.

The root is computed from the accounts' and slots' rows alone; the rows of the trie must then hash
up to the same root, and there may be no others. The former takes memory for all accounts.
"""

from collections.abc import Iterator, Sequence

import msgspec

from node.ledger import BLOCKS, height_key
from node.upkeep.blocks import ChainFound, Link
from node.upkeep.finding import Finding, Watch, faulty
from node.upkeep.flat_history import check_history
from node.upkeep.rows import WATCH_ROWS
from primitives.block import decode_block
from primitives.errors import InvalidEncoding
from primitives.header import Header, header_hash
from primitives.ids import Address, Hash32
from primitives.params import MAX_BLOCK_BYTES
from primitives.rlp import encode_int
from primitives.trie import EMPTY_ROOT, secure_trie_root
from storage.account import Account, account_leaf, has_code
from storage.flat import (
    ACCOUNTS,
    CODE,
    HEAD,
    STORAGE,
    FlatHead,
    lowest_height,
    read_head,
)
from storage.flat.cells import read_account, read_code, read_slot
from storage.flat.disk import address_of, slot_of
from storage.flat.tables import ADDRESS_BYTES
from storage.store import Store
from storage.stored_trie import TABLE, trie_faults

HEAD_ROW = "head"


class FlatFound(msgspec.Struct):
    """What a look at a flat state has seen; filled while it goes on."""

    head: FlatHead | None = None
    root: Hash32 | None = None
    """Computed, if it is the one of the head row."""
    accounts: int = 0
    slots: int = 0
    codes: int = 0
    readable_from: int = 0


def check_flat(
    store: Store,
    chain: ChainFound,
    known: Sequence[Header],
    found: FlatFound,
    watch: Watch,
) -> Iterator[Finding]:
    """Yield what is wrong with a flat state.

    Args:
        store: what is looked at.
        chain: what was seen of its blocks.
        known: headers of blocks that those may stand on, the highest last.
        found: filled with what was seen.
        watch: told of the progress.
    """
    head = read_head(store)
    if head is None:
        yield Finding(HEAD, HEAD_ROW, "the row of the newest block", "no row")
        return
    found.head = head

    def header_of(height: int) -> Header | None:
        held = header_at(store, height)
        return held or next((each for each in known if each.number == height), None)

    below = [Link(each.number, header_hash(each)) for each in known]
    last = chain.head or (below[-1] if below else None)
    if chain.is_whole:
        yield from _check_head(head, last, header_of(head.height))
    storage: dict[Address, Hash32] = {}
    yield from _check_storage(store, found, storage, watch)
    leaves: dict[Address, bytes] = {}
    yield from _check_accounts(store, found, storage, leaves, watch)
    watch("state root", found.accounts)
    root = secure_trie_root(leaves)
    if root != head.state_root:
        expected = f"accounts with the state root of block {head.height}"
        yield Finding(
            ACCOUNTS, "", f"{expected}, 0x{head.state_root.hex()}", f"others, 0x{root.hex()}"
        )
    else:
        found.root = root
    whole = list(_check_trie(store, head, watch))
    yield from whole
    found.readable_from = lowest_height(store)
    judged = not whole and found.root is not None
    fetched = max([each.number for each in known], default=0)
    yield from check_history(store, head, fetched, header_of if judged else None, watch)


def header_at(store: Store, height: int) -> Header | None:
    """Return the header of a stored block, or None if it is not held or is none."""
    payload = store.get(BLOCKS, height_key(height))
    if payload is None:
        return None
    try:
        return decode_block(payload, MAX_BLOCK_BYTES).header
    except InvalidEncoding:
        return None


def _check_head(head: FlatHead, last: Link | None, header: Header | None) -> Iterator[Finding]:
    """Yield whether the head row is about another block than the last one, or another state."""
    if last is not None and last != Link(head.height, head.digest):
        expected = f"the last block, {last.height} 0x{last.digest.hex()}"
        yield Finding(HEAD, HEAD_ROW, expected, f"{head.height} 0x{head.digest.hex()}")
    if header is None and head.height > 0:
        expected = "the block of the head, or the proof that its state was fetched with"
        yield Finding(BLOCKS, str(head.height), expected, "neither")
    if header is not None and header.state_root != head.state_root:
        expected = f"the state root of block {head.height}, 0x{header.state_root.hex()}"
        yield Finding(HEAD, HEAD_ROW, expected, f"0x{head.state_root.hex()}")


def _check_storage(
    store: Store, found: FlatFound, roots: dict[Address, Hash32], watch: Watch
) -> Iterator[Finding]:
    """Compute the root of each account's slots, which are neighbours."""
    address: bytes = b""
    slots: dict[bytes, bytes] = {}
    for key, row in store.scan(STORAGE):
        if not found.slots % WATCH_ROWS:
            watch(STORAGE, found.slots)
        try:
            slot, value = slot_of(key), read_slot(key, row)
        except InvalidEncoding as error:
            yield faulty(STORAGE, key.hex(), error)
            continue
        if key[:ADDRESS_BYTES] != address:
            if slots:
                roots[Address(address)] = secure_trie_root(slots)
            address, slots = key[:ADDRESS_BYTES], {}
        slots[slot.to_bytes(32, "big")] = encode_int(value)
        found.slots += 1
    if slots:
        roots[Address(address)] = secure_trie_root(slots)


def _check_accounts(
    store: Store,
    found: FlatFound,
    storage: dict[Address, Hash32],
    leaves: dict[Address, bytes],
    watch: Watch,
) -> Iterator[Finding]:
    """Gather the leaves of the state trie; yield what does not belong to any, or is missing."""
    codes: set[bytes] = set()
    for key, row in store.scan(CODE):
        try:
            read_code(key, row)
        except InvalidEncoding as error:
            yield faulty(CODE, key.hex(), error)
        codes.add(key)
    found.codes = len(codes)
    for key, row in store.scan(ACCOUNTS):
        if not found.accounts % WATCH_ROWS:
            watch(ACCOUNTS, found.accounts)
        try:
            address, account = address_of(key), read_account(key, row)
        except InvalidEncoding as error:
            yield faulty(ACCOUNTS, key.hex(), error)
            continue
        found.accounts += 1
        leaves[address] = account_leaf(account, storage.pop(address, EMPTY_ROOT))
        if has_code(account) and account.code_hash not in codes:
            yield _missing_code(key, account)
    for address in storage:
        yield Finding(STORAGE, address.hex(), "slots of an account that exists", "no such account")


def _missing_code(key: bytes, account: Account) -> Finding:
    return Finding(CODE, account.code_hash.hex(), f"the code of account {key.hex()}", "no row")


def _check_trie(store: Store, head: FlatHead, watch: Watch) -> Iterator[Finding]:
    """Yield nodes that are missing or not those their parents name, and rows that none needs."""
    for fault in trie_faults(head.state_root, _Watched(store, watch)):
        yield faulty(TABLE, fault.key.hex(), fault)


class _Watched:
    """A store that tells how many rows of the trie were read."""

    __slots__ = ("_store", "_watch")

    def __init__(self, store: Store, watch: Watch) -> None:
        self._store = store
        self._watch = watch

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value under (table, key), or None when there is none."""
        return self._store.get(table, key)

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in ascending key order for start <= key < end."""
        for count, row in enumerate(self._store.scan(table, start, end)):
            if not count % WATCH_ROWS:
                self._watch(table, count)
            yield row
