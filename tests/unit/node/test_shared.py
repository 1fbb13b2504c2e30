"""Results shared by the nodes of a process."""

from collections import OrderedDict
from collections.abc import Iterator

import msgspec
import pytest

from node import shared
from node.charging import Charging
from node.demand import ExecutionConfig
from node.execution import ExecutedBlock
from node.hints import Hints
from node.outlines import Outlines
from node.shared import ComputeCache, Memo
from node.shared_jobs import BuildBlock, CheckTransactions, ExecuteBlock
from node.tally import Tallies
from node.validation import PooledTransaction
from node.validation_block import execute_block
from node.validation_errors import InvalidBlock, InvalidBlockTransaction
from primitives.block import Block, encode_block, transactions_root
from primitives.ids import Hash32
from primitives.transaction import InvalidTransaction, encode_transaction, transaction_hash
from tests.unit.node.transfers import CONTEXT, GWEI, PARAMS, built, chain, raw_transfer, transfer

CHARGING = Charging(ExecutionConfig(), Outlines(), Tallies(), Hints())


class Unscanned(OrderedDict[int, int]):
    """A dictionary that nobody may look for the first entry of."""

    def __iter__(self) -> Iterator[int]:
        raise AssertionError("scanned")


def test_a_memo_forgets_the_oldest() -> None:
    memo: Memo[int, str] = Memo(2)
    for number in (1, 2, 1, 3):
        memo.put(number, str(number))
    assert [memo.get(number) for number in (1, 2, 3)] == [None, "2", "3"]
    assert len(memo) == 2


def test_a_memo_without_room_keeps_nothing() -> None:
    memo: Memo[int, str] = Memo(0)
    memo.put(1, "1")
    assert memo.get(1) is None


def test_a_memo_forgets_without_looking_at_other_entries() -> None:
    """Finding the first entry of a dictionary takes the longer the more were deleted."""
    memo: Memo[int, int] = Memo(3)
    memo._results = Unscanned()
    for number in range(100):
        memo.put(number, number)
    assert [memo.get(number) for number in (96, 97, 99)] == [None, 97, 99]
    assert len(memo) == 3


def test_a_memo_holds_so_many_bytes_of_keys() -> None:
    memo: Memo[bytes, int] = Memo(10, 100, len)
    for number in range(3):
        memo.put(bytes([number]) * 40, number)
    assert [memo.get(bytes([number]) * 40) for number in range(3)] == [None, 1, 2]
    memo.put(bytes(101), 9)
    assert len(memo) == 0
    memo.put(bytes(100), 9)
    assert memo.get(bytes(100)) == 9


def test_the_cache_does_not_keep_more_than_its_bytes_of_strangers_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shared, "_TRANSACTION_BYTES_MAX", 1_000)
    cache = ComputeCache(PARAMS)
    for number in range(5):
        cache.transaction(bytes([number]) * 400)
    assert len(cache._transactions) == 2


def test_a_refusal_keeps_no_frames_of_the_errors_behind_it() -> None:
    """A signature that fits no key is noticed three calls deep, by the curve library."""
    transaction = transfer().transaction
    raw = encode_transaction(msgspec.structs.replace(transaction, r=5))
    error: BaseException | None = ComputeCache(PARAMS).transaction(raw)  # type: ignore[assignment]
    assert isinstance(error, InvalidTransaction)
    depth = 0
    while error is not None:
        assert error.__traceback__ is None
        error, depth = error.__cause__, depth + 1
    assert depth == 3


@pytest.mark.parametrize("cache", [ComputeCache(PARAMS), ComputeCache.isolated(PARAMS)])
def test_a_hash_is_the_same_before_and_after_the_check(cache: ComputeCache) -> None:
    for raw in (raw_transfer(), b"no transaction"):
        assert cache.hash(raw) == transaction_hash(raw)
        cache.transaction(raw)
        assert cache.hash(raw) == transaction_hash(raw)


def test_a_transaction_is_checked_once() -> None:
    cache = ComputeCache(PARAMS)
    copy = bytes(bytearray(raw_transfer()))
    assert cache.transaction(raw_transfer()) is cache.transaction(copy)
    assert cache.transaction(copy) == transfer()


def test_a_refusal_is_remembered_without_its_frames() -> None:
    cache = ComputeCache(PARAMS)
    raw = raw_transfer(chain_id=3)
    error = cache.transaction(raw)
    assert isinstance(error, InvalidTransaction)
    assert error.code == "wrong_chain_id"
    assert error.__traceback__ is None
    assert cache.transaction(raw) is error
    for _ in range(2):
        with pytest.raises(InvalidTransaction) as caught:
            cache.require_transaction(raw)
        assert caught.value is error


def test_a_block_is_executed_once_for_each_parent() -> None:
    cache = ComputeCache(PARAMS)
    parent = chain()
    payload = built(parent, transfer(0, 0)).payload
    first = cache.execute(parent, payload)
    assert isinstance(first, ExecutedBlock)
    assert cache.execute(parent, bytes(bytearray(payload))) is first
    other = cache.execute(built(parent), payload)
    assert isinstance(other, InvalidBlock)
    assert other.code == "wrong_parent"
    assert other.__traceback__ is None


def test_what_a_node_builds_others_need_not_execute() -> None:
    cache = ComputeCache(PARAMS)
    parent = chain()
    block = cache.build(parent, (transfer(0, 0),), CONTEXT)
    assert cache.execute(parent, block.payload) is block


def test_a_long_chain_stays_executable_on_any_of_its_blocks() -> None:
    """Old blocks give up their tries, and get them back when something is built on them."""
    cache = ComputeCache(PARAMS)
    blocks = [chain()]
    for nonce in range(70):
        blocks.append(cache.build(blocks[-1], (transfer(0, nonce, tip=0, cap=2 * GWEI),), CONTEXT))
    assert [each.state._trie is None for each in blocks].count(True) == 6
    for parent in (blocks[1], blocks[69]):
        other = cache.build(parent, (transfer(1, 0),), CONTEXT)
        assert isinstance(execute_block(parent, other.payload, PARAMS), ExecutedBlock)


def test_an_isolated_cache_gives_equal_results_and_shares_none() -> None:
    cache = ComputeCache.isolated(PARAMS)
    parent = chain()
    block = cache.build(parent, (transfer(0, 0),), CONTEXT)
    once, twice = cache.execute(parent, block.payload), cache.execute(parent, block.payload)
    assert isinstance(once, ExecutedBlock)
    assert isinstance(twice, ExecutedBlock)
    assert once is not twice
    assert once.digest == twice.digest == block.digest
    assert once.state is not twice.state
    assert once.state.root() == twice.state.root()


def test_a_refused_block_names_the_transaction_without_frames() -> None:
    cache = ComputeCache(PARAMS)
    parent = chain()
    unsigned = msgspec.structs.replace(transfer(1, 0).transaction, r=5)
    raws = (raw_transfer(0, 0), encode_transaction(unsigned))
    empty = built(parent).block.header
    header = msgspec.structs.replace(empty, transactions_root=transactions_root(raws))
    error = cache.execute(parent, encode_block(Block(header, raws)))
    assert isinstance(error, InvalidBlockTransaction)
    assert (error.index, error.reason.code) == (1, "invalid_signature")
    behind: BaseException | None = error
    for _ in range(4):
        assert behind is not None
        assert behind.__traceback__ is None
        behind = behind.__cause__
    assert behind is None


def test_a_batch_answers_for_each_transaction_in_order() -> None:
    raws = (raw_transfer(0), b"\x00", raw_transfer(1))
    results = CheckTransactions(raws, ComputeCache(PARAMS)).run()
    assert [isinstance(each, PooledTransaction) for each in results] == [True, False, True]
    assert results[2] == transfer(1)


def test_jobs_build_and_execute() -> None:
    cache = ComputeCache(PARAMS)
    parent = chain()
    block = BuildBlock(parent, (transfer(0, 0),), CONTEXT, cache, CHARGING).run()
    assert ExecuteBlock(parent, block.digest, block.payload, cache, CHARGING).run() is block


def test_a_block_under_a_false_name_is_refused_and_the_true_one_is_not() -> None:
    cache = ComputeCache(PARAMS)
    parent = chain()
    block = built(parent, transfer(0, 0))
    error = ExecuteBlock(parent, Hash32(bytes(32)), block.payload, cache, CHARGING).run()
    assert isinstance(error, InvalidBlock)
    assert error.code == "wrong_digest"
    right = ExecuteBlock(parent, block.digest, block.payload, cache, CHARGING).run()
    assert isinstance(right, ExecutedBlock)
