"""Who leaves a full pool, and who may not make anybody leave."""

import pytest

from node.mempool import Mempool
from node.mempool_types import Admitted, MempoolLimits, Refused, Replaced
from primitives.ids import Instant
from tests.unit.node.transfers import ETHER, GWEI, PARAMS, built, chain, transfer

NOW = Instant(1_000)
BASE_FEE = GWEI


def pool(count: int) -> Mempool:
    return Mempool(PARAMS, MempoolLimits(count=count), chain().state, BASE_FEE)


def code(outcome: object) -> str:
    assert isinstance(outcome, Refused)
    return outcome.error.code


def test_what_came_under_a_base_fee_that_has_passed_can_be_evicted_too() -> None:
    """The fee goes up and comes back; what came in between is priced like the rest."""
    head = chain()
    mempool = pool(2)
    mempool.add(NOW, transfer(0, tip=3 * GWEI))
    mempool.advance(Instant(2_000), head.state, 2 * BASE_FEE, ())
    mempool.add(NOW, transfer(1, tip=1))
    mempool.advance(Instant(3_000), head.state, BASE_FEE, ())
    outcome = mempool.add(NOW, transfer(2, tip=2 * GWEI))
    assert outcome == Admitted(pending=True, evicted=(transfer(1, tip=1).hash,))


def test_a_transaction_behind_a_gap_evicts_nobody() -> None:
    """It may never be executable, so its high tip is a promise that costs nothing."""
    mempool = pool(2)
    mempool.add(NOW, transfer(0, tip=1))
    mempool.add(NOW, transfer(1, 1, tip=1))
    refused = mempool.add(NOW, transfer(2, 1, tip=9 * GWEI))
    assert code(refused) == "pool_full"
    assert "nonce gap" in str(refused.error)  # type: ignore[union-attr]
    assert len(mempool) == 2
    assert mempool.add(NOW, transfer(2, 0, tip=9 * GWEI)) == Admitted(
        pending=True, evicted=(transfer(1, 1, tip=1).hash,)
    )


def test_a_replacement_behind_a_gap_needs_no_room() -> None:
    mempool = pool(2)
    mempool.add(NOW, transfer(0, tip=1))
    mempool.add(NOW, transfer(1, 1, tip=GWEI))
    better = transfer(1, 1, tip=2 * GWEI, cap=20 * GWEI)
    assert mempool.add(NOW, better) == Replaced(transfer(1, 1, tip=GWEI).hash)


def test_a_replacement_has_the_room_of_what_it_replaces() -> None:
    old, other = transfer(0, tip=GWEI), transfer(1, tip=1)
    limits = MempoolLimits(byte_count=len(old.raw) + len(other.raw) + 8)
    mempool = Mempool(PARAMS, limits, chain().state, BASE_FEE)
    for each in (old, other):
        mempool.add(NOW, each)
    better = transfer(0, tip=2 * GWEI, cap=20 * GWEI)
    assert mempool.add(NOW, better) == Replaced(old.hash)
    assert len(mempool) == 2


@pytest.mark.parametrize(("tip", "enough"), [(16, False), (17, True)])
def test_the_price_bump_is_rounded_up(tip: int, enough: bool) -> None:
    """Ten percent above 15 wei are 16.5: less is not ten percent."""
    mempool = pool(2)
    mempool.add(NOW, transfer(0, tip=15))
    outcome = mempool.add(NOW, transfer(0, tip=tip, cap=20 * GWEI))
    assert isinstance(outcome, Replaced) is enough


def test_a_drained_account_loses_its_highest_nonces_first() -> None:
    head = chain({0: ETHER, 1: 0})
    mempool = Mempool(PARAMS, MempoolLimits(), head.state, BASE_FEE)
    kept = [transfer(0, nonce, value=ETHER // 100) for nonce in range(1, 50)]
    for each in reversed(kept):
        mempool.add(NOW, each)
    spent = built(head, transfer(0, 0, value=ETHER * 3 // 4))
    removed = mempool.advance(NOW, spent.state, BASE_FEE, spent.state.changes)
    assert list(removed) == [each.hash for each in reversed(kept)][: len(removed)]
    assert mempool.pending_count == 49 - len(removed) == 24
