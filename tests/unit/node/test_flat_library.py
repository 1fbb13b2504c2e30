"""What nodes of a process share of form flat: made once, bounded, and by content alone."""

from itertools import pairwise

import pytest

from node import flat_library
from node.execution import ExecutedBlock
from node.flat_library import FlatLibrary
from node.flat_rows import HEADERS, RECEIPTS, Rows, block_rows, encode_receipts, first_rows
from primitives.header import decode_header
from primitives.receipt import encode_receipt
from primitives.rlp import decode
from storage.changes import StateChanges
from storage.flat import ACCOUNTS, HISTORY, INDEX, STORAGE
from storage.memory import MemoryStore
from storage.state import StateLayer
from storage.stored_trie import TABLE as TRIE
from tests.unit.node.transfers import built, chain, transfer

GENESIS = chain()


def blocks(count: int) -> list[ExecutedBlock]:
    found = [GENESIS]
    for nonce in range(count):
        found.append(built(found[-1], transfer(0, nonce)))
    return found


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note of which blocks rows are made."""
    heights: list[int] = []

    def noted(parent: ExecutedBlock, block: ExecutedBlock, *, archive: bool) -> Rows:
        heights.append(block.number)
        return block_rows(parent, block, archive=archive)

    monkeypatch.setattr(flat_library, "block_rows", noted)
    return heights


def test_rows_are_made_once_for_all_nodes(made: list[int]) -> None:
    library = FlatLibrary()
    genesis, block = blocks(1)
    first = library.block(genesis, block, archive=False)
    assert library.block(genesis, block, archive=False) is first
    assert made == [1]
    archive = library.block(genesis, block, archive=True)
    assert made == [1, 1]
    assert INDEX in {row.table for row in archive} - {row.table for row in first}
    assert library.first(genesis, archive=False) is library.first(genesis, archive=False)


def test_what_is_remembered_is_bounded_by_number_and_by_bytes(made: list[int]) -> None:
    chained = blocks(4)
    pairs = list(pairwise(chained))
    few, light = FlatLibrary(rows_max=2), FlatLibrary(rows_bytes_max=1)
    for library, left in ((few, [1, 2]), (light, [1, 2, 3])):
        for parent, block in pairs:
            library.block(parent, block, archive=False)
        made.clear()
        for parent, block in reversed(pairs):
            library.block(parent, block, archive=False)
        assert made == left[::-1]


def test_an_isolated_node_makes_its_own(made: list[int]) -> None:
    library = FlatLibrary.isolated()
    genesis, block = blocks(1)
    for _ in range(2):
        library.block(genesis, block, archive=False)
    assert made == [1, 1]
    states = [library.state(b"same", lambda: StateLayer(None, StateChanges({}))) for _ in range(2)]
    assert states[0] is not states[1]


def test_a_loaded_state_is_shared_by_its_rows() -> None:
    library = FlatLibrary()
    make = lambda: StateLayer(None, StateChanges({}))  # noqa: E731
    assert library.state(b"same", make) is library.state(b"same", make)
    assert library.state(b"same", make) is not library.state(b"other", make)


def test_header_and_receipts_are_rows_in_ethereum_s_encodings() -> None:
    genesis, block = blocks(1)
    rows = {row.table: row for row in block_rows(genesis, block, archive=False)}
    assert rows[HEADERS].key == rows[RECEIPTS].key == rows[HISTORY].key == (1).to_bytes(8, "big")
    header = rows[HEADERS].value
    assert header is not None
    assert decode_header(header) == block.block.header
    assert rows[RECEIPTS].value == encode_receipts(block.receipts)
    assert decode(encode_receipts(block.receipts)) == [encode_receipt(block.receipts[0])]
    assert not any(row.value is None for row in first_rows(genesis, archive=True))


def test_a_fetched_state_takes_other_rows_from_each_state_that_it_replaces() -> None:
    library = FlatLibrary()
    genesis, first, second, fetched = blocks(3)
    for old in (second, first, genesis):
        store = MemoryStore()
        store.write(first_rows(old, archive=False))
        rows = library.replacing(old, fetched, archive=False)
        assert rows is library.replacing(old, fetched, archive=False)
        store.write(rows)
        whole = MemoryStore()
        whole.write(first_rows(fetched, archive=False))
        for table in (ACCOUNTS, STORAGE, TRIE):
            assert list(store.scan(table)) == list(whole.scan(table)), (old.number, table)
