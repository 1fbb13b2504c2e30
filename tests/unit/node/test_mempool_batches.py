"""What a batch takes out of the pool, and what the pool says about its weight."""

from consensus.batching import BatchLimits
from tests.unit.node.test_mempool import BASE_FEE, NOW, advance, pool
from tests.unit.node.transfers import GWEI, account, built, chain, transfer


def test_selection_keeps_to_the_bytes_and_the_gas_of_a_batch() -> None:
    mempool = pool()
    for sender in range(4):
        mempool.add(NOW, transfer(sender, 0, tip=9 - sender))
    size = len(transfer(0, 0, tip=9).raw)
    for limits, count in (
        (BatchLimits(byte_count=3 * size), 3),
        (BatchLimits(byte_count=3 * size - 1), 2),
        (BatchLimits(gas=63_000), 3),
        (BatchLimits(gas=62_999), 2),
        (BatchLimits(2), 2),
    ):
        chosen = mempool.select(chain().state, BASE_FEE, 30_000_000, limits)
        assert [each.sender for each in chosen] == [account(n) for n in range(count)]


def test_selection_takes_a_transaction_that_no_batch_has_room_for_alone() -> None:
    mempool = pool()
    mempool.add(NOW, transfer(0, 0, tip=9, gas=60_000))
    mempool.add(NOW, transfer(1, 0, tip=8))
    chosen = mempool.select(chain().state, BASE_FEE, 30_000_000, BatchLimits(gas=30_000))
    assert [each.sender for each in chosen] == [account(0)]
    mempool.add(NOW, transfer(2, 0, tip=10))
    chosen = mempool.select(chain().state, BASE_FEE, 30_000_000, BatchLimits(gas=43_000))
    assert [each.sender for each in chosen] == [account(2), account(1)]


def test_the_weight_of_what_waits_follows_replacement_gaps_and_new_heads() -> None:
    head = chain()
    mempool = pool(head=head)

    def weight() -> tuple[int, int, int]:
        return mempool.waiting_count, mempool.waiting_bytes, mempool.waiting_gas

    first, second, behind = transfer(0, 0), transfer(0, 1, gas=30_000), transfer(0, 3)
    for each in (first, second, behind):
        mempool.add(NOW, each)
    assert weight() == (2, len(first.raw) + len(second.raw), 51_000)
    dearer = transfer(0, 0, tip=10 * GWEI, cap=100 * GWEI, data=b"\1" * 9, gas=50_000)
    mempool.add(NOW, dearer)
    assert weight() == (2, len(dearer.raw) + len(second.raw), 80_000)
    advance(mempool, built(head, first))
    assert weight() == (1, len(second.raw), 30_000)
