"""Blocks for `orrery bench commit`: rows as a node makes them of a thousand transfers.

Accounts are drawn evenly from the state, so nearly all of a block's are different ones, and its
trie paths are as deep as those of any state of that size.
"""

from collections.abc import Iterator
from random import Random

from node.flat_rows import encode_receipts, height_key
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.machine import Record
from primitives.receipt import Receipt
from storage.account import Account
from storage.flat import FlatHead, state_records, whole_state_records
from storage.state import StateLayer
from storage.stored_trie import trie_records

ETHER = 10**18
TRANSFER_BYTES, TRANSFER_GAS = 116, 21_000
HEADER_BYTES, CERTIFICATE_BYTES, VOTE_BYTES = 600, 1_500, 200
KEY_BYTES, VALUE_BYTES = 32, 100
BLOOM = bytes(256)
STATE_TABLES = ("state.accounts", "state.storage", "state.code")
TRIE = "state.trie"


class Chain:
    """A state that blocks of transfers change.

    Args:
        accounts: in it.
        transfers: in each block.
    """

    def __init__(self, accounts: int, transfers: int) -> None:
        self._random = Random(accounts)
        self._addresses = [Address(self._random.randbytes(20)) for _ in range(accounts)]
        self._transfers = transfers
        self.height = 0
        self.state = StateLayer(None, {each: self._account() for each in self._addresses})
        self.state.root()
        gas = [Gas(TRANSFER_GAS * (number + 1)) for number in range(transfers)]
        receipts = [Receipt(2, 1, each, BLOOM, ()) for each in gas]
        self._receipts = encode_receipts(receipts)

    def genesis(self) -> list[Record]:
        """Return the rows of the state as it is."""
        head = FlatHead(self.height, Hash32(bytes(32)), self.state.root())
        rows = whole_state_records(head, self.state.everything(), archive=False)
        return rows + trie_records(StateLayer(None, {}).trie(), self.state.trie())

    def next_states(self) -> tuple[StateLayer, StateLayer]:
        """Return the states before and after the next block; their tries are made."""
        pairs = self._random.choices(self._addresses, k=2 * self._transfers)
        before = self.state
        self.state = StateLayer(before, {address: self._account() for address in pairs})
        self.state.root()
        self.height += 1
        return before, self.state

    def rows(self, before: StateLayer, after: StateLayer, *, trie: bool) -> list[Record]:
        """Return the batch of the block between two states."""
        key = height_key(self.height)
        random = self._random
        head = FlatHead(self.height, Hash32(key * 4), after.root())
        records = [
            Record("chain.blocks", key, random.randbytes(TRANSFER_BYTES * self._transfers)),
            Record("chain.certificates", key, random.randbytes(CERTIFICATE_BYTES)),
            Record("chain.headers", key, random.randbytes(HEADER_BYTES)),
            Record("chain.receipts", key, self._receipts),
            Record("consensus", key, random.randbytes(VOTE_BYTES)),
            *state_records(head, after.all_changes, before, archive=False),
        ]
        return records + trie_records(before.trie(), after.trie()) if trie else records

    def _account(self) -> Account:
        random = self._random
        return Account(random.randrange(100), Wei(ETHER + random.randrange(ETHER)))


def puts(random: Random, count: int) -> list[Record]:
    """Return that many puts of random keys, half of them to accounts, half to trie nodes."""
    return [
        Record(
            STATE_TABLES[0] if number % 2 else TRIE,
            random.randbytes(KEY_BYTES),
            random.randbytes(VALUE_BYTES),
        )
        for number in range(count)
    ]


def byte_count(records: list[Record], tables: tuple[str, ...] | None = None) -> int:
    """Return the bytes of keys and values, of some tables or of all."""
    return sum(
        len(each.key) + len(each.value or b"")
        for each in records
        if tables is None or each.table in tables
    )


def batches(records: list[Record], size: int) -> Iterator[list[Record]]:
    """Yield records in pieces."""
    for first in range(0, len(records), size):
        yield records[first : first + size]
