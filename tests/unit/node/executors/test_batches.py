"""Batched checks give what single ones give, on any pool, and recover each sender once."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
import pytest

from node.executors.batches import CHUNK_MAX, CHUNK_MIN, check_transactions, chunk_bounds
from node.executors.pool import InlinePool, Pool
from node.executors.recovery import RECORD_BYTES, pack, recover_packed, unpack
from node.executors.threads import ThreadPool
from node.validation import PooledTransaction, check_transaction
from primitives.transaction import InvalidTransaction, encode_transaction
from tests.unit.node.transfers import PARAMS, account, raw_transfer, transfer

UNSIGNED = encode_transaction(msgspec.structs.replace(transfer().transaction, r=5))
"""Its r belongs to no point of the curve, which only recovery notices."""
BAD = (b"", b"\x02\xc0", UNSIGNED, raw_transfer(chain_id=3), raw_transfer(gas=20_999))


class CountingPool:
    """Says that it has workers, and counts what they would have recovered."""

    workers = 2

    def __init__(self) -> None:
        self.recovered = 0
        self.tasks = 0

    def map(self, name: str, tasks: Iterable[bytes]) -> Sequence[bytes]:
        made = list(tasks)
        self.tasks += len(made)
        self.recovered += sum(len(task) for task in made) // RECORD_BYTES
        return InlinePool().map(name, made)


@pytest.fixture(params=["inline", "counting", "threads"])
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    if request.param == "threads":
        with ThreadPool(2) as threads:
            yield threads
    else:
        yield InlinePool() if request.param == "inline" else CountingPool()


def batch(count: int) -> list[bytes]:
    """Valid transfers with a bad transaction at every tenth place."""
    good = [raw_transfer(index % 5, index // 5) for index in range(count)]
    return [
        BAD[index // 10 % len(BAD)] if index % 10 == 9 else good[index] for index in range(count)
    ]


def one_by_one(raw: bytes) -> PooledTransaction | InvalidTransaction:
    try:
        return check_transaction(raw, PARAMS)
    except InvalidTransaction as error:
        return error


@pytest.mark.parametrize("count", [0, 1, 63, 64, 150])
def test_a_batch_gives_what_single_checks_give(pool: Pool, count: int) -> None:
    raws = batch(count)
    results = check_transactions(raws, PARAMS, pool)
    for result, expected in zip(results, map(one_by_one, raws), strict=True):
        if isinstance(expected, InvalidTransaction):
            assert (type(result), str(result)) == (type(expected), str(expected))
        else:
            assert result == expected


def test_a_refusal_keeps_no_frames(pool: Pool) -> None:
    for result in check_transactions(batch(100), PARAMS, pool):
        error = result if isinstance(result, InvalidTransaction) else None
        while error is not None:
            assert error.__traceback__ is None
            error = error.__cause__  # type: ignore[assignment]


def test_only_what_has_passed_the_other_checks_is_recovered() -> None:
    pool = CountingPool()
    check_transactions([BAD[3]] * 100 + [raw_transfer()] * 100, PARAMS, pool)
    assert pool.recovered == 100


@pytest.mark.parametrize("workers", [0, 1, 2, 3, 16])
@pytest.mark.parametrize("count", [0, 1, 2 * CHUNK_MIN - 1, 2 * CHUNK_MIN, 1_000, 5_000, 20_001])
def test_chunks_cover_a_batch_and_are_nearly_equal(workers: int, count: int) -> None:
    bounds = chunk_bounds(count, workers)
    assert [place for first, end in bounds for place in range(first, end)] == list(range(count))
    sizes = {end - first for first, end in bounds}
    assert max(sizes, default=0) - min(sizes, default=0) <= 1
    if workers > 1 and count >= 2 * CHUNK_MIN:
        assert max(sizes) <= CHUNK_MAX
        assert min(sizes) >= CHUNK_MIN - 1
        assert len(bounds) > 1


def test_five_thousand_on_two_workers_are_chunks_of_625() -> None:
    assert {end - first for first, end in chunk_bounds(5_000, 2)} == {625}


def test_packed_signatures_give_the_senders_and_none_for_nobody() -> None:
    raws = [raw_transfer(0), UNSIGNED, raw_transfer(1, tx_type=0), raw_transfer(2, tx_type=1)]
    signed = [transfer(0), transfer(), transfer(1, tx_type=0), transfer(2, tx_type=1)]
    records = [pack(each.transaction, raw) for each, raw in zip(signed, raws, strict=True)]
    records[1] = records[1][:32] + (5).to_bytes(32, "big") + records[1][64:]
    assert unpack(recover_packed(b"".join(records))) == [account(0), None, account(1), account(2)]
    assert unpack(recover_packed(b"")) == []
