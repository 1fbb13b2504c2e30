"""Set-code transactions in the pool: who has signed an authorization has one transaction at a time.

Reference: EIP-7702, transaction propagation.
"""

import pytest

from node.mempool import Mempool
from node.mempool_types import Admitted, MempoolLimits, Replaced
from node.validation import PooledTransaction, check_transaction
from primitives.ids import Address, Gas, Instant, Wei
from primitives.transaction import (
    Authorization,
    SetCodeTransaction,
    encode_transaction,
    sign_authorization,
    sign_transaction,
)
from tests.unit.node.test_mempool import BASE_FEE, NOW, code, pool
from tests.unit.node.transfers import (
    GWEI,
    PARAMS,
    account,
    built,
    chain,
    private_key,
    stranger,
    transfer,
)


def set_code(
    sender: int, *authorities: int, nonce: int = 0, cap: int = 10 * GWEI, tip: int = GWEI
) -> PooledTransaction:
    """A transaction in which accounts delegate to a stranger."""
    signed = [
        sign_authorization(Authorization(0, Address(stranger(3)), 0), private_key(each))
        for each in authorities
    ]
    tx = SetCodeTransaction(
        PARAMS.chain_id,
        nonce,
        Wei(tip),
        Wei(cap),
        Gas(200_000),
        stranger(0),
        Wei(0),
        b"",
        (),
        tuple(signed),
    )
    return check_transaction(encode_transaction(sign_transaction(tx, private_key(sender))), PARAMS)


def holding(*transactions: PooledTransaction) -> Mempool:
    mempool = pool()
    for each in transactions:
        assert isinstance(mempool.add(NOW, each), Admitted)
    return mempool


def test_an_account_whose_authorization_waits_has_one_transaction_at_a_time() -> None:
    mempool = holding(set_code(0, 1), transfer(1, 0))
    assert code(mempool.add(NOW, transfer(1, 1))) == "delegated_limit"
    dearer = transfer(1, 0, cap=20 * GWEI, tip=2 * GWEI)
    assert mempool.add(NOW, dearer) == Replaced(transfer(1, 0).hash)


def test_an_account_whose_authorization_waits_leaves_no_gap() -> None:
    assert code(holding(set_code(0, 1)).add(NOW, transfer(1, 1))) == "delegated_limit"


@pytest.mark.parametrize("second", [1, 2])
def test_an_account_with_more_than_one_transaction_cannot_authorize(second: int) -> None:
    """Pending or behind a gap: each of them would have to go."""
    mempool = holding(transfer(1, 0), transfer(1, second))
    assert code(mempool.add(NOW, set_code(0, 2, 1))) == "authority_reserved"
    assert mempool.add(NOW, transfer(2, 0)) == Admitted(pending=True)
    assert mempool.add(NOW, transfer(2, 1)) == Admitted(pending=True)


def test_an_account_with_one_transaction_can_authorize() -> None:
    assert holding(transfer(1, 0)).add(NOW, set_code(0, 1)) == Admitted(pending=True)


def test_who_sends_its_own_authorization_sends_nothing_beside_it() -> None:
    mempool = holding(set_code(0, 0))
    assert code(mempool.add(NOW, transfer(0, 1))) == "delegated_limit"
    assert code(holding(transfer(0, 0)).add(NOW, set_code(0, 0, nonce=1))) == "authority_reserved"
    dearer = set_code(0, 0, cap=20 * GWEI, tip=2 * GWEI)
    assert holding(transfer(0, 0)).add(NOW, dearer) == Replaced(transfer(0, 0).hash)
    assert mempool.add(NOW, dearer) == Replaced(set_code(0, 0).hash)


def test_two_transactions_may_carry_authorizations_of_one_account() -> None:
    """Or a copy of one could keep the other out."""
    mempool = holding(set_code(0, 1), set_code(2, 1))
    mempool.add(NOW, transfer(0, 0, cap=20 * GWEI, tip=2 * GWEI))
    mempool.add(NOW, transfer(1, 0))
    assert code(mempool.add(NOW, transfer(1, 1))) == "delegated_limit"
    mempool.add(NOW, transfer(2, 0, cap=20 * GWEI, tip=2 * GWEI))
    assert mempool.add(NOW, transfer(1, 1)) == Admitted(pending=True)


def test_an_authorization_that_nobody_signed_binds_nobody() -> None:
    unsigned = set_code(0, 1)
    tx = unsigned.transaction
    assert isinstance(tx, SetCodeTransaction)
    authorizations = (Authorization(0, Address(stranger(3)), 0, 0, 0, 0),)
    changed = SetCodeTransaction(
        tx.chain_id,
        0,
        tx.max_priority_fee_per_gas,
        tx.max_fee_per_gas,
        tx.gas_limit,
        tx.to,
        Wei(0),
        b"",
        (),
        authorizations,
    )
    raw = encode_transaction(sign_transaction(changed, private_key(0)))
    mempool = holding(check_transaction(raw, PARAMS), transfer(1, 0))
    assert mempool.add(NOW, transfer(1, 1)) == Admitted(pending=True)


def test_an_authorization_that_is_included_counts_by_the_state() -> None:
    head = chain()
    mempool = Mempool(PARAMS, MempoolLimits(), head.state, BASE_FEE)
    mempool.add(NOW, set_code(0, 1))
    block = built(head, set_code(0, 1))
    mempool.advance(Instant(2_000), block.state, BASE_FEE, block.state.changes)
    assert len(mempool) == 0
    assert block.state.nonce(account(1)) == 1
    assert mempool.add(NOW, transfer(1, 1)) == Admitted(pending=True)
    assert code(mempool.add(NOW, transfer(1, 2))) == "delegated_limit"


def test_an_authorization_that_gives_way_binds_nobody_any_more() -> None:
    mempool = Mempool(PARAMS, MempoolLimits(count=2), chain().state, BASE_FEE)
    for each in (set_code(0, 1), transfer(1, 0, cap=20 * GWEI, tip=2 * GWEI)):
        mempool.add(NOW, each)
    evicting = transfer(2, 0, cap=20 * GWEI, tip=3 * GWEI)
    assert mempool.add(NOW, evicting) == Admitted(True, (set_code(0, 1).hash,))
    third = transfer(1, 1, cap=30 * GWEI, tip=4 * GWEI)
    assert mempool.add(NOW, third) == Admitted(True, (evicting.hash,))
