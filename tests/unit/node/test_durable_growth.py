"""Neither a node's memory nor its disk grows with the chain, where states are read from it."""

import gc
from collections import deque

import pytest

from node.checkpoints import Checkpoints
from node.durable_flat import DurableFlat
from node.execution import ExecutedBlock
from node.flat_library import FlatLibrary
from node.flat_rows import CHAIN, HEADERS, RECEIPTS
from node.ledger import BLOCKS, CERTIFICATES, Ledger, encode_certificate
from node.rebase import Rebase
from primitives.machine import Record
from primitives.system_contracts import HISTORY_SERVED
from storage.flat import ACCOUNTS, HEAD, HISTORY as HISTORY_TABLE, STORAGE, DiskState
from storage.memory import MemorySnapshot, MemoryStore
from storage.state import StateLayer
from tests.unit.node.test_node_parts import certificate
from tests.unit.node.transfers import FIXED, built, chain, stranger, transfer

INTERVAL, HISTORY, KEPT, REBASE = 16, 32, 40, 8
LAG = 3
"""Batches that are on their way to the disk."""
PAID = 20
"""Accounts that are paid, one after another."""
SLOT_BYTES = 500
"""A slot takes in its row and in those of its trie, at most."""
BOUNDED = (BLOCKS, CERTIFICATES, HEADERS, RECEIPTS, CHAIN, HISTORY_TABLE, ACCOUNTS, HEAD)
"""Tables that do not grow while nobody has more accounts or slots. Blocks put the hash of their
parent into a ring of 8,191 slots (EIP-2935)."""


COUNTED = (StateLayer, DiskState, MemorySnapshot)


def count(kind: type) -> int:
    """Return how many objects of a type there are in the process."""
    gc.collect()
    return sum(type(each) is kind for each in gc.get_objects())


class Growing:
    """A chain that grows at one node, and is written with a lag."""

    def __init__(self) -> None:
        self._others = {each: count(each) for each in COUNTED}
        """What tests before this one have left."""
        genesis = chain(params=FIXED)
        self.store = MemoryStore()
        library = FlatLibrary.isolated()
        self.store.write(library.first(genesis, archive=False))
        self.rebase = Rebase(self.store, REBASE, 0)
        durable = DurableFlat(Checkpoints(INTERVAL), library, genesis, KEPT, self.rebase)
        self.ledger = Ledger(genesis, 8, durable, HISTORY)
        self._writing: deque[tuple[int, tuple[Record, ...]]] = deque()
        self._ahead: ExecutedBlock = genesis
        """Executed already, on whatever base there was then."""

    def grow(self, blocks: int) -> None:
        for _ in range(blocks):
            parent = self.ledger.executed(self._ahead.digest)
            assert parent is not None
            number = parent.number
            paid = stranger(number % PAID)
            child = built(parent, transfer(0, number, paid, 1, params=FIXED), params=FIXED)
            self.ledger.keep(child)
            if number:
                self._commit(parent)
            self._ahead = child

    def _commit(self, block: ExecutedBlock) -> None:
        proof = certificate(block, 0, 1, 2)
        rows = self.ledger.append(block, encode_certificate(proof), proof)
        self._writing.append((block.number, rows))
        if len(self._writing) > LAG:
            height, rows = self._writing.popleft()
            self.store.write(rows)
            self.ledger.durable.persisted(height)

    def _behind(self, block: ExecutedBlock) -> int:
        """Return how far below the head the base is that a block's state stands on."""
        executed = self.ledger.executed(block.digest)
        assert executed is not None
        base = executed.state.below
        return self.ledger.height - (base.head.height if isinstance(base, DiskState) else 0)

    def held(self) -> dict[str, int]:
        """Return how much there is of what could grow."""
        ledger = self.ledger
        return {
            **{each.__name__: count(each) - self._others[each] for each in COUNTED},
            "changes": self.rebase.layers,
            "blocks": ledger.height - ledger.lowest,
            "undecided": ledger.undecided,
            "behind": max(self._behind(each) for each in (ledger.tip, self._ahead)),
            "rows": sum(len(list(self.store.scan(table))) for table in BOUNDED),
        }


@pytest.mark.parametrize("blocks", [150, pytest.param(3_000, marks=pytest.mark.slow)])
def test_what_is_held_does_not_grow_with_the_chain(blocks: int) -> None:
    growing = Growing()
    growing.grow(90)
    before, size = growing.held(), growing.store.byte_count()
    seen: list[dict[str, int]] = []
    for _ in range(blocks // 50):
        growing.grow(50)
        seen.append(growing.held())
    assert growing.ledger.height == 89 + blocks
    most = {name: max(each[name] for each in seen) for name in before}
    assert most["StateLayer"] <= 2 * INTERVAL
    assert most["DiskState"] <= 6
    assert most["MemorySnapshot"] <= 6
    assert most["changes"] <= REBASE + LAG + 2
    assert most["blocks"] <= HISTORY + INTERVAL
    assert most["undecided"] == 1
    assert most["behind"] <= REBASE + LAG + 2
    assert most["rows"] <= before["rows"] + INTERVAL
    ring = len(list(growing.store.scan(STORAGE)))
    assert ring <= HISTORY_SERVED
    assert growing.store.byte_count() <= size + SLOT_BYTES * ring


def test_no_snapshot_outlives_the_states_that_stand_on_it() -> None:
    """Nor does it wait for the garbage collector: it holds back room on a disk."""
    growing = Growing()
    gc.collect()
    gc.disable()
    try:
        growing.grow(200)
        snapshots = len(growing.store._snapshots)
    finally:
        gc.enable()
    assert snapshots <= 6
