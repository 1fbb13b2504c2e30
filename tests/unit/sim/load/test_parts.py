"""The pure parts of a load client: rates, mixes, accounts' turns, signing, tracking, keys."""

import asyncio
import gc
import sys
from pathlib import Path

import pytest

from primitives.errors import InvalidInput
from primitives.transaction import decode_transaction, recover_sender
from sim.load.accounts import read_wallet, seeded_wallet
from sim.load.blocks import SeenBlock
from sim.load.fees import FeeQuote
from sim.load.histogram import OPEN_SECONDS, LatencyBySecond
from sim.load.lanes import Lanes
from sim.load.ledger import LoadLedger
from sim.load.mixes import parse_mix
from sim.load.pacing import Rate, constant_rate, count_of, parse_ramp
from sim.load.signing import Order, Signed, Signer, SigningProcess, SigningSetup
from sim.load.tracker import Tracker
from sim.workload.pace import Piece

SECOND = 1_000_000_000
GWEI = 10**9


def test_a_ramp_rises_and_stays() -> None:
    rate = parse_ramp("100..2000/60s")
    assert rate.text == "100..2000/60s"
    assert rate.pieces(90 * SECOND) == (
        Piece(0, 60 * SECOND, 100, 2000),
        Piece(60 * SECOND, 90 * SECOND, 2000, 2000),
    )
    assert rate.pieces(30 * SECOND) == (Piece(0, 30 * SECOND, 100, 1050),)
    assert count_of(rate.pieces(60 * SECOND)) == 63_000


def test_steps_hold_each() -> None:
    rate = parse_ramp("100, 500/20s")
    assert rate.length_ns == 40 * SECOND
    assert rate.pieces(50 * SECOND) == (
        Piece(0, 20 * SECOND, 100, 100),
        Piece(20 * SECOND, 40 * SECOND, 500, 500),
        Piece(40 * SECOND, 50 * SECOND, 500, 500),
    )
    assert rate.pieces(10 * SECOND) == (Piece(0, 10 * SECOND, 100, 100),)


def test_a_constant_rate_is_one_piece() -> None:
    assert constant_rate(5.0).pieces(SECOND) == (Piece(0, SECOND, 5.0, 5.0),)
    assert constant_rate(5.0) == Rate((5.0,))
    with pytest.raises(InvalidInput, match="--rate: expected a number above 0"):
        constant_rate(0.0)


@pytest.mark.parametrize(
    "text", ["", "100", "100/", "/60s", "1..2..3/5s", "a..b/5s", "100..200/0s", "-1..5/5s", "0/5s"]
)
def test_what_is_no_ramp_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="--ramp: expected a ramp as in"):
        parse_ramp(text)


def test_mixes_are_one_kind_or_weights() -> None:
    assert parse_mix("transfers").is_plain
    assert parse_mix("transfers=8,erc20=2").shares == (("transfers", 8.0), ("erc20", 2.0))
    assert parse_mix(" transfers=8 , erc20=2").text == "transfers=8,erc20=2"
    assert not parse_mix("mainnet-like").is_plain


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("transfer", 'did you mean "transfers"'),
        ("transfers=8,erc20", "a weight above 0 for erc20"),
        ("transfers=0", "a weight above 0"),
        ("transfers=nan", "a weight above 0"),
        ("transfers=1,transfers=2", "each kind once"),
        ("mainnet-like=1,erc20=1", "expected one of transfers, erc20"),
        ("", "expected one of"),
    ],
)
def test_what_is_no_mix_is_refused(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        parse_mix(text)


def signed(account: int, nonce: int) -> Signed:
    return Signed(account, nonce, 1, b"%d/%d" % (account, nonce), b"")


def test_accounts_take_turns_and_are_busy_meanwhile() -> None:
    lanes = Lanes([0, 5], in_flight_max=2)
    for each in (signed(0, 0), signed(0, 1), signed(1, 5)):
        lanes.add(each)
    first, second = lanes.take(), lanes.take()
    assert first is not None
    assert second is not None
    assert (first[1], second[1]) == (signed(0, 0), signed(1, 5))
    assert lanes.take() is None
    lanes.release(first[0])
    third = lanes.take()
    assert third is not None
    assert third[1] == signed(0, 1)
    assert lanes.signed == 0


def test_an_account_has_only_so_many_in_the_air() -> None:
    lanes = Lanes([0], in_flight_max=1)
    lanes.add(signed(0, 0))
    lanes.add(signed(0, 1))
    taken = lanes.take()
    assert taken is not None
    lane = taken[0]
    lane.in_flight += 1
    lanes.release(lane)
    assert lanes.take() is None
    lane.in_flight -= 1
    lanes.settle(lane)
    assert lanes.take() is not None


def test_what_does_not_come_next_is_not_taken_in() -> None:
    lanes = Lanes([3], in_flight_max=9)
    for nonce in (2, 4, 3, 3):
        lanes.add(signed(0, nonce))
    assert lanes.signed == 1
    lane = lanes.lanes[0]
    lanes.restart(lane, 7)
    assert lanes.take() is None
    assert lanes.wanting(2, 10) == [0, 0]
    lanes.add(signed(0, 7))
    assert lanes.take() == (lane, signed(0, 7))


def test_a_retired_account_takes_no_turn() -> None:
    lanes = Lanes([0, 0], in_flight_max=9)
    for account in (0, 1):
        lanes.add(signed(account, 0))
    lanes.retire(lanes.lanes[0])
    lanes.retire(lanes.lanes[0])
    assert not lanes.all_retired
    assert lanes.take() == (lanes.lanes[1], signed(1, 0))
    assert lanes.wanting(5, 100) == [1] * 5
    lanes.retire(lanes.lanes[1])
    assert lanes.all_retired


SETUP = SigningSetup(
    secrets=list(seeded_wallet(1, 3).secrets),
    chain_id=7,
    mix=parse_mix("transfers"),
    seed=1,
    nonces=[0, 10, 20],
    deployer=None,
)


def test_transactions_are_signed_with_the_nonces_of_the_chain() -> None:
    signer = Signer(SETUP)
    found = signer.fill(Order([1, 0, 1], GWEI, 3 * GWEI))
    assert [(each.account, each.nonce) for each in found] == [(1, 10), (0, 0), (1, 11)]
    for each in found:
        transaction = decode_transaction(each.raw)
        assert recover_sender(transaction, each.raw) == signer.address(each.account)
        assert (transaction.nonce, transaction.chain_id) == (each.nonce, 7)
    (again,) = signer.fill(Order([1], GWEI, 3 * GWEI, {1: 5}))
    assert again.nonce == 5


def test_a_better_offer_changes_nothing_else() -> None:
    signer = Signer(SETUP)
    (old,) = signer.fill(Order([2], GWEI, 3 * GWEI))
    new = signer.outbid(old, FeeQuote(10 * GWEI, GWEI))
    was, now = decode_transaction(old.raw), decode_transaction(new.raw)
    assert (was.to, was.value, was.nonce, was.gas_limit) == (now.to, now.value, 20, now.gas_limit)
    assert new.max_fee >= 20 * GWEI
    assert new.digest != old.digest
    # Both fees grow by an eighth at least, or pools refuse it as underpriced.
    slight = decode_transaction(signer.outbid(old, FeeQuote(1, GWEI)).raw)
    assert slight.max_fee_per_gas * 8 > 3 * GWEI * 9
    assert slight.max_priority_fee_per_gas * 8 > GWEI * 9


def test_a_process_of_its_own_signs_the_same() -> None:
    order = Order([0, 1, 2, 0], GWEI, 3 * GWEI)
    signing = SigningProcess(SETUP)
    try:
        found = asyncio.run(signing.fill(order))
    finally:
        signing.close()
    assert found == Signer(SETUP).fill(order)


def block(number: int, *digests: bytes) -> SeenBlock:
    return SeenBlock(number, b"hash%d" % number, b"", number * SECOND, digests, 0, 0, 0)


def test_latencies_count_from_the_intended_instant() -> None:
    ledger = LoadLedger()
    tracker: Tracker[str] = Tracker(ledger)
    assert tracker.began(b"a", SECOND // 2, "a")
    assert not tracker.began(b"a", SECOND, "again")
    tracker.began(b"b", SECOND // 2, "b")
    home = tracker.on_block(block(1, b"foreign", b"a"))
    assert [flight.payload for flight in home] == ["a"]
    tracker.on_final(0, 2 * SECOND)
    assert ledger.final.total == 0
    tracker.on_final(1, 3 * SECOND)
    assert ledger.inclusion.summary().max == 0.5
    assert ledger.finality.summary().max == 2.5
    assert list(tracker.flights) == [b"b"]


def test_either_form_of_a_transaction_brings_it_home() -> None:
    for mined in (b"a", b"b", b"c"):
        ledger = LoadLedger()
        tracker: Tracker[str] = Tracker(ledger)
        tracker.began(b"a", 0, "first")
        tracker.replace(b"a", b"b", "second")
        tracker.replace(b"b", b"c", "third")
        assert [each.payload for each in tracker.on_block(block(1, mined))] == ["third"]
        assert not tracker.flights


def test_what_a_reorganisation_undoes_is_on_its_way_again() -> None:
    ledger = LoadLedger()
    tracker: Tracker[str] = Tracker(ledger)
    tracker.began(b"a", 0, "a")
    tracker.on_block(block(1, b"a"))
    assert tracker.has_unfinal
    assert [each.digest for each in tracker.on_undone(block(1, b"a"))] == [b"a"]
    tracker.on_final(5, SECOND)
    assert ledger.final.total == 0
    assert list(tracker.flights) == [b"a"]
    assert ledger.reorganised == 1


def test_keys_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# mine\n0x" + "11" * 32 + "\n\n" + "22" * 32 + "\n")
    assert read_wallet(file).secrets == (b"\x11" * 32, b"\x22" * 32)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "at least one private key"),
        ("11" * 32 + "\nxyz\n", r"keys:2: expected a private key: 64 .*, got 3 other characters"),
        ("11" * 32 + "\n0x" + "11" * 32, r"keys:2: expected each key once, got that of line 1"),
        ("00" * 32, "a number that is no key"),
    ],
)
def test_a_bad_file_of_keys_is_refused(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=why):
        read_wallet(file)
    with pytest.raises(InvalidInput, match="a readable file"):
        read_wallet(tmp_path / "nothing")


def test_latencies_by_the_second_take_little_memory_however_long_it_lasts() -> None:
    rows = LatencyBySecond()
    for second in range(2 * OPEN_SECONDS):
        for value in range(1, 101):
            rows.add(second, value)
    rows.add(2 * OPEN_SECONDS + 1, 7)
    rows.add(0, 10**9)  # Too late.
    found = rows.points(2 * OPEN_SECONDS + 3)
    assert found[:-3] == [(50, 99)] * (2 * OPEN_SECONDS)
    assert found[-3:] == [None, (7, 7), None]
    assert rows.points(2) == [(50, 99)] * 2
    assert sum(map(sys.getsizeof, gc.get_referents(rows))) < 10_000
