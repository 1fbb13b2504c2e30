"""The pool: admission, replacement, limits, selection, and moving with the chain."""

import pytest

from consensus.batching.policy import BatchLimits
from node.execution import ExecutedBlock
from node.mempool import Mempool
from node.mempool_types import Admitted, MempoolLimits, Refused, Replaced
from primitives.ids import Address, Gas, Hash32, Instant
from primitives.params import ChainParams
from storage.account import Account
from tests.unit.node.transfers import (
    ETHER,
    FIXED,
    GWEI,
    PARAMS,
    account,
    built,
    chain,
    raw_transfer,
    stranger,
    transfer,
)

NOW = Instant(1_000)
BASE_FEE = GWEI


def pool(
    limits: MempoolLimits | None = None,
    head: ExecutedBlock | None = None,
    params: ChainParams = PARAMS,
    base_fee: int = BASE_FEE,
) -> Mempool:
    state = (head or chain()).state
    return Mempool(params, limits or MempoolLimits(), state, base_fee)


def code(outcome: object) -> str:
    assert isinstance(outcome, Refused)
    return outcome.error.code


def names(mempool: Mempool, base_fee: int = BASE_FEE, count_max: int = 100) -> list[Hash32]:
    chosen = mempool.select(chain().state, base_fee, 30_000_000, BatchLimits(count_max))
    return [transaction.hash for transaction in chosen]


def advance(
    mempool: Mempool, block: ExecutedBlock, now: int = 2_000, base_fee: int = BASE_FEE
) -> tuple[Hash32, ...]:
    return mempool.advance(Instant(now), block.state, base_fee, block.state.changes)


def test_an_admitted_transaction_can_be_found() -> None:
    mempool = pool()
    first = transfer(0, 0)
    assert mempool.get(first.hash) is None
    assert mempool.add(NOW, first) == Admitted(pending=True)
    assert first.hash in mempool
    assert mempool.get(first.hash) is first
    assert (len(mempool), mempool.byte_count) == (1, len(first.raw))
    assert list(mempool.hashes()) == [first.hash]


def test_what_stands_behind_a_gap_is_queued_until_the_gap_is_filled() -> None:
    mempool = pool()
    assert mempool.add(NOW, transfer(0, 2)) == Admitted(pending=False)
    assert mempool.add(NOW, transfer(0, 1)) == Admitted(pending=False)
    assert (mempool.pending_count, mempool.queued_count, names(mempool)) == (0, 2, [])
    assert mempool.add(NOW, transfer(0, 0)) == Admitted(pending=True)
    assert (mempool.pending_count, mempool.queued_count) == (3, 0)
    assert names(mempool) == [transfer(0, nonce).hash for nonce in range(3)]


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        ("insufficient_funds", {"sender": 9}),
        ("insufficient_funds", {"value": 10 * ETHER}),
        ("nonce_too_high", {"nonce": 1_024}),
        ("too_large_for_pool", {"data": bytes(131_072), "gas": 2_000_000}),
    ],
)
def test_each_refusal_has_its_reason_and_leaves_nothing(
    reason: str, fields: dict[str, object]
) -> None:
    mempool = pool()
    assert code(mempool.add(NOW, transfer(**fields))) == reason
    assert (len(mempool), mempool.byte_count, mempool.pending_count) == (0, 0, 0)
    assert mempool.oldest_local_since is None


def test_the_same_transaction_twice_is_known() -> None:
    mempool = pool()
    mempool.add(NOW, transfer())
    assert code(mempool.add(NOW, transfer())) == "already_known"


def test_a_used_nonce_is_refused() -> None:
    head = built(chain(), transfer(0, 0))
    assert code(pool(head=head).add(NOW, transfer(0, 0, value=2))) == "nonce_too_low"


def test_more_gas_than_a_block_has_is_refused() -> None:
    params = ChainParams(gas_limit=Gas(100_000))
    mempool = pool(params=params)
    assert code(mempool.add(NOW, transfer(gas=100_001))) == "block_gas_exceeded"
    assert mempool.add(NOW, transfer(gas=100_000)) == Admitted(pending=True)


def test_a_cap_below_a_fixed_fee_can_never_be_included() -> None:
    low = transfer(cap=GWEI - 1, tip=0)
    assert code(pool(params=FIXED).add(NOW, low)) == "max_fee_below_base_fee"
    assert pool().add(NOW, low) == Admitted(pending=True)


def test_all_of_a_senders_transactions_must_be_affordable_together() -> None:
    mempool = pool()
    mempool.add(NOW, transfer(0, 0, value=6 * ETHER))
    assert code(mempool.add(NOW, transfer(0, 1, value=6 * ETHER))) == "insufficient_funds"
    assert mempool.add(NOW, transfer(0, 1, value=3 * ETHER)) == Admitted(pending=True)


@pytest.mark.parametrize(
    ("cap", "tip", "replaced"),
    [
        (11_000_000_000, 1_100_000_000, True),
        (10_999_999_999, 1_100_000_000, False),
        (11_000_000_000, 1_099_999_999, False),
        (20_000_000_000, 1_000_000_000, False),
        (10_000_000_000, 2_000_000_000, False),
    ],
)
def test_a_replacement_raises_both_fees_by_a_tenth(cap: int, tip: int, replaced: bool) -> None:
    mempool = pool()
    old, new = transfer(cap=10 * GWEI, tip=GWEI), transfer(cap=cap, tip=tip, value=2)
    mempool.add(NOW, old)
    outcome = mempool.add(NOW, new)
    if replaced:
        assert outcome == Replaced(old.hash)
        assert old.hash not in mempool
        assert names(mempool) == [new.hash]
    else:
        assert code(outcome) == "replacement_underpriced"
        assert names(mempool) == [old.hash]
    assert (len(mempool), mempool.pending_count) == (1, 1)


def test_a_replacement_of_free_transactions_must_pay_something() -> None:
    mempool = pool()
    mempool.add(NOW, transfer(cap=10 * GWEI, tip=0))
    assert code(mempool.add(NOW, transfer(cap=11 * GWEI, tip=0))) == "replacement_underpriced"
    assert isinstance(mempool.add(NOW, transfer(cap=11 * GWEI, tip=1)), Replaced)


def test_a_replacement_counts_only_the_difference_in_cost() -> None:
    mempool = pool()
    mempool.add(NOW, transfer(value=9 * ETHER))
    costly = transfer(value=9 * ETHER, cap=20 * GWEI, tip=2 * GWEI)
    assert isinstance(mempool.add(NOW, costly), Replaced)
    too_costly = transfer(value=10 * ETHER, cap=30 * GWEI, tip=3 * GWEI)
    assert code(mempool.add(NOW, too_costly)) == "insufficient_funds"
    assert names(mempool) == [costly.hash]


def test_a_sender_has_a_limit() -> None:
    mempool = pool(MempoolLimits(per_sender=2))
    for nonce in range(2):
        mempool.add(NOW, transfer(0, nonce))
    assert code(mempool.add(NOW, transfer(0, 2))) == "sender_limit_reached"
    assert code(mempool.add(NOW, transfer(0, 3))) == "nonce_too_high"
    assert mempool.add(NOW, transfer(1, 0)) == Admitted(pending=True)


def test_only_so_many_wait_behind_gaps() -> None:
    mempool = pool(MempoolLimits(queued=1))
    mempool.add(NOW, transfer(0, 1))
    assert code(mempool.add(NOW, transfer(0, 2))) == "queue_full"
    assert mempool.queued_count == 1
    assert mempool.add(NOW, transfer(0, 0)) == Admitted(pending=True)
    assert mempool.add(NOW, transfer(1, 1)) == Admitted(pending=False)


def test_a_full_pool_gives_way_to_a_better_tip_only() -> None:
    mempool = pool(MempoolLimits(count=2))
    cheap, fair = transfer(0, 0, tip=1), transfer(1, 0, tip=2)
    mempool.add(NOW, fair)
    mempool.add(NOW, cheap)
    assert code(mempool.add(NOW, transfer(2, 0, tip=1))) == "pool_full"
    better = transfer(2, 0, tip=3)
    assert mempool.add(NOW, better) == Admitted(pending=True, evicted=(cheap.hash,))
    assert cheap.hash not in mempool
    assert names(mempool) == [better.hash, fair.hash]
    assert (len(mempool), mempool.pending_count) == (2, 2)


def test_the_victim_is_the_tail_of_the_cheapest_sender() -> None:
    """Nothing is left with a gap in front of it."""
    mempool = pool(MempoolLimits(count=3))
    for nonce, tip in enumerate((1, 50, 60)):
        mempool.add(NOW, transfer(0, nonce, tip=tip))
    outcome = mempool.add(NOW, transfer(1, 0, tip=2))
    assert outcome == Admitted(pending=True, evicted=(transfer(0, 2, tip=60).hash,))
    assert (mempool.pending_count, mempool.queued_count) == (3, 0)


def test_a_sender_does_not_evict_itself() -> None:
    mempool = pool(MempoolLimits(count=2))
    mempool.add(NOW, transfer(0, 0, tip=1))
    mempool.add(NOW, transfer(1, 0, tip=9))
    assert code(mempool.add(NOW, transfer(0, 1, tip=5))) == "pool_full"
    outcome = mempool.add(NOW, transfer(0, 1, tip=10))
    assert outcome == Admitted(pending=True, evicted=(transfer(1, 0, tip=9).hash,))


def test_bytes_are_limited_and_a_refusal_evicts_nobody() -> None:
    small = [transfer(sender, 0, tip=sender + 1) for sender in range(3)]
    mempool = pool(MempoolLimits(byte_count=sum(len(each.raw) for each in small)))
    for each in small:
        mempool.add(NOW, each)
    large = raw_transfer(3, 0, tip=3, data=b"\x01" * 110, gas=50_000)
    assert 2 * len(small[0].raw) < len(large) + 1 < 3 * len(small[0].raw)
    assert code(mempool.add(NOW, transfer(3, 0, tip=3, data=b"\x01" * 110, gas=50_000))) == (
        "pool_full"
    )
    assert [each.hash in mempool for each in small] == [True, True, True]
    dear = transfer(3, 0, tip=4, data=b"\x01" * 110, gas=50_000)
    outcome = mempool.add(NOW, dear)
    assert isinstance(outcome, Admitted)
    assert outcome.evicted == tuple(each.hash for each in small)
    assert mempool.byte_count == len(dear.raw)


def test_eviction_follows_the_base_fee_of_the_head() -> None:
    """A high tip is worth nothing where the cap does not reach the base fee."""
    head = chain()
    mempool = pool(MempoolLimits(count=2))
    capped = transfer(0, 0, cap=3 * GWEI, tip=3 * GWEI)
    modest = transfer(1, 0, cap=9 * GWEI, tip=GWEI)
    mempool.add(NOW, capped)
    mempool.add(NOW, modest)
    mempool.advance(NOW, head.state, 5 * GWEI, ())
    outcome = mempool.add(NOW, transfer(2, 0, cap=9 * GWEI, tip=2 * GWEI))
    assert outcome == Admitted(pending=True, evicted=(capped.hash,))


def test_selection_takes_the_best_tip_with_nonces_in_order() -> None:
    mempool = pool()
    order = [(0, 0, 5), (0, 1, 50), (1, 0, 20), (1, 1, 1), (2, 0, 10)]
    for sender, nonce, tip in order:
        mempool.add(NOW, transfer(sender, nonce, tip=tip))
    expected = [(1, 0, 20), (2, 0, 10), (0, 0, 5), (0, 1, 50), (1, 1, 1)]
    assert names(mempool) == [transfer(s, n, tip=t).hash for s, n, t in expected]
    assert names(mempool, count_max=2) == names(mempool)[:2]
    assert names(mempool, count_max=0) == []


def test_selection_weighs_what_the_base_fee_leaves() -> None:
    mempool = pool()
    capped = transfer(0, 0, cap=3 * GWEI, tip=3 * GWEI)
    steady = transfer(1, 0, cap=9 * GWEI, tip=2 * GWEI)
    for each in (capped, steady):
        mempool.add(NOW, each)
    assert names(mempool, base_fee=0) == [capped.hash, steady.hash]
    assert names(mempool, base_fee=2 * GWEI) == [steady.hash, capped.hash]
    assert names(mempool, base_fee=4 * GWEI) == [steady.hash]
    assert names(mempool, base_fee=10 * GWEI) == []


def test_ties_go_to_whoever_came_first() -> None:
    mempool = pool()
    for sender in (3, 1, 2):
        mempool.add(NOW, transfer(sender, 0))
    assert names(mempool) == [transfer(sender, 0).hash for sender in (3, 1, 2)]


def test_selection_keeps_to_the_gas_of_a_block() -> None:
    mempool = pool()
    mempool.add(NOW, transfer(0, 0, tip=9, gas=60_000))
    mempool.add(NOW, transfer(1, 0, tip=8, gas=60_000))
    mempool.add(NOW, transfer(2, 0, tip=7))
    chosen = mempool.select(chain().state, BASE_FEE, 70_000, BatchLimits(100))
    assert [each.sender for each in chosen] == [account(0), account(2)]


def test_selection_on_a_parent_ahead_of_the_head_leaves_out_what_is_in_it() -> None:
    head = chain()
    mempool = pool(head=head)
    for nonce in range(3):
        mempool.add(NOW, transfer(0, nonce))
    mempool.add(NOW, transfer(1, 0))
    ahead = built(head, transfer(0, 0), transfer(0, 1), transfer(1, 0))
    chosen = mempool.select(ahead.state, BASE_FEE, 30_000_000, BatchLimits(100))
    assert [each.hash for each in chosen] == [transfer(0, 2).hash]
    assert mempool.pending_count == 4


def test_a_new_head_removes_what_it_includes() -> None:
    mempool = pool()
    for nonce in range(3):
        mempool.add(NOW, transfer(0, nonce))
    block = built(chain(), transfer(0, 0), transfer(0, 1))
    assert advance(mempool, block) == (transfer(0, 0).hash, transfer(0, 1).hash)
    assert (len(mempool), mempool.pending_count) == (1, 1)
    assert names_on(mempool, block) == [transfer(0, 2).hash]


def names_on(mempool: Mempool, block: ExecutedBlock) -> list[Hash32]:
    return [
        each.hash for each in mempool.select(block.state, BASE_FEE, 30_000_000, BatchLimits(100))
    ]


def test_a_new_head_removes_what_another_transaction_overtook() -> None:
    mempool = pool()
    mempool.add(NOW, transfer(0, 0))
    mempool.add(NOW, transfer(0, 1))
    block = built(chain(), transfer(0, 0, value=77))
    assert advance(mempool, block) == (transfer(0, 0).hash,)
    assert names_on(mempool, block) == [transfer(0, 1).hash]


def test_a_new_head_fills_gaps() -> None:
    mempool = pool()
    mempool.add(NOW, transfer(0, 1))
    assert (mempool.pending_count, mempool.oldest_local_since) == (0, None)
    block = built(chain(), transfer(0, 0))
    assert advance(mempool, block) == ()
    assert (mempool.pending_count, mempool.oldest_local_since) == (1, 2_000)


def test_a_new_head_drops_what_cannot_be_paid_any_more() -> None:
    mempool = pool()
    mempool.add(NOW, transfer(0, 1, value=ETHER))
    mempool.add(NOW, transfer(0, 2, value=4 * ETHER))
    block = built(chain(), transfer(0, 0, value=6 * ETHER))
    assert advance(mempool, block) == (transfer(0, 2, value=4 * ETHER).hash,)
    assert names_on(mempool, block) == [transfer(0, 1, value=ETHER).hash]


def test_what_was_included_does_not_count_against_the_balance_any_more() -> None:
    mempool = pool()
    for nonce in range(2):
        mempool.add(NOW, transfer(0, nonce, value=4 * ETHER))
    advance(mempool, built(chain(), transfer(0, 0, value=4 * ETHER)))
    assert len(mempool) == 1
    assert code(mempool.add(NOW, transfer(0, 2, value=2 * ETHER))) == "insufficient_funds"
    assert mempool.add(NOW, transfer(0, 2, value=ETHER)) == Admitted(pending=True)


def test_a_new_head_makes_room_for_received_money() -> None:
    mempool = pool()
    poor = transfer(7, 0)
    assert code(mempool.add(NOW, poor)) == "insufficient_funds"
    advance(mempool, built(chain(), transfer(0, 0, account(7), ETHER)))
    assert mempool.add(NOW, poor) == Admitted(pending=True)


def test_a_new_head_looks_at_touched_senders_only() -> None:
    mempool = pool()
    for sender in range(5):
        mempool.add(NOW, transfer(sender, 0))
    block = built(chain(), transfer(0, 0), transfer(1, 0))
    asked: list[Address] = []

    class Watched:
        def account(self, address: Address) -> Account | None:
            asked.append(address)
            return block.state.account(address)

        def code(self, code_hash: Hash32) -> bytes:
            return block.state.code(code_hash)

    mempool.advance(Instant(2_000), Watched(), BASE_FEE, block.state.changes)
    assert sorted(asked) == sorted([account(0), account(1)])
    assert len(mempool) == 3


def test_a_block_that_touches_a_sender_twice_is_harmless() -> None:
    mempool = pool()
    mempool.add(NOW, transfer(0, 0))
    state = built(chain(), transfer(0, 0)).state
    mempool.advance(NOW, state, BASE_FEE, [account(0), account(0), stranger(1)])
    assert (len(mempool), mempool.pending_count, mempool.byte_count) == (0, 0, 0)
