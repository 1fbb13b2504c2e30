"""Checkers of what blocks hold: nonces, conservation of value, single execution; once each."""

import msgspec
import pytest

from node.execution import ExecutedBlock
from primitives.ids import Address, Wei
from sim.checkers import (
    BlockChecker,
    Checker,
    Conservation,
    Nonces,
    SingleExecution,
    Violation,
    safety_checkers,
)
from storage.account import Account
from storage.state import StateLayer
from tests.unit.sim.checker_histories import (
    FEE_RECIPIENT,
    GENESIS,
    MINT,
    NODES,
    History,
    build,
    chain,
    check_context,
    new_mint,
    replaced,
    right_history,
)
from tests.unit.sim.workload_worlds import GWEI

STRANGER = Address(b"\x77" * 20)


def nonces() -> Checker:
    return BlockChecker(Nonces(), check_context())


def conservation() -> Checker:
    return BlockChecker(Conservation(check_context()), check_context())


def judge_block(block: ExecutedBlock, checker: Checker) -> Violation | None:
    """Judge a chain whose block 3 is `block` (under the digest of the right one)."""
    history = History()
    history.commit_all(range(NODES), [1, 2, 3, 4])
    history.world.blocks[chain()[3].digest] = block
    return history.judge(checker)


def found(violation: Violation | None) -> Violation:
    assert violation is not None, "the checker did not object"
    return violation


def with_transactions(block: ExecutedBlock, order: list[int]) -> ExecutedBlock:
    raws = tuple(block.block.transactions[k] for k in order)
    return replaced(
        block,
        block=msgspec.structs.replace(block.block, transactions=raws),
        transactions=tuple(block.transactions[k] for k in order),
    )


@pytest.mark.parametrize("make", [nonces, conservation, lambda: SingleExecution(check_context())])
def test_a_right_history_passes(make):
    assert right_history().judge(make()) is None


def test_a_block_is_looked_at_once_however_many_nodes_commit_it():
    history = History()
    history.commit_all(range(NODES), [1, 2, 3])
    assert history.judge(nonces()) is None
    # One more look at the head, for the judgement of the whole.
    digests = [block.digest for block in chain()]
    assert history.world.lookups == [*digests[1:4], digests[3]]


def test_a_block_is_judged_at_its_first_commit():
    history = History()
    history.commit_all([5, 1], [1, 2, 3])
    history.world.blocks[chain()[2].digest] = with_transactions(chain()[2], [0, 2, 1])
    violation = found(history.judge(nonces()))
    assert (violation.node, violation.at_ns) == (5, 3_000_000)
    assert violation.detail.startswith(f"block 2 ({chain()[2].digest.hex()}): ")


# Nonces


def test_nonces_objects_to_a_swapped_order():
    violation = found(judge_block(with_transactions(chain()[3], [0, 2, 1]), nonces()))
    assert violation.checker == "nonces"
    sender = chain()[3].senders[1].hex()
    assert f"transaction 1 of sender 0x{sender} has nonce" in violation.detail


def test_nonces_objects_to_a_missing_transaction():
    assert found(judge_block(with_transactions(chain()[3], [0, 2]), nonces())).checker == "nonces"


def test_nonces_objects_to_a_repeated_transaction():
    violation = found(judge_block(with_transactions(chain()[3], [0, 0]), nonces()))
    assert "transaction 1 of sender" in violation.detail


def test_nonces_objects_to_a_wrong_sender_and_a_missing_one():
    block = chain()[3]
    wrong = msgspec.structs.replace(block.transactions[0], sender=STRANGER)
    lying = replaced(block, transactions=(wrong, *block.transactions[1:]))
    assert found(judge_block(lying, nonces())).detail.endswith("expected 0")
    short = replaced(block, transactions=block.transactions[1:])
    assert "3 transactions and 2 senders" in found(judge_block(short, nonces())).detail


def test_nonces_begin_where_genesis_says():
    first = chain()[1].senders[0]
    checker = BlockChecker(Nonces([(first, 1)]), check_context())
    assert found(right_history().judge(checker)).detail.endswith("has nonce 0, expected 1")


# Conservation


def with_balance(block: ExecutedBlock, address: Address, change: int) -> ExecutedBlock:
    """Return the block with an account's balance changed, beside what execution did."""
    account = block.state.account(address) or Account()
    altered = Account(account.nonce, Wei(account.balance + change))
    changes = {**block.state.changes, address: altered}
    return replaced(block, state=StateLayer(chain()[block.number - 1].state, changes))


@pytest.mark.parametrize("address", [STRANGER, FEE_RECIPIENT, MINT.address(0)])
@pytest.mark.parametrize("change", [1, 10**18])
def test_conservation_objects_to_money_from_nowhere(address, change):
    block = chain()[3]
    violation = found(judge_block(with_balance(block, address, change), conservation()))
    assert violation.checker == "conservation"
    burnt = block.block.header.gas_used * GWEI
    assert f"balances change by {change - burnt} wei, expected {-burnt}" in violation.detail


def test_conservation_objects_to_lost_money():
    found(judge_block(with_balance(chain()[3], MINT.address(1), -1), conservation()))


def test_conservation_objects_to_a_base_fee_that_is_not_burnt():
    block = chain()[3]
    burnt = block.block.header.gas_used * GWEI
    found(judge_block(with_balance(block, FEE_RECIPIENT, burnt), conservation()))


def test_conservation_counts_an_account_that_ceases_to_exist():
    block = chain()[3]
    changes = {**block.state.changes, MINT.address(0): None}
    emptied = replaced(block, state=StateLayer(chain()[2].state, changes))
    found(judge_block(emptied, conservation()))


def test_conservation_finds_at_the_end_what_no_block_declared():
    """A change that a layer's list of changes hides is beyond the sums of the blocks."""

    class Hiding:
        def __init__(self, state: StateLayer) -> None:
            self._state = state
            self.changes = state.changes

        def balance(self, address: Address) -> Wei:
            return self._state.balance(address)

        def accounts(self) -> dict[Address, Account]:
            return {**self._state.accounts(), STRANGER: Account(0, Wei(5))}

    history = History()
    history.commit_all(range(NODES), [1, 2, 3])
    last = chain()[3]
    history.world.blocks[last.digest] = replaced(last, state=Hiding(last.state))
    violation = found(history.judge(conservation()))
    assert (violation.node, violation.at_ns) == (-1, history.at_ns)
    supply = sum(balance for _, balance in MINT.alloc)
    assert violation.detail.endswith(f"expected {supply} together")


def test_conservation_accepts_a_chain_without_blocks():
    history = History()
    assert history.judge(conservation()) is None


# Single execution


def test_single_execution_objects_to_a_transaction_of_an_earlier_block():
    block, again = chain()[3], chain()[1].block.transactions[0]
    double = replaced(
        block,
        block=msgspec.structs.replace(block.block, transactions=(*block.block.transactions, again)),
    )
    violation = found(judge_block(double, SingleExecution(check_context())))
    assert violation.checker == "single-execution"
    assert violation.detail.endswith("is in block 1 already")


def test_single_execution_objects_to_a_transaction_twice_in_one_block():
    double = with_transactions(chain()[3], [0, 1, 1])
    detail = found(judge_block(double, SingleExecution(check_context()))).detail
    assert "transaction 2 (0x" in detail
    assert detail.endswith("is in block 3 already")


def test_single_execution_objects_to_a_node_that_executes_a_block_again():
    history = History()
    history.commit_all([0, 1], [1, 2])
    history.commit(1, 2)
    violation = found(history.judge(SingleExecution(check_context())))
    assert violation.node == 1
    assert violation.detail == "executed block 2 again after block 2"


def test_single_execution_allows_a_restarted_node_to_execute_again():
    history = History()
    history.commit_all([0], [1, 2])
    history.crash(0)
    history.restart(0)
    history.commit_all([0], [1, 2, 3])
    assert history.judge(SingleExecution(check_context())) is None


# Together


def test_a_fork_is_the_business_of_agreement_and_confuses_no_block_checker():
    history = History()
    history.commit_all([0, 1], [1])
    side = build(GENESIS, [new_mint().next(0, GWEI)[0]], fork=1)
    history.commit(2, 1, side)
    history.commit_all([0, 1], [2, 3])
    for make in (nonces, conservation):
        assert history.judge(make()) is None
    assert found(history.judge(*safety_checkers(check_context()))).checker == "agreement"
