"""Since when something waits that a primary could have included."""

from node.mempool import Mempool
from node.mempool_heap import LazyHeap
from node.mempool_types import MempoolLimits
from node.mempool_waiting import WaitingSenders
from primitives.ids import Address, Instant
from tests.unit.node.transfers import GWEI, PARAMS, account, built, chain, transfer

ALICE, BOB = Address(b"a" * 20), Address(b"b" * 20)


def at(second: int) -> Instant:
    return Instant(second)


def pool(base_fee: int = GWEI) -> Mempool:
    return Mempool(PARAMS, MempoolLimits(), chain().state, base_fee)


def test_the_oldest_head_counts() -> None:
    mempool = pool()
    assert mempool.oldest_local_since is None
    mempool.add(at(3), transfer(0, 0))
    mempool.add(at(5), transfer(1, 0))
    assert mempool.oldest_local_since == 3
    block = built(chain(), transfer(0, 0))
    mempool.advance(at(9), block.state, GWEI, block.state.changes)
    assert mempool.oldest_local_since == 5
    assert mempool.waiting_count == 1


def test_the_next_of_a_sender_has_waited_since_its_own_admission() -> None:
    mempool = pool()
    mempool.add(at(3), transfer(0, 0))
    mempool.add(at(4), transfer(0, 1))
    mempool.add(at(5), transfer(1, 0))
    block = built(chain(), transfer(0, 0))
    mempool.advance(at(9), block.state, GWEI, block.state.changes)
    assert mempool.oldest_local_since == 4


def test_what_is_queued_does_not_wait() -> None:
    mempool = pool()
    mempool.add(at(3), transfer(0, 1))
    assert mempool.oldest_local_since is None
    mempool.add(at(8), transfer(0, 0))
    assert mempool.oldest_local_since == 8


def test_a_replaced_head_waits_anew() -> None:
    mempool = pool()
    mempool.add(at(3), transfer(0, 0))
    mempool.add(at(7), transfer(0, 0, cap=20 * GWEI, tip=2 * GWEI))
    assert mempool.oldest_local_since == 7


def test_who_cannot_pay_the_base_fee_does_not_wait() -> None:
    mempool = pool(base_fee=5 * GWEI)
    mempool.add(at(3), transfer(0, 0, cap=4 * GWEI))
    mempool.add(at(4), transfer(0, 1, cap=9 * GWEI))
    assert (mempool.oldest_local_since, mempool.waiting_count) == (None, 0)
    assert mempool.pending_count == 2
    mempool.advance(at(10), chain().state, 4 * GWEI, ())
    assert (mempool.oldest_local_since, mempool.waiting_count) == (10, 2)


def test_a_rising_base_fee_parks_and_a_falling_one_starts_the_time_anew() -> None:
    mempool = pool(base_fee=GWEI)
    mempool.add(at(3), transfer(0, 0, cap=4 * GWEI))
    mempool.add(at(5), transfer(1, 0, cap=9 * GWEI))
    mempool.advance(at(6), chain().state, 5 * GWEI, ())
    assert mempool.oldest_local_since == 5
    assert mempool.waiting_count == 1
    mempool.advance(at(8), chain().state, GWEI, ())
    assert (mempool.oldest_local_since, mempool.waiting_count) == (5, 2)
    block = built(chain(), transfer(1, 0, cap=9 * GWEI))
    mempool.advance(at(9), block.state, GWEI, [account(1)])
    assert (mempool.oldest_local_since, mempool.waiting_count) == (8, 1)


def test_evicted_heads_do_not_wait() -> None:
    mempool = Mempool(PARAMS, MempoolLimits(count=1), chain().state, GWEI)
    mempool.add(at(3), transfer(0, 0, tip=1))
    mempool.add(at(5), transfer(1, 0, tip=2))
    assert mempool.oldest_local_since == 5
    assert mempool.waiting_count == 1


def test_counts_follow_a_head_that_stays() -> None:
    waiting = WaitingSenders(10)
    waiting.put(ALICE, 1, at(5), 20, 1, 100, 21_000)
    waiting.put(ALICE, 1, at(5), 20, 4, 400, 84_000)
    waiting.put(BOB, 2, at(6), 9, 3, 300, 63_000)
    assert (waiting.count, waiting.byte_count, waiting.gas) == (4, 400, 84_000)
    waiting.put(BOB, 2, at(6), 9, 7, 700, 147_000)
    waiting.set_base_fee(at(8), 9)
    assert (waiting.count, waiting.byte_count, waiting.gas) == (11, 1_100, 231_000)
    waiting.drop(ALICE)
    waiting.drop(ALICE)
    assert (waiting.count, waiting.oldest()) == (7, 8)
    waiting.set_base_fee(at(9), 10)
    assert (waiting.count, waiting.oldest()) == (0, None)
    assert (waiting.byte_count, waiting.gas) == (0, 0)


def test_a_sender_unparked_later_does_not_bring_an_older_time_with_its_next_head() -> None:
    waiting = WaitingSenders(10)
    waiting.put(ALICE, 1, at(1), 9, 2, 200, 42_000)
    waiting.set_base_fee(at(5), 9)
    waiting.put(ALICE, 2, at(2), 9, 1, 100, 21_000)
    assert waiting.oldest() == 5
    waiting.drop(ALICE)
    waiting.put(ALICE, 3, at(6), 9, 1, 100, 21_000)
    assert waiting.oldest() == 6


def test_a_lazy_heap_forgets_stale_entries() -> None:
    current = {"a": 0}
    heap: LazyHeap[tuple[int, str]] = LazyHeap(lambda entry: current.get(entry[1]) == entry[0])
    for version in range(1_000):
        current["a"] = version
        heap.push((version, "a"), live=1)
    assert len(heap) <= 67
    assert heap.first() == (999, "a")
    assert heap.pop() == (999, "a")
    assert heap.first() is None
