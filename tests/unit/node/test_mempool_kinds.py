"""Contracts, delegations and blobs at the door of the pool, and accounts that contracts change."""

from node.mempool import Mempool
from node.mempool_types import Admitted, MempoolLimits, Replaced
from node.validation import check_transaction
from primitives.ids import Gas, Hash32, Instant, Wei
from primitives.keccak import keccak256
from primitives.transaction import BlobTransaction, encode_transaction, sign_transaction
from storage.account import Account
from storage.changes import StateChanges
from storage.state import StateLayer
from tests.unit.node.test_mempool import BASE_FEE, NOW, code, names, pool
from tests.unit.node.transfers import ETHER, GWEI, PARAMS, account, private_key, stranger, transfer

CONTRACT_CODE = b"\x00"
DELEGATION = b"\xef\x01\x00" + stranger(3)
CODES = {keccak256(code): code for code in (CONTRACT_CODE, DELEGATION)}


def with_contracts() -> Mempool:
    """A pool at a state in which account 1 is a contract and account 2 delegates to one."""
    contract, delegating = (Account(1, Wei(ETHER), digest) for digest in CODES)
    accounts = {
        stranger(3): contract,
        account(0): Account(0, Wei(ETHER)),
        account(1): contract,
        account(2): delegating,
    }
    state = StateLayer(None, StateChanges(accounts, {}, {}, CODES))
    return Mempool(PARAMS, MempoolLimits(), state, BASE_FEE)


def test_contracts_are_called_but_do_not_send() -> None:
    mempool = with_contracts()
    assert mempool.add(NOW, transfer(0, 0, stranger(3))) == Admitted(pending=True)
    assert code(mempool.add(NOW, transfer(1, 1))) == "sender_has_code"


def test_an_account_that_delegates_may_send() -> None:
    """EIP-7702."""
    assert with_contracts().add(NOW, transfer(2, 1)) == Admitted(pending=True)


def test_blob_transactions_are_not_taken_without_their_blobs() -> None:
    hashes = (Hash32(b"\x01" + bytes(31)),)
    fees = (Wei(GWEI), Wei(9 * GWEI), Gas(21_000))
    tx = BlobTransaction(1337, 0, *fees, stranger(0), Wei(0), b"", (), Wei(1), hashes)
    raw = encode_transaction(sign_transaction(tx, private_key(0)))
    assert code(pool().add(NOW, check_transaction(raw, PARAMS))) == "blobs_not_pooled"


def test_an_account_that_a_contract_has_emptied_drops_what_it_cannot_pay() -> None:
    """Its nonce has not moved: nothing of it was in the block."""
    mempool = pool()
    mempool.add(NOW, transfer(0, 0))
    mempool.add(NOW, transfer(1, 0))
    drained = StateLayer(None, {account(0): Account(0, Wei(1)), account(1): Account(0, Wei(ETHER))})
    gone = mempool.advance(Instant(2_000), drained, BASE_FEE, [account(0)])
    assert gone == (transfer(0, 0).hash,)
    assert names(mempool) == [transfer(1, 0).hash]


def test_a_nonce_that_an_authorization_has_used_up_is_gone() -> None:
    """EIP-7702 counts up the nonce of whoever delegates, also if another one sends."""
    mempool = pool()
    for nonce in (0, 1):
        mempool.add(NOW, transfer(0, nonce))
    delegating = Account(1, Wei(ETHER), keccak256(DELEGATION))
    state = StateLayer(None, StateChanges({account(0): delegating}, {}, {}, CODES))
    gone = mempool.advance(Instant(2_000), state, BASE_FEE, [account(0)])
    assert gone == (transfer(0, 0).hash,)
    assert mempool.pending_count == 1
    assert code(mempool.add(NOW, transfer(0, 2))) == "delegated_limit"


def test_who_delegates_has_one_transaction_at_a_time() -> None:
    """Another's call may take all that it owns, and a pool of its transactions would be void."""
    mempool = with_contracts()
    assert code(mempool.add(NOW, transfer(2, 2))) == "delegated_limit"
    mempool.add(NOW, transfer(2, 1))
    assert code(mempool.add(NOW, transfer(2, 2))) == "delegated_limit"
    dearer = transfer(2, 1, cap=20 * GWEI, tip=2 * GWEI)
    assert mempool.add(NOW, dearer) == Replaced(transfer(2, 1).hash)
    assert mempool.pending_count == 1


def test_who_begins_to_delegate_keeps_its_next_transaction_only() -> None:
    mempool = pool()
    for nonce in (0, 1, 2, 5):
        mempool.add(NOW, transfer(0, nonce))
    delegating = Account(0, Wei(ETHER), keccak256(DELEGATION))
    state = StateLayer(None, StateChanges({account(0): delegating}, {}, {}, CODES))
    gone = mempool.advance(Instant(2_000), state, BASE_FEE, [account(0)])
    assert gone == tuple(transfer(0, nonce).hash for nonce in (5, 2, 1))
    assert (mempool.pending_count, mempool.queued_count) == (1, 0)
    ended = StateLayer(None, {account(0): Account(1, Wei(ETHER))})
    mempool.advance(Instant(3_000), ended, BASE_FEE, [account(0)])
    assert mempool.add(NOW, transfer(0, 1)) == Admitted(pending=True)
    assert mempool.add(NOW, transfer(0, 2)) == Admitted(pending=True)
