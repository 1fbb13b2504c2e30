"""The chain of the crash test: real rows of blocks, which follow from the height alone.

A block changes accounts and storage at random: new ones, changed ones, cleared slots, accounts that
cease to exist or lose their storage. So rows of the state and of its trie come, change and go.
"""

import hashlib
from random import Random

from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from primitives.machine import Record
from storage.account import Account
from storage.changes import StateChanges
from storage.files.frozen import FROZEN_TABLES
from storage.flat import FlatHead, expired_records, state_records
from storage.state import StateLayer
from storage.stored_trie import trie_records

KEPT = 12
"""Blocks whose rows stay, and whose states can be read."""
ACCOUNTS, SLOTS = 60, 12
CHANGED = 8
BY_HEIGHT = (*FROZEN_TABLES, "two-phase-commit")
CONSENSUS = "consensus"
VOTE = b"vote"


def key_of(height: int) -> bytes:
    return height.to_bytes(8, "big")


def filler(table: str, height: int) -> bytes:
    """Return bytes that no other table and block has, some 40 to 1,400 of them."""
    seed = hashlib.sha256(f"{table} {height}".encode()).digest()
    return seed * (1 + seed[0] % 44) + seed[:8]


def changes_of(height: int, before: StateLayer) -> StateChanges:
    """Return what the block of a height changes in the state before it."""
    random = Random(height)
    accounts: dict[Address, Account | None] = {}
    slots: dict[Address, dict[int, int]] = {}
    wiped: dict[Address, None] = {}
    codes: dict[Hash32, bytes] = {}
    for number in random.sample(range(ACCOUNTS), CHANGED):
        address = Address(hashlib.sha256(b"account %d" % number).digest()[:20])
        fate = random.random()
        if fate < 0.1 and before.account(address) is not None:
            accounts[address] = None
            wiped[address] = None
            continue
        code = b"code %d" % random.randrange(20)
        code_hash = keccak256(code)
        codes[code_hash] = code
        accounts[address] = Account(height, Wei(random.randrange(10**20)), code_hash)
        if fate < 0.15:
            wiped[address] = None
        if number % 2:
            drawn = random.sample(range(SLOTS), 4)
            slots[address] = {slot: random.choice((0, 1, 7, 2**200 + height)) for slot in drawn}
    return StateChanges(accounts, slots, wiped, codes)


def digest_of(height: int) -> Hash32:
    return keccak256(b"block %d" % height)


def block_records(height: int, before: StateLayer, after: StateLayer) -> list[Record]:
    """Return the batch of one block, between two states."""
    key = key_of(height)
    records = [Record(table, key, filler(table, height)) for table in BY_HEIGHT]
    if height > KEPT:
        records += [Record(table, key_of(height - KEPT), None) for table in BY_HEIGHT]
    records.append(Record(CONSENSUS, b"delivered", key))
    head = FlatHead(height, digest_of(height), after.root())
    records += state_records(head, after.all_changes, before, archive=False)
    records += expired_records(height, KEPT)
    records += trie_records(before.trie(), after.trie())
    return records
