"""A store in memory with a flat state that moves on block by block."""

from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from primitives.machine import Record
from storage.account import Account
from storage.changes import StateChanges
from storage.flat import FlatHead, expired_records, state_records, whole_state_records
from storage.memory import MemoryStore
from storage.state import StateLayer
from storage.stored_trie import trie_records

ANN, BOB, CAT = [Address(bytes([number]) * 20) for number in (1, 2, 255)]
CODE = b"\x60\x00"
CONTRACT = Account(1, Wei(5), keccak256(CODE))


def owning(balance: int) -> Account:
    return Account(0, Wei(balance))


class Chain:
    """One branch, each block durable at once."""

    def __init__(self, genesis: StateChanges, kept: int | None = None) -> None:
        self.kept = kept
        self.store = MemoryStore()
        self.tip = StateLayer(None, genesis)
        self.height = 0
        nothing = StateLayer(None, {})
        archive = kept is None
        self.store.write(whole_state_records(self.head(), genesis, archive=archive))
        self.store.write(trie_records(nothing.trie(), self.tip.trie()))

    def head(self) -> FlatHead:
        digest = Hash32(self.height.to_bytes(32, "big"))
        return FlatHead(self.height, digest, self.tip.root())

    def add(self, changes: StateChanges) -> list[Record]:
        """Add a block and return its rows, but for those of the trie."""
        before, self.tip = self.tip, StateLayer(self.tip, changes)
        self.height += 1
        records = state_records(self.head(), changes, before, archive=self.kept is None)
        if self.kept is not None:
            records += expired_records(self.height, self.kept)
        self.store.write([*records, *trie_records(before.trie(), self.tip.trie())])
        return records
