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


def gapped(queued: int, *places: tuple[int, int], count: int = 100) -> Mempool:
    limits = MempoolLimits(count=count, queued=queued)
    mempool = Mempool(PARAMS, limits, chain().state, BASE_FEE)
    for sender, nonce in places:
        mempool.add(NOW, transfer(sender, nonce))
    return mempool


def test_whoever_has_stood_behind_a_gap_longest_gives_way_to_another_such() -> None:
    mempool = gapped(2, (0, 5), (1, 5))
    assert mempool.add(NOW, transfer(2, 5)) == Admitted(
        pending=False, evicted=(transfer(0, 5).hash,)
    )
    assert mempool.add(NOW, transfer(0, 5)) == Admitted(
        pending=False, evicted=(transfer(1, 5).hash,)
    )
    assert mempool.queued_count == 2


def test_of_whoever_gives_way_behind_a_gap_the_highest_nonce_goes_first() -> None:
    mempool = gapped(3, (0, 1), (0, 3), (0, 2))
    for sender, nonce in ((1, 3), (2, 2), (3, 1)):
        outcome = mempool.add(NOW, transfer(sender, 7))
        assert outcome == Admitted(pending=False, evicted=(transfer(0, nonce).hash,))


def test_the_highest_nonce_of_the_longest_behind_a_gap_takes_nobodys_place() -> None:
    mempool = gapped(2, (0, 5), (1, 5))
    assert code(mempool.add(NOW, transfer(0, 6))) == "queue_full"
    assert mempool.add(NOW, transfer(0, 4)) == Admitted(
        pending=False, evicted=(transfer(0, 5).hash,)
    )
    assert (mempool.queued_count, len(mempool)) == (2, 2)


def test_a_replacement_behind_a_gap_does_not_make_it_young() -> None:
    mempool = gapped(2, (0, 5), (1, 5))
    better = transfer(0, 5, tip=2 * GWEI, cap=20 * GWEI)
    assert mempool.add(NOW, better) == Replaced(transfer(0, 5).hash)
    assert mempool.add(NOW, transfer(2, 5)) == Admitted(pending=False, evicted=(better.hash,))


def test_what_comes_back_behind_a_gap_is_young_again() -> None:
    mempool = gapped(3, (0, 1), (0, 3), (1, 5))
    outcome = mempool.add(NOW, transfer(2, 7))
    assert outcome == Admitted(pending=False, evicted=(transfer(0, 3).hash,))
    mempool.add(NOW, transfer(0, 0))
    assert mempool.add(NOW, transfer(0, 3)) == Admitted(pending=False)
    outcome = mempool.add(NOW, transfer(3, 7))
    assert outcome == Admitted(pending=False, evicted=(transfer(1, 5).hash,))


def test_what_no_gap_separates_any_more_gives_way_to_nothing_behind_a_gap() -> None:
    mempool = gapped(2, (0, 1), (1, 5))
    mempool.add(NOW, transfer(0, 0))
    mempool.add(NOW, transfer(2, 5))
    assert mempool.add(NOW, transfer(3, 5)) == Admitted(
        pending=False, evicted=(transfer(1, 5).hash,)
    )
    assert (mempool.pending_count, mempool.queued_count) == (2, 2)


def test_a_flood_behind_gaps_does_not_keep_others_out() -> None:
    mempool = gapped(6, *((sender, nonce) for sender in (0, 1, 2) for nonce in (5, 6)))
    assert mempool.add(NOW, transfer(3, 1)) == Admitted(
        pending=False, evicted=(transfer(0, 6).hash,)
    )
    assert mempool.add(NOW, transfer(3, 0)) == Admitted(pending=True)
    assert mempool.pending_count == 2


def test_a_full_pool_in_which_an_older_one_behind_a_gap_gives_way_has_room() -> None:
    mempool = gapped(1, (0, 0), (1, 5), count=2)
    assert mempool.add(NOW, transfer(2, 5)) == Admitted(
        pending=False, evicted=(transfer(1, 5).hash,)
    )


def test_nothing_gives_way_behind_a_gap_to_what_is_too_large_for_the_room_it_leaves() -> None:
    small, large = transfer(1, 5), transfer(2, 5, data=bytes(500), gas=100_000)
    limits = MempoolLimits(queued=1, byte_count=len(small.raw) + 100)
    mempool = Mempool(PARAMS, limits, chain().state, BASE_FEE)
    mempool.add(NOW, small)
    assert code(mempool.add(NOW, large)) == "pool_full"
    assert list(mempool.hashes()) == [small.hash]


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
