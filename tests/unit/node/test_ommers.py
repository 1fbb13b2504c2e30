"""Blocks of London, with ommers: who may be named, and what it pays."""

import msgspec
import pytest

from node.execution import BlockExecution, ExecutedBlock, genesis_executed
from node.execution_base_fee import next_base_fee
from node.execution_difficulty import next_difficulty
from node.execution_setting import ExecutionEngine, block_setting
from node.validation_block import execute_block
from node.validation_errors import InvalidBlock, WrongDifficulty, WrongOmmers
from node.validation_ommers import ommers_hash
from primitives.block import Block, encode_block
from primitives.fork import Fork
from primitives.genesis import Genesis
from primitives.header import Header
from primitives.ids import Wei
from primitives.params import ChainParams
from primitives.trie import EMPTY_ROOT
from tests.unit.node.transfers import COMMITTEE, account, stranger

PARAMS = ChainParams(
    fork=Fork.LONDON,
    beacon_rule="given",
    timestamp_rule="strict",
    gas_limit_rule="ethereum",
    checkpoint_interval=2**31 - 1,
)
ETHER = 10**18


def header_on(parent: Header, parent_hash: bytes, maker: int, **fields: object) -> Header:
    timestamp = parent.timestamp + 10
    return msgspec.structs.replace(
        parent,
        parent_hash=parent_hash,
        fee_recipient=stranger(maker),
        number=parent.number + 1,
        timestamp=timestamp,
        difficulty=next_difficulty(timestamp, parent),
        base_fee_per_gas=next_base_fee(parent, PARAMS),
        extra_data=b"",
        transactions_root=EMPTY_ROOT,
        ommers_hash=ommers_hash(()),
        **fields,
    )


def found(
    parent: ExecutedBlock, *ommers: Header, maker: int = 0, **fields: object
) -> ExecutedBlock:
    """The next block, as its maker would have it, executed."""
    header = header_on(parent.block.header, parent.digest, maker)
    header = msgspec.structs.replace(header, ommers_hash=ommers_hash(ommers), **fields)
    setting = block_setting(header, (), PARAMS, ExecutionEngine())
    run = BlockExecution(parent.state, parent.epoch, setting)
    run.finish((), ommers)
    header = msgspec.structs.replace(header, state_root=run.commit().root())
    return execute_block(parent, encode_block(Block(header, (), (), ommers)), PARAMS)


def chain(length: int) -> list[ExecutedBlock]:
    alloc = ((account(0), Wei(ETHER)),)
    genesis = genesis_executed(Genesis(PARAMS, alloc, COMMITTEE))
    first = msgspec.structs.replace(genesis.block.header, difficulty=2_048_000)
    blocks = [msgspec.structs.replace(genesis, block=Block(first, ()))]
    for _ in range(length):
        blocks.append(found(blocks[-1]))
    return blocks


CHAIN = chain(8)
HEAD = CHAIN[-1]


def ommer(height: int, maker: int = 5, **fields: object) -> Header:
    """A block beside the chain, whose parent is in it."""
    below = CHAIN[height - 1]
    return msgspec.structs.replace(header_on(below.block.header, below.digest, maker), **fields)


def test_a_chain_before_paris_pays_its_makers() -> None:
    assert HEAD.state.balance(stranger(0)) == 8 * 2 * ETHER
    assert [block.issued for block in CHAIN[1:]] == [2 * ETHER] * 8
    assert HEAD.block.header.difficulty > 2_000_000


@pytest.mark.parametrize("age", [1, 2, 3, 4, 5, 6])
def test_ommers_of_six_generations_are_paid_by_age(age: int) -> None:
    block = found(HEAD, ommer(9 - age))
    assert block.state.balance(stranger(5)) == 2 * ETHER * (8 - age) // 8
    assert block.issued == 2 * ETHER + 2 * ETHER // 32 + 2 * ETHER * (8 - age) // 8


def test_a_block_may_name_two() -> None:
    block = found(HEAD, ommer(8), ommer(7, 6))
    assert block.state.balance(stranger(0)) == 9 * 2 * ETHER + 2 * (2 * ETHER // 32)


REFUSED = [
    (ommer(8), ommer(7), ommer(6)),
    (ommer(8), ommer(8)),
    (ommer(2),),
    (CHAIN[7].block.header,),
    (msgspec.structs.replace(header_on(HEAD.block.header, HEAD.digest, 5)),),
    (ommer(8, parent_hash=b"\x13" * 32),),
    (ommer(8, difficulty=1),),
    (ommer(8, timestamp=0),),
    (ommer(8, number=7),),
    (ommer(8, gas_limit=1),),
    (ommer(8, base_fee_per_gas=1),),
    (ommer(8, extra_data=bytes(33)),),
]


@pytest.mark.parametrize("ommers", REFUSED)
def test_ommers_that_may_not_be_named(ommers: tuple[Header, ...]) -> None:
    with pytest.raises(WrongOmmers):
        found(HEAD, *ommers)


def test_an_ommer_is_named_once() -> None:
    block = found(HEAD, ommer(8))
    with pytest.raises(WrongOmmers, match="a block that is not in the chain"):
        found(block, ommer(8))


def test_the_header_commits_to_the_ommers() -> None:
    header = found(HEAD, ommer(8)).block.header
    for ommers in ((), (ommer(7),)):
        with pytest.raises(InvalidBlock) as caught:
            execute_block(HEAD, encode_block(Block(header, (), (), ommers)), PARAMS)
        assert type(caught.value) is WrongOmmers


def test_another_difficulty_than_the_parents_gives_is_refused() -> None:
    with pytest.raises(WrongDifficulty):
        found(HEAD, difficulty=HEAD.block.header.difficulty + 1)
