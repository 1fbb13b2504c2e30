"""Chunks of a state as they come from peers: each proves itself, or its sender has lied.

A chunk of accounts hangs under the state root. An account's leaf commits to its code and to the
root of its storage, which come with it. An account with more slots than fit a chunk comes without
them; they are chunks of their own, which hang under the storage root.

What is split and what comes without its slots follows from *weights* alone, so all who hold a
state send the same chunks of it, and who does not has no excuse.
"""

from collections.abc import Sequence

import msgspec

from network.messages import CHUNK_ACCOUNTS, Chunk, Content
from primitives.ids import Address, Hash32
from primitives.keccak import keccak256
from primitives.rlp import encode_int
from primitives.trie import EMPTY_ROOT
from storage.account import Account, account_leaf, decode_slim, has_code
from storage.change_rows import read_address, read_slots
from storage.commitment import empty_storage, slot_hash, updated_storage
from storage.subtree import InvalidSubtree, check_subtree, walk

CODE_BYTES = 128
"""Bytes of code that weigh as much as an account or a slot."""


class LargeStorage(msgspec.Struct, frozen=True, gc=False):
    """An account whose slots come in chunks of their own."""

    address: Address
    root: Hash32
    """Of its storage."""


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A verified chunk: of accounts, or of the slots of one account."""

    reference: bytes
    """Of the subtree that it is."""
    accounts: tuple[tuple[Address, Account], ...]
    slots: tuple[tuple[Address, dict[int, int]], ...] = ()
    """Of those accounts that have storage, or of the one account."""
    codes: tuple[bytes, ...] = ()
    large: tuple[LargeStorage, ...] = ()
    """Accounts whose slots are still to come."""

    @property
    def cells(self) -> int:
        """How many accounts and slots it has."""
        return len(self.accounts) + sum([len(slots) for _, slots in self.slots])

    @property
    def weight(self) -> int:
        """What it weighs."""
        return self.cells + sum([code_weight(len(code)) for code in self.codes])


def code_weight(code_bytes: int) -> int:
    """Return what code weighs."""
    return code_bytes // CODE_BYTES


def is_large(slots: int) -> bool:
    """Whether so many slots of an account do not stand beside it."""
    return slots > CHUNK_ACCOUNTS


def check_accounts(root: Hash32, prefix: str, chunk: Chunk, held: Piece | None) -> Piece:
    """Return what is in a chunk of accounts that proves itself under a state root.

    Args:
        root: the certified one.
        prefix: what was asked for.
        chunk: the answer.
        held: this part of an older state, which the peer may call unchanged.

    Raises:
        InvalidEncoding: an account or a slot that is none.
        InvalidSubtree: not all accounts below the prefix, or others; or not their code and slots.
    """
    if chunk.slots:
        raise InvalidSubtree("chunk.slots", "none beside accounts", len(chunk.slots))
    if chunk.content is Content.UNCHANGED:
        return _unchanged(root, prefix, chunk, held)
    decoded = [(read_address(key), *decode_slim(slim)) for key, slim in chunk.accounts]
    leaves: dict[bytes, bytes] = {
        keccak256(key): account_leaf(account, storage) for key, account, storage in decoded
    }
    if len(leaves) != len(decoded):
        raise InvalidSubtree("chunk.accounts", "each address once", f"{len(decoded)} accounts")
    reference = check_subtree(root, prefix, leaves, chunk.way)
    slots, codes, large = _check_contracts(chunk, decoded)
    accounts = tuple([(key, account) for key, account, _ in decoded])
    return Piece(reference, accounts, slots, codes, large)


def check_slots(storage: LargeStorage, prefix: str, chunk: Chunk, held: Piece | None) -> Piece:
    """Return what is in a chunk of an account's slots that proves itself under its storage root.

    Args:
        storage: whose slots, with the root that the account commits to.
        prefix: what was asked for.
        chunk: the answer.
        held: this part of an older state, which the peer may call unchanged.

    Raises:
        InvalidEncoding: a slot that is none.
        InvalidSubtree: not all slots below the prefix, or others.
    """
    if chunk.accounts or chunk.contracts:
        raise InvalidSubtree("chunk.accounts", "none beside slots", len(chunk.accounts))
    if chunk.content is Content.UNCHANGED:
        return _unchanged(storage.root, prefix, chunk, held)
    slots = read_slots(chunk.slots)
    leaves: dict[bytes, bytes] = {
        slot_hash(slot): encode_int(value) for slot, value in slots.items()
    }
    if len(slots) != len(chunk.slots):
        raise InvalidSubtree("chunk.slots", "each slot once", f"{len(chunk.slots)} slots")
    reference = check_subtree(storage.root, prefix, leaves, chunk.way)
    return Piece(reference, (), ((storage.address, slots),))


def _unchanged(root: Hash32, prefix: str, chunk: Chunk, held: Piece | None) -> Piece:
    expected, _, _ = walk(root, prefix, chunk.way)
    has_contents = chunk.accounts or chunk.contracts or chunk.slots
    if held is None or has_contents or expected != held.reference:
        raise InvalidSubtree("chunk", "another subtree than the one that is held", prefix)
    return held


def _check_contracts(
    chunk: Chunk, accounts: Sequence[tuple[Address, Account, Hash32]]
) -> tuple[tuple[tuple[Address, dict[int, int]], ...], tuple[bytes, ...], tuple[LargeStorage, ...]]:
    """Return slots and codes beside the accounts of a chunk, and whose slots are not there.

    Raises:
        InvalidEncoding: a slot that is none.
        InvalidSubtree: code or storage that an account does not commit to.
    """
    due = [each for each in accounts if has_code(each[1]) or each[2] != EMPTY_ROOT]
    if [row[0] for row in chunk.contracts] != [address for address, _, _ in due]:
        expected = f"the {len(due)} accounts with code or storage"
        raise InvalidSubtree("chunk.contracts", expected, f"{len(chunk.contracts)} others")
    storage: list[tuple[Address, dict[int, int]]] = []
    codes: list[bytes] = []
    large: list[LargeStorage] = []
    for (address, account, root), (_, code, rows) in zip(due, chunk.contracts, strict=True):
        if keccak256(code) != account.code_hash:
            raise InvalidSubtree("chunk.contracts", account.code_hash.hex(), keccak256(code).hex())
        codes.append(code)
        if root == EMPTY_ROOT and not rows:
            continue
        if not rows:
            large.append(LargeStorage(address, root))
            continue
        slots = read_slots(rows)
        found = updated_storage(empty_storage(), slots).root
        # What is not set makes no other root, but would be kept and weigh.
        if found != root or len(slots) != len(rows) or not all(slots.values()):
            raise InvalidSubtree("chunk.contracts", f"storage of root {root.hex()}", found.hex())
        storage.append((address, slots))
    return tuple(storage), tuple(codes), tuple(large)
