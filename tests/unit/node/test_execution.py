"""What a transfer does to accounts, and what refuses it."""

import msgspec
import pytest

from node.execution import BlockExecution, execute_serially, genesis_executed
from node.execution_setting import BlockHashes
from node.execution_transaction import run_transaction
from node.snapshot import anchor
from node.validation import PooledTransaction, check_transaction
from primitives.address import contract_address
from primitives.bloom import bloom_may_contain
from primitives.errors import InvalidInput
from primitives.genesis import Genesis, GenesisContract, genesis_state_root
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from primitives.receipt import encode_receipt
from primitives.system_contracts import HISTORY_ADDRESS, SYSTEM_CODE
from primitives.transaction import (
    AccessListEntry,
    InvalidTransaction,
    LegacyTransaction,
    encode_transaction,
    sign_transaction,
)
from primitives.trie import ordered_root
from storage.account import Account
from storage.changes import StateChanges
from storage.state import StateLayer
from tests.unit.node.transfers import (
    COMMITTEE,
    ETHER,
    GWEI,
    PARAMS,
    PROPOSER,
    account,
    built,
    chain,
    execution_on,
    private_key,
    stranger,
    transfer,
)

BASE_FEE = 2 * GWEI
GAS = 21_000
PRICE = BASE_FEE + GWEI
"""What `transfer` pays for a unit of gas unless told otherwise."""


def execution(
    balances: dict[int, int] | None = None,
    fee_recipient: Address = PROPOSER,
    gas_limit: int = 30_000_000,
    base_fee: int = BASE_FEE,
) -> BlockExecution:
    return execution_on(chain(balances).state, fee_recipient, gas_limit, base_fee)


def test_a_transfer_moves_value_and_pays_base_fee_and_tip() -> None:
    run = execution()
    run.execute(transfer(0, 0, account(1), 5))
    receipt = run.receipts[0]
    state = run.commit()
    assert state.account(account(0)) == Account(1, Wei(10 * ETHER - 5 - GAS * PRICE))
    assert state.balance(account(1)) == 10 * ETHER + 5
    assert state.balance(PROPOSER) == GAS * GWEI == run.tips
    assert run.burnt == GAS * BASE_FEE
    assert (receipt.tx_type, receipt.status, receipt.cumulative_gas_used) == (2, 1, GAS)


@pytest.mark.parametrize("tx_type", [0, 1])
def test_a_gas_price_pays_all_above_the_base_fee_as_tip(tx_type: int) -> None:
    run = execution()
    run.execute(transfer(0, 0, account(1), 5, cap=7 * GWEI, tx_type=tx_type))
    state = run.commit()
    assert state.balance(account(0)) == 10 * ETHER - 5 - GAS * 7 * GWEI
    assert state.balance(PROPOSER) == GAS * 5 * GWEI
    assert run.receipts[0].tx_type == tx_type


def test_the_fee_cap_limits_the_tip() -> None:
    run = execution()
    run.execute(transfer(0, 0, account(1), 5, cap=BASE_FEE + 7, tip=GWEI))
    assert run.tips == GAS * 7
    assert run.commit().balance(account(0)) == 10 * ETHER - 5 - GAS * (BASE_FEE + 7)


def test_gas_that_is_not_used_is_not_paid() -> None:
    run = execution()
    run.execute(transfer(0, 0, account(1), 5, gas=1_000_000))
    assert run.gas_used == GAS
    assert run.commit().balance(account(0)) == 10 * ETHER - 5 - GAS * PRICE


def test_calldata_pays_the_floor() -> None:
    """EIP-7623: 10 gas a zero byte, 40 another, where 4 and 16 would be less."""
    run = execution()
    run.execute(transfer(0, 0, data=b"\x00\x00\x01", gas=30_000))
    assert run.gas_used == 21_000 + 2 * 10 + 40


def test_an_access_list_is_paid_although_nothing_reads_it() -> None:
    entry = AccessListEntry(stranger(5), (Hash32(bytes(32)), Hash32(bytes(32))))
    run = execution()
    run.execute(transfer(0, 0, access_list=(entry,), gas=40_000))
    assert run.gas_used == 21_000 + 2_400 + 2 * 1_900


def test_a_transfer_to_oneself_costs_the_fee_only() -> None:
    run = execution()
    run.execute(transfer(0, 0, account(0), 5))
    assert run.commit().account(account(0)) == Account(1, Wei(10 * ETHER - GAS * PRICE))


def test_a_sender_who_is_the_fee_recipient_gets_its_tip_back() -> None:
    run = execution(fee_recipient=account(0))
    run.execute(transfer(0, 0, account(1), 5))
    state = run.commit()
    assert state.balance(account(0)) == 10 * ETHER - 5 - GAS * BASE_FEE


def test_a_recipient_who_is_the_fee_recipient_gets_both() -> None:
    run = execution(fee_recipient=account(1))
    run.execute(transfer(0, 0, account(1), 5))
    assert run.commit().balance(account(1)) == 10 * ETHER + 5 + GAS * GWEI


def test_a_tip_can_be_spent_in_the_same_block() -> None:
    needed = GAS * PRICE + 1
    run = execution({0: ETHER, 1: needed - GAS * GWEI}, fee_recipient=account(1))
    run.execute(transfer(0, 0, stranger(1), 1))
    run.execute(transfer(1, 0, stranger(1), 1, cap=PRICE))
    assert run.commit().balance(account(1)) == GAS * GWEI


def test_a_transfer_of_nothing_leaves_no_account() -> None:
    """EIP-161: neither at the recipient nor, without a tip, at the fee recipient."""
    run = execution()
    run.execute(transfer(0, 0, stranger(9), 0, cap=BASE_FEE, tip=0))
    state = run.commit()
    assert state.account(stranger(9)) is None
    assert state.account(PROPOSER) is None
    assert list(state.changes) == [account(0)]


def test_a_transfer_of_nothing_leaves_an_existing_account_as_it_is() -> None:
    run = execution()
    run.execute(transfer(0, 0, account(1), 0))
    assert run.commit().account(account(1)) == Account(0, Wei(10 * ETHER))


def test_a_balance_that_is_exactly_enough_is_enough() -> None:
    cost = GAS * 10 * GWEI + 5
    run = execution({0: cost}, base_fee=9 * GWEI)
    run.execute(transfer(0, 0, account(1), 5))
    assert run.commit().account(account(0)) == Account(1, Wei(0))


def test_receipts_accumulate_gas() -> None:
    run = execution()
    for nonce in range(3):
        run.execute(transfer(0, nonce))
    assert [receipt.cumulative_gas_used for receipt in run.receipts] == [GAS, 2 * GAS, 3 * GAS]
    assert run.receipts_root() == ordered_root([encode_receipt(each) for each in run.receipts])
    assert run.gas_left == 30_000_000 - 3 * GAS
    assert run.logs_bloom() == bytes(256)


@pytest.mark.parametrize(
    ("code", "says", "fields"),
    [
        ("nonce_too_low", "expected 1, got 0", {"nonce": 0}),
        ("nonce_too_high", "expected 1, got 2", {"nonce": 2}),
        ("max_fee_below_base_fee", "at least 2000000000", {"nonce": 1, "cap": BASE_FEE - 1}),
        ("insufficient_funds", "transaction.sender", {"nonce": 1, "value": 10 * ETHER}),
        ("block_gas_exceeded", "at most 79000", {"nonce": 1, "gas": 79_001}),
    ],
)
def test_each_refusal_names_its_reason_and_changes_nothing(
    code: str, says: str, fields: dict[str, int]
) -> None:
    run = execution(gas_limit=100_000)
    run.execute(transfer(0, 0))
    with pytest.raises(InvalidTransaction) as caught:
        run.execute(transfer(0, **{"tip": 0, **fields}))
    assert caught.value.code == code
    assert says in str(caught.value)
    assert (run.gas_used, len(run.receipts), len(run.transactions)) == (GAS, 1, 1)
    run.execute(transfer(0, 1))
    assert run.commit().nonce(account(0)) == 2


def test_the_whole_fee_cap_must_be_owned_not_only_the_price() -> None:
    cost = GAS * 10 * GWEI + 1
    run = execution({0: cost - 1})
    with pytest.raises(InvalidTransaction, match=r"transaction\.sender"):
        run.execute(transfer(0, 0))


def test_a_cost_beyond_256_bits_is_not_affordable() -> None:
    """Value and fees are in range each; their sum is not, and must not wrap."""
    run = execution({0: 2**256 - 1})
    with pytest.raises(InvalidTransaction) as caught:
        run.execute(transfer(0, 0, value=2**256 - 1))
    assert caught.value.code == "insufficient_funds"


def test_the_largest_transfer_arrives_whole() -> None:
    fee = GAS * 10 * GWEI
    run = execution({0: 2**256 - 1}, base_fee=9 * GWEI)
    run.execute(transfer(0, 0, account(1), 2**256 - 1 - fee))
    assert run.commit().balance(account(1)) == 2**256 - 1 - fee


STOP, REVERT = b"\x00", b"\x5f\x5f\xfd"
WITH_LOG = b"\x60\x07\x5f\x5f\xa1\x60\x05\x60\x01\x55"
"""Writes a log with the topic 7 and no data, and stores 5 in slot 1."""
KILL = b"\x30\xff"
"""Destroys itself, its balance to itself."""


def with_contract(address: Address, code: bytes = STOP) -> StateLayer:
    contract = Account(1, Wei(ETHER), code_hash=keccak256(code))
    accounts = {address: contract, account(0): Account(0, Wei(ETHER))}
    return StateLayer(None, StateChanges(accounts, {}, {}, {keccak256(code): code}))


def test_a_call_runs_the_contract() -> None:
    run = execution_on(with_contract(stranger(3), WITH_LOG))
    run.execute(transfer(0, 0, stranger(3), 5, gas=100_000))
    receipt = run.receipts[0]
    [log] = receipt.logs
    assert (log.address, log.topics, log.data) == (stranger(3), (Hash32(bytes(31) + b"\x07"),), b"")
    assert bloom_may_contain(receipt.bloom, stranger(3))
    assert run.logs_bloom() == receipt.bloom
    assert receipt.cumulative_gas_used == run.gas_used > GAS + 20_000
    state = run.commit()
    assert state.slot(stranger(3), 1) == 5
    assert state.balance(stranger(3)) == ETHER + 5
    assert state.balance(account(0)) == ETHER - 5 - run.gas_used * PRICE


def test_a_call_that_reverts_has_paid_and_changed_nothing_else() -> None:
    run = execution_on(with_contract(stranger(3), REVERT))
    run.execute(transfer(0, 0, stranger(3), 5, gas=100_000))
    assert run.receipts[0].status == 0
    state = run.commit()
    assert state.account(account(0)) == Account(1, Wei(ETHER - run.gas_used * PRICE))
    assert state.balance(stranger(3)) == ETHER


def test_what_a_new_contract_destroys_with_itself_is_counted() -> None:
    """EIP-6780: only in the transaction that created it."""
    run = execution()
    tx = LegacyTransaction(1337, 0, Wei(PRICE), Gas(200_000), None, Wei(9), KILL)
    raw = encode_transaction(sign_transaction(tx, private_key(0)))
    run.execute(check_transaction(raw, PARAMS))
    assert run.receipts[0].status == 1
    assert (run.burnt, run.destroyed) == (run.gas_used * BASE_FEE, 9)
    state = run.commit()
    assert state.balance(account(0)) == 10 * ETHER - 9 - run.gas_used * PRICE
    assert state.account(contract_address(account(0), 0)) is None


def test_a_contract_cannot_be_a_sender() -> None:
    run = execution_on(with_contract(account(1)))
    with pytest.raises(InvalidTransaction) as caught:
        run.execute(transfer(1, 1))
    assert caught.value.code == "sender_has_code"


def test_what_was_run_elsewhere_is_accepted_if_it_saw_the_same() -> None:
    run, other = execution(), execution()
    early = [run_transaction(each, other.state, run.setting) for each in (FIRST, SECOND, LATER)]
    assert run.accept(FIRST, early[0])
    assert run.accept(SECOND, early[1])
    assert run.accept(LATER, early[2]), "value and tips are moved, not set"
    assert run.receipts == in_turn(FIRST, SECOND, LATER).receipts
    assert run.commit().root() == in_turn(FIRST, SECOND, LATER).commit().root()


def test_what_saw_another_state_is_not_accepted_and_changes_nothing() -> None:
    run = execution()
    stale = run_transaction(FIRST, run.state, run.setting)
    run.execute(transfer(0, 0, stranger(5)))
    assert not run.accept(FIRST, stale)
    assert (len(run.receipts), run.gas_used) == (1, GAS)


def test_what_the_block_has_no_gas_for_is_not_accepted() -> None:
    run = execution(gas_limit=2 * GAS - 1)
    early = [run_transaction(each, run.state, run.setting) for each in (FIRST, SECOND)]
    assert run.accept(FIRST, early[0])
    with pytest.raises(InvalidTransaction) as caught:
        run.accept(SECOND, early[1])
    assert caught.value.code == "block_gas_exceeded"


FIRST, SECOND = transfer(0, 0, account(1), 5), transfer(2, 0, account(1), 7)
LATER = transfer(1, 0, stranger(4), 1)


def in_turn(*transactions: PooledTransaction) -> BlockExecution:
    run = execution()
    execute_serially(run, transactions)
    return run


def test_genesis_holds_what_was_allocated() -> None:
    genesis = Genesis(PARAMS, ((account(0), Wei(7)), (account(1), Wei(0))), COMMITTEE)
    executed = genesis_executed(genesis)
    assert executed.state.root() == genesis_state_root(genesis) == executed.block.header.state_root
    assert (executed.number, executed.transactions, executed.senders) == (0, (), ())
    assert executed.state.account(account(1)) is None
    assert (
        executed.state.code(keccak256(SYSTEM_CODE[HISTORY_ADDRESS])) == SYSTEM_CODE[HISTORY_ADDRESS]
    )


def test_genesis_holds_contracts_with_their_storage() -> None:
    contract = GenesisContract(stranger(1), b"\x00", 5, ((7, 300),))
    genesis = Genesis(PARAMS, ((stranger(1), Wei(7)),), COMMITTEE, 0, (contract,))
    state = genesis_executed(genesis).state
    assert state.root() == genesis_state_root(genesis)
    assert state.account(stranger(1)) == Account(5, Wei(7), keccak256(b"\x00"))
    assert state.slot(stranger(1), 7) == 300


def test_a_supply_that_could_overflow_a_balance_is_refused() -> None:
    alloc = ((account(0), Wei(2**255)), (account(1), Wei(2**255)))
    with pytest.raises(InvalidInput, match="below 2\\*\\*256 wei in all"):
        genesis_executed(Genesis(PARAMS, alloc, COMMITTEE))


def test_a_fetched_state_says_which_blocks_are_below_it() -> None:
    """EIP-2935: BLOCKHASH must give the same to whoever has not seen the blocks."""
    blocks = [chain()]
    for _ in range(5):
        blocks.append(built(blocks[-1]))
    head = blocks[-1]
    expected = tuple(block.digest for block in reversed(blocks[:-1]))
    fetched = anchor(head.block.header, head.state, head.epoch)
    assert fetched.ancestors == head.ancestors == expected
    assert built(fetched, transfer(0, 0)).digest == built(head, transfer(0, 0)).digest


def test_instructions_see_the_hashes_of_256_blocks() -> None:
    hashes = tuple(Hash32(bytes([number]) * 32) for number in range(4))
    block_hash = BlockHashes(10, hashes)
    assert [block_hash(number) for number in (9, 8, 7, 6)] == list(hashes)
    for number in (10, 5, 11):
        with pytest.raises(InvalidInput, match="one of the 4 blocks below 10"):
            block_hash(number)
    old = msgspec.structs.replace(chain(), ancestors=tuple([hashes[0]] * 300))
    assert len(old.child_ancestors()) == 256
