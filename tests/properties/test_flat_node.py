"""The rows of a chain's blocks hold what its layers hold, however the layers came to be."""

from collections import deque
from itertools import pairwise

from hypothesis import given, settings, strategies as st
from msgspec import structs

from node.execution import ExecutedBlock
from node.flat_rows import block_rows, first_rows, replacing_rows
from node.rebase import Rebase
from primitives.ids import Hash32
from primitives.machine import Record
from storage.changes import StateChanges
from storage.flat import ACCOUNTS, CODE, STORAGE, DiskState
from storage.memory import MemoryStore
from storage.outcome import Change
from storage.state import StateLayer
from storage.stored_trie import TABLE as TRIE
from tests.properties.plain_state import ADDRESSES, BLOCKS, Plain, contents, history
from tests.unit.node.transfers import chain

GENESIS = chain()
OF_STATE = (ACCOUNTS, STORAGE, TRIE)
"""Tables whose rows follow from the state alone; code stays when nobody has it any more."""


def blocks_of(layers: list[StateLayer]) -> list[ExecutedBlock]:
    """Return blocks of a chain after which the state is as the layers say."""
    blocks: list[ExecutedBlock] = []
    for number, layer in enumerate(layers):
        header = structs.replace(
            GENESIS.block.header, number=number, state_root=layer.root(), extra_data=bytes([number])
        )
        block = structs.replace(GENESIS.block, header=header)
        digest = Hash32(bytes([number]) * 32)
        blocks.append(
            structs.replace(GENESIS, block=block, digest=digest, state=layer, payload=b"1")
        )
    return blocks


def rows_of(store: MemoryStore) -> dict[str, dict[bytes, bytes]]:
    return {table: dict(store.scan(table)) for table in OF_STATE}


def whole(block: ExecutedBlock) -> MemoryStore:
    store = MemoryStore()
    store.write(first_rows(block, archive=False))
    return store


@settings(max_examples=60)
@given(BLOCKS, st.booleans())
def test_after_every_block_the_rows_are_those_of_its_state(
    changes: list[list[Change]], archive: bool
) -> None:
    layers, plains = history(changes)
    blocks = blocks_of(layers)
    store = whole(blocks[0])
    for parent, block, plain in zip(blocks, blocks[1:], plains[1:], strict=False):
        store.write(block_rows(parent, block, archive=archive))
        assert rows_of(store) == rows_of(whole(block))
        disk = DiskState(store)
        assert contents(StateLayer(None, StateChanges({}), disk)) == plain
        assert disk.trie().root == block.state.root()
        for account in plain.accounts.values():
            assert account.code_hash in dict(store.scan(CODE)) or not disk.code(account.code_hash)


@settings(max_examples=60)
@given(BLOCKS)
def test_the_rows_of_a_block_do_not_tell_how_the_states_came_to_be(
    changes: list[list[Change]],
) -> None:
    """So nodes that share layers write what a node writes which has loaded its state."""
    layers, _ = history(changes)
    blocks = blocks_of(layers)
    for parent, block in pairwise(blocks):
        rows = block_rows(parent, block, archive=True)
        loaded = StateLayer(None, DiskState(whole(parent)).everything())
        read = StateLayer(None, StateChanges({}), DiskState(whole(parent)))
        for state in (loaded, read):
            before = structs.replace(parent, state=state)
            after = structs.replace(block, state=StateLayer(state, block.state.all_changes))
            assert after.state.root() == block.state.root()
            assert in_order(block_rows(before, after, archive=True)) == in_order(rows)


@settings(max_examples=60)
@given(BLOCKS, st.data())
def test_a_state_takes_the_place_of_any_other(
    changes: list[list[Change]], data: st.DataObject
) -> None:
    layers, _ = history(changes)
    blocks = blocks_of(layers)
    old, new = sorted(data.draw(st.tuples(*[st.sampled_from(range(len(blocks)))] * 2)))
    store = whole(blocks[old])
    rows = replacing_rows(blocks[old], blocks[new], archive=False)
    store.write(rows)
    codes = {row.key for row in rows if row.table == CODE}
    assert codes == set(blocks[new].state.everything().codes), "whatever the store has already"
    assert rows_of(store) == rows_of(whole(blocks[new]))
    assert DiskState(store).head.height == new


@settings(max_examples=120)
@given(BLOCKS, st.integers(1, 3), st.integers(0, 3), st.data())
def test_states_that_move_up_on_the_store_stay_the_same(
    changes: list[list[Change]], every: int, lag: int, data: st.DataObject
) -> None:
    """However far the store lags behind, and whatever was executed on older bases."""
    layers, plains = history(changes)
    blocks = blocks_of(layers)
    store = whole(blocks[0])
    head = blocks[0]
    rebase = Rebase(store, every, 0)
    rebase.persisted(0)
    writing: deque[tuple[int, tuple[Record, ...]]] = deque()
    number = 0
    while number < len(blocks) - 1:
        step = data.draw(st.sampled_from([1, 1, 1, 1, 2]))
        number = min(number + step, len(blocks) - 1)
        block = blocks[number]
        if number > head.number + 1:
            block = structs.replace(block, payload=b"")
            rows = replacing_rows(head, block, archive=False)
        else:
            if data.draw(st.booleans()):
                # It was executed on the head as it stands now, and not on the layers of old.
                state = StateLayer(head.state, block.state.all_changes)
                block = structs.replace(block, state=state)
            rows = block_rows(head, block, archive=False)
        head = rebase.head(head, block)
        writing.append((number, rows))
        read_as(head.state, plains[number])
        assert contents(head.state) == plains[number]
        assert head.state.root() == block.block.header.state_root
        while len(writing) > lag:
            height, rows = writing.popleft()
            store.write(rows)
            rebase.persisted(height)


def read_as(state: StateLayer, plain: Plain) -> None:
    """Read cell by cell: what was read before may be in a cache."""
    for address in ADDRESSES:
        assert state.account(address) == plain.accounts.get(address)
        slots = plain.slots.get(address, {})
        assert [state.slot(address, slot) for slot in range(41)] == [
            slots.get(slot, 0) for slot in range(41)
        ]


def in_order(rows: tuple[Record, ...]) -> list[tuple[str, bytes, bytes | None]]:
    return sorted((each.table, each.key, each.value) for each in rows)
