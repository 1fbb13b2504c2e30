"""The index of executed blocks that checkers and reports read."""

from types import SimpleNamespace
from typing import cast

import pytest
from msgspec.structs import replace

from node.builder import build_block
from node.execution import ExecutedBlock
from node.flat_rows import first_rows
from node.shared import ComputeCache
from node.validation_errors import InvalidBlock
from primitives.ids import Hash32
from sim.blocks import BLOCKS_KEPT, BlockIndex, IndexedCache
from storage.changes import StateChanges
from storage.flat import ACCOUNTS, DiskState
from storage.memory import MemoryStore
from storage.state import StateLayer
from tests.unit.node.transfers import CONTEXT, PARAMS, chain as executed_chain, transfer


def block(number: int, tag: int = 0) -> ExecutedBlock:
    digest = Hash32(number.to_bytes(31, "big") + bytes([tag]))
    state = SimpleNamespace(below=None)
    fields = {"number": number, "digest": digest, "transactions": (), "state": state}
    return cast("ExecutedBlock", SimpleNamespace(**fields))


def test_a_node_that_executes_its_chain_again_drives_out_no_recent_block() -> None:
    index = BlockIndex(block(0))
    chain = [block(number) for number in range(1, BLOCKS_KEPT + 200)]
    for each in chain:
        index.add(each)
    for again in chain[:-5]:
        index.add(again)
        assert index.block(again.digest) is again
    for each in chain[-BLOCKS_KEPT:]:
        assert index.block(each.digest) is each


def test_blocks_far_below_the_highest_leave() -> None:
    index = BlockIndex(block(0))
    rivals = [block(1, tag) for tag in range(3)]
    for rival in rivals:
        index.add(rival)
    index.add(block(BLOCKS_KEPT))
    assert [index.block(rival.digest) for rival in rivals] == rivals
    index.add(block(BLOCKS_KEPT + 1))
    for rival in rivals:
        with pytest.raises(KeyError):
            index.block(rival.digest)
        assert index.transaction_hashes(rival.digest) == ()
    assert index.block(block(0).digest).number == 0


def test_what_is_kept_of_older_blocks_is_bounded() -> None:
    index = BlockIndex(block(0))
    index.add(block(10 * BLOCKS_KEPT))
    older = [block(number) for number in range(1, 2 * BLOCKS_KEPT)]
    for each in older:
        index.add(each)
    with pytest.raises(KeyError):
        index.block(older[0].digest)
    assert index.block(older[-1].digest) is older[-1]


def test_the_cache_indexes_what_nodes_build_and_execute() -> None:
    genesis = executed_chain()
    transaction = transfer(0, 0)
    index = BlockIndex(genesis)
    built = IndexedCache(PARAMS, index).build(genesis, (transaction,), CONTEXT)
    assert index.block(built.digest) is built
    assert index.transaction_hashes(built.digest) == (transaction.hash,)
    elsewhere = BlockIndex(genesis)
    executed = IndexedCache(PARAMS, elsewhere).execute(genesis, built.payload)
    assert isinstance(executed, ExecutedBlock)
    assert elsewhere.block(built.digest) is executed
    assert elsewhere.transaction_hashes(built.digest) == (transaction.hash,)


def test_a_known_block_that_left_the_index_comes_back_when_it_is_executed_again() -> None:
    genesis = executed_chain()
    index = BlockIndex(genesis)
    cache = IndexedCache(PARAMS, index)
    built = cache.build(genesis, (), CONTEXT)
    index.add(block(BLOCKS_KEPT + 1))
    with pytest.raises(KeyError):
        index.block(built.digest)
    assert cache.execute(genesis, built.payload) is built
    assert index.block(built.digest) is built


def test_a_refused_block_is_not_indexed() -> None:
    genesis = executed_chain()
    index = BlockIndex(genesis)
    cache = IndexedCache(PARAMS, index)
    built = ComputeCache(PARAMS).build(genesis, (), CONTEXT)
    refused = cache.execute(genesis, built.payload[:-1])
    assert isinstance(refused, InvalidBlock)
    with pytest.raises(KeyError, match=built.digest.hex()):
        index.block(built.digest)


def test_whoever_looks_at_a_block_does_not_read_a_node_s_store() -> None:
    """The node may crash meanwhile, and its disk be damaged."""
    genesis = executed_chain()
    index = BlockIndex(genesis)
    store = MemoryStore()
    store.write(first_rows(genesis, archive=False))
    on_disk = replace(genesis, state=StateLayer(None, StateChanges({}), DiskState(store)))
    block = build_block(on_disk, (transfer(),), CONTEXT, PARAMS)
    index.add(block)
    store.discard([ACCOUNTS])
    found = index.block(block.digest)
    assert found.state.below is None
    assert found.state.root() == block.block.header.state_root
    assert found.state.accounts()
    index.add(block)
    assert index.block(block.digest) is found
