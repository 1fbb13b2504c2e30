"""What `orrery bench parallel` shares out: signatures to recover, blocks to execute.

Every case can be done in turn, in parts (as two plain processes do it that know nothing of one
another), and by the node's executors.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from contracts.opcodes import Op
from node.execution import (
    BlockExecution,
    ExecutedBlock,
    Executor,
    execute_serially,
    genesis_executed,
)
from node.execution_setting import BlockSetting, ExecutionEngine, block_setting
from node.executors.batches import check_transactions
from node.executors.pool import Pool
from node.schedule.hint import ScheduleHint
from node.validation import PooledTransaction, check_transaction
from primitives.committee import Committee
from primitives.genesis import Genesis, GenesisContract
from primitives.ids import Address, Gas, Wei
from primitives.keccak import keccak256
from primitives.params import ChainParams
from primitives.transaction import (
    DynamicFeeTransaction,
    encode_transaction,
    sign_transaction,
)

GWEI = 10**9
PARAMS = ChainParams(gas_limit=Gas(10**9))
CONTRACT = Address(bytes(19) + b"\xc0")
COMMITTEE = Committee.of_keys(bytes([index]) * 32 for index in range(4))
LOOP_GAS = 55
"""Gas of one turn of the loop."""


class Case(Protocol):
    """Work of one kind."""

    def in_turn(self, part: int = 0, of: int = 1) -> object:
        """Do every `of`-th piece, from `part` on, without any executor; return what came out."""
        ...


class Recovery:
    """Signed transfers whose senders are to be found.

    Args:
        count: of them.
    """

    def __init__(self, count: int) -> None:
        self.raws = [encode_transaction(transfer(index, 21_000)) for index in range(count)]

    def in_turn(self, part: int = 0, of: int = 1) -> object:
        """Check one by one."""
        return [check_transaction(raw, PARAMS) for raw in self.raws[part::of]]

    def pooled(self, pool: Pool) -> object:
        """Check by a pool."""
        return check_transactions(self.raws, PARAMS, pool)


class BlockCase:
    """A block of transactions of different senders.

    Args:
        count: of them.
        turns: of a loop that each one calls; 0 for plain transfers.
    """

    def __init__(self, count: int, turns: int) -> None:
        data = turns.to_bytes(32, "big") if turns else b""
        gas = 30_000 + (LOOP_GAS + 5) * turns if turns else 21_000
        signed = [transfer(index, gas, CONTRACT if turns else None, data) for index in range(count)]
        self.transactions = tuple(
            [check_transaction(encode_transaction(each), PARAMS) for each in signed]
        )
        alloc = tuple((each.sender, Wei(10**24)) for each in self.transactions)
        contract = GenesisContract(CONTRACT, loop_code())
        self.parent = genesis_executed(Genesis(PARAMS, alloc, COMMITTEE, contracts=(contract,)))
        self.setting = _setting(self.parent)

    def in_turn(self, part: int = 0, of: int = 1) -> object:
        """Execute serially."""
        return self.executed(execute_serially, self.transactions[part::of])

    def executed(
        self, executor: Executor, transactions: Sequence[PooledTransaction] | None = None
    ) -> object:
        """Execute by an executor; return receipts and the state's changes."""
        execution = BlockExecution(self.parent.state, self.parent.epoch, self.setting)
        execution.begin()
        executor(execution, self.transactions if transactions is None else transactions)
        return execution.receipts, execution.commit().all_changes

    def hint(self) -> ScheduleHint:
        """Return what each transaction accesses and takes."""
        execution = BlockExecution(self.parent.state, self.parent.epoch, self.setting)
        execution.begin()
        execute_serially(execution, self.transactions)
        accesses = tuple([run.outcome.accesses for run in execution.runs])
        return ScheduleHint(accesses, tuple([run.result.gas_used for run in execution.runs]))


def transfer(
    index: int, gas: int, to: Address | None = None, data: bytes = b""
) -> DynamicFeeTransaction:
    """Return a transaction of the account `index`, signed."""
    key = keccak256(b"bench %d" % index)
    unsigned = DynamicFeeTransaction(
        PARAMS.chain_id,
        0,
        Wei(GWEI),
        Wei(100 * GWEI),
        Gas(gas),
        to or Address(keccak256(b"to %d" % index)[:20]),
        Wei(0 if to else 1),
        data,
    )
    return sign_transaction(unsigned, key)


def loop_code() -> bytes:
    """Return code that counts down from its input, multiplying and adding on the way."""
    body = bytes([Op.JUMPDEST, Op.PUSH1, 1, Op.SWAP1, Op.SUB, Op.DUP1, Op.DUP1, Op.MUL])
    body += bytes([Op.DUP1 + 1, Op.ADD, Op.POP, Op.DUP1, Op.PUSH1, 2, Op.JUMPI, Op.POP, Op.STOP])
    return bytes([Op.PUSH0, Op.CALLDATALOAD]) + body


def _setting(parent: ExecutedBlock) -> BlockSetting:
    above = parent.block.header
    header = msgspec.structs.replace(
        above, number=1, timestamp=above.timestamp + 1, parent_hash=parent.digest
    )
    return block_setting(header, parent.child_ancestors(), PARAMS, ExecutionEngine())
