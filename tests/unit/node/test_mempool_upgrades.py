"""A pool whose chain changes its rules: what is new is taken, what is forbidden now is dropped."""

import pytest

from node.mempool import Mempool
from node.mempool_types import Admitted, MempoolLimits
from node.shared import ComputeCache
from node.validation import PooledTransaction, check_transaction, recheck_transaction
from primitives import secp256k1
from primitives.fork import Fork
from primitives.ids import Address, Gas, Instant, Wei
from primitives.params import MAX_TRANSACTION_GAS, ChainParams, Upgrade
from primitives.transaction import (
    Authorization,
    InvalidTransaction,
    SetCodeTransaction,
    encode_transaction,
    sign_transaction,
)
from primitives.transaction.errors import UnsupportedType
from tests.unit.node.test_mempool import BASE_FEE, NOW, code, names
from tests.unit.node.transfers import GWEI, chain, private_key, raw_transfer, stranger, transfer

PARAMS = ChainParams(fork=Fork.CANCUN, upgrades=(Upgrade(10, Fork.PRAGUE), Upgrade(20, Fork.OSAKA)))
LATER = Instant(2_000)


def pool(timestamp: int = 0) -> Mempool:
    return Mempool(PARAMS, MempoolLimits(), chain().state, BASE_FEE, timestamp)


def advance(mempool: Mempool, timestamp: int) -> tuple[bytes, ...]:
    return mempool.advance(LATER, chain().state, BASE_FEE, (), timestamp)


def set_code(sender: int, nonce: int = 0) -> bytes:
    authorization = Authorization(0, Address(stranger(3)), 0, 0, 1, 1)
    fees = (Wei(GWEI), Wei(9 * GWEI), Gas(100_000))
    tx = SetCodeTransaction(
        1337, nonce, *fees, stranger(0), Wei(0), b"", (), authorizations=(authorization,)
    )
    return encode_transaction(sign_transaction(tx, private_key(sender)))


def test_a_kind_of_transaction_is_taken_from_its_upgrade_on() -> None:
    mempool, cache = pool(), ComputeCache(PARAMS)
    (refused,) = cache.transactions((set_code(0),), mempool.rules)
    assert isinstance(refused, UnsupportedType)
    advance(mempool, 10)
    (checked,) = cache.transactions((set_code(0),), mempool.rules)
    assert isinstance(checked, PooledTransaction)
    assert mempool.add(NOW, checked) == Admitted(pending=True)


def test_what_an_upgrade_forbids_leaves_with_it_and_what_waits_behind_stays() -> None:
    mempool = pool()
    large = transfer(0, 1, gas=MAX_TRANSACTION_GAS + 1, params=PARAMS)
    kept = [transfer(0, 0), transfer(0, 2), transfer(1, 0)]
    for each in (kept[0], large, *kept[1:]):
        mempool.add(NOW, each)
    assert advance(mempool, 10) == ()
    assert advance(mempool, 20) == (large.hash,)
    assert (mempool.pending_count, mempool.queued_count) == (2, 1)
    assert names(mempool) == [kept[0].hash, kept[2].hash]
    assert all(each.fork is Fork.OSAKA for each in map(mempool.get, mempool.hashes()) if each)
    mempool.add(NOW, transfer(0, 1))
    assert mempool.pending_count == 4


def test_what_an_upgrade_leaves_behind_a_gap_gives_way_as_others_do() -> None:
    mempool = Mempool(PARAMS, MempoolLimits(queued=1), chain().state, BASE_FEE)
    for each in (transfer(0, 0, gas=MAX_TRANSACTION_GAS + 1, params=PARAMS), transfer(0, 1)):
        mempool.add(NOW, each)
    advance(mempool, 20)
    assert mempool.add(NOW, transfer(1, 1)) == Admitted(False, (transfer(0, 1).hash,))


def test_what_was_checked_before_an_upgrade_and_comes_after_it_is_looked_at_again() -> None:
    """Checks take a while, and the head moves meanwhile."""
    large = transfer(0, 0, gas=MAX_TRANSACTION_GAS + 1, params=PARAMS)
    assert code(pool(20).add(NOW, large)) == "gas_limit_above_cap"
    assert pool(10).add(NOW, large) == Admitted(pending=True)


def test_the_least_gas_is_that_of_the_new_rules() -> None:
    """EIP-7623 raises it for much data."""
    mempool = pool()
    mempool.add(NOW, transfer(0, 0, data=bytes([1]) * 1_000, gas=100_000, params=PARAMS))
    (name,) = mempool.hashes()
    before = mempool.get(name)
    advance(mempool, 10)
    after = mempool.get(name)
    assert before
    assert after
    assert (before.gas_minimum, after.gas_minimum) == (21_000 + 16_000, 21_000 + 40_000)


def test_a_sender_is_recovered_once_whatever_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    cache, raw = ComputeCache(PARAMS), raw_transfer()
    cache.transactions((raw,))
    monkeypatch.setattr(secp256k1, "recover", None)
    assert isinstance(cache.transactions((raw,))[0], PooledTransaction)
    for timestamp in (20, 10, 0):
        rules = PARAMS.at(timestamp)
        (found,) = cache.transactions((raw,), rules)
        assert isinstance(found, PooledTransaction)
        assert found.fork is rules.fork


def test_a_second_look_finds_what_a_first_one_does() -> None:
    for raw in (raw_transfer(), raw_transfer(gas=MAX_TRANSACTION_GAS + 1)):
        first = check_transaction(raw, PARAMS.at(0))
        for rules in (PARAMS.at(10), PARAMS.at(20)):
            try:
                expected: object = check_transaction(raw, rules)
            except InvalidTransaction as error:
                with pytest.raises(type(error)):
                    recheck_transaction(first, rules)
            else:
                assert recheck_transaction(first, rules) == expected
