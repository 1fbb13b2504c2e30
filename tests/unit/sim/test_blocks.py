"""The index of executed blocks that checkers and reports read."""

from types import SimpleNamespace
from typing import cast

import pytest

from node.execution import ExecutedBlock
from primitives.ids import Hash32
from sim.blocks import BLOCKS_KEPT, BlockIndex


def block(number: int, tag: int = 0) -> ExecutedBlock:
    digest = Hash32(number.to_bytes(31, "big") + bytes([tag]))
    return cast("ExecutedBlock", SimpleNamespace(number=number, digest=digest, transactions=()))


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
