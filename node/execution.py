"""Execution of a block: its transactions one after another, and what stands around them.

Running a transaction and taking over what it did are two steps. `run_transaction` does the first on
any state; `BlockExecution.accept` does the second in block order, if the transaction has seen
nothing but what it would see at its place. Executing a block serially is nothing but doing both for
each transaction in turn, and executors that run transactions at the same time end with the same
calls of `accept`, so that they cannot come to another result.

Committee changes (`primitives.committee_change`) run like other transactions, as calls to an
address without code. What they ask for is noted when they are taken over.

Reference: Yellow Paper, sections 4.3 and 11; EIP-658, EIP-4844, EIP-4895, EIP-7685, EIP-7928.
"""

from collections.abc import Callable, Sequence

import msgspec

from node.access_list import AccessListBuilder
from node.execution_setting import ANCESTORS_MAX, BlockSetting
from node.execution_system import Apply, begin_block, end_block
from node.execution_transaction import TransactionRun, run_transaction
from node.validation import PooledTransaction
from node.validation_errors import InvalidBlockTransaction
from primitives.access import AccessSet
from primitives.block import Block, Withdrawal, block_hash, encode_block
from primitives.block_access_list import BlockAccessList, encode_access_list
from primitives.bloom import merge_blooms
from primitives.committee_change import (
    COMMITTEE_ADDRESS,
    CommitteeChangeFailed,
    apply_changes,
    decode_changes,
)
from primitives.epoch import Epoch, first_epoch
from primitives.errors import InvalidInput
from primitives.genesis import Genesis, genesis_block, genesis_contracts
from primitives.header import Header
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from primitives.receipt import Receipt, encode_receipt
from primitives.transaction import InvalidTransaction
from primitives.transaction.errors import BlobGasExceeded, BlockGasExceeded
from primitives.trie import ordered_root
from storage.account import ABSENT, Account, is_empty
from storage.changes import StateChanges
from storage.outcome import Outcome
from storage.state import StateLayer, StateOverlay

SUCCESS = 1
"""Status of a receipt (EIP-658)."""
FAILURE = 0
"""Status of what failed, or of a committee change that the committee of the moment forbids."""


class ExecutedBlock(msgspec.Struct, frozen=True):
    """A block together with all that its execution gave. Shared by the nodes of a process."""

    block: Block
    payload: bytes
    """Encoding of the block, as consensus carries it."""
    digest: Hash32
    """The block's hash."""
    transactions: tuple[PooledTransaction, ...]
    """Those of the block, decoded, in order."""
    receipts: tuple[Receipt, ...]
    state: StateLayer
    """The accounts after the block; `state.changes` are those that it touched."""
    burnt: Wei
    """Base fee and blob fee destroyed by the block, in wei."""
    tips: Wei
    """What the fee recipient got from transactions, in wei."""
    epoch: Epoch
    """What the child of this block belongs to."""
    runs: tuple[TransactionRun, ...] = ()
    """What each transaction did, in order."""
    issued: Wei = Wei(0)
    """What withdrawals, and before Paris rewards, have created, in wei."""
    destroyed: Wei = Wei(0)
    """What contracts have destroyed with themselves, in wei."""
    requests: tuple[bytes, ...] = ()
    """To the consensus layer (EIP-7685): type byte and data, by type, none without data."""
    ancestors: tuple[Hash32, ...] = ()
    """Hashes of the blocks below, the parent first, as many as instructions may ask for."""
    access_list: bytes = b""
    """The encoded list of all that the block accessed (EIP-7928), where the chain has them."""
    relatives: tuple[Block, ...] = ()
    """Before Paris the blocks below that ommers may come from, the parent first."""

    @property
    def closing(self) -> bool:
        """Whether the block closes an epoch: its child is decided by another committee."""
        return self.epoch.is_begun_by(self.block.header.number)

    @property
    def number(self) -> int:
        """Height of the block."""
        return self.block.header.number

    @property
    def senders(self) -> tuple[Address, ...]:
        """Sender of each transaction, in order."""
        return tuple(transaction.sender for transaction in self.transactions)

    def child_ancestors(self) -> tuple[Hash32, ...]:
        """Return the `ancestors` of a block on this one."""
        return (self.digest, *self.ancestors[: ANCESTORS_MAX - 1])

    @property
    def accesses(self) -> tuple[AccessSet, ...]:
        """What each transaction read and wrote, in order. Computed anew on each call."""
        return tuple(run.outcome.accesses for run in self.runs)


class BlockExecution:
    """Executes one block on top of a state: begin, transactions in order, finish.

    Args:
        state: the accounts before the block.
        epoch: what the block belongs to.
        setting: the block itself.
    """

    __slots__ = (
        "_access_list",
        "blob_gas_used",
        "burnt",
        "destroyed",
        "gas_used",
        "issued",
        "pending",
        "receipts",
        "requests",
        "runs",
        "setting",
        "state",
        "tips",
        "transactions",
    )

    def __init__(self, state: StateLayer, epoch: Epoch, setting: BlockSetting) -> None:
        self.setting = setting
        self.state = StateOverlay(state)
        """As it is after what has been executed so far."""
        self.pending = epoch.pending
        """The committee with all changes so far."""
        self.gas_used = 0
        """By the transactions executed so far."""
        self.blob_gas_used = 0
        """By the blobs of those."""
        self.tips = 0
        """Wei that the fee recipient has got so far."""
        self.burnt = 0
        """Base fee and blob fee destroyed so far, in wei."""
        self.destroyed = 0
        """What contracts have destroyed with themselves so far, in wei."""
        self.issued = 0
        """Wei that withdrawals, and before Paris rewards, have created; known at the end."""
        self.requests: tuple[bytes, ...] = ()
        """To the consensus layer; known at the end."""
        self.transactions: list[PooledTransaction] = []
        """Those executed so far."""
        self.runs: list[TransactionRun] = []
        """What each of them did."""
        self.receipts: list[Receipt] = []
        """One for each of them."""
        is_listed = setting.params.block_access_list
        self._access_list = AccessListBuilder() if is_listed else None

    @property
    def gas_left(self) -> int:
        """What the block's gas limit leaves for further transactions."""
        return self.setting.context.gas_limit - self.gas_used

    def begin(self) -> None:
        """Do what a block does before its first transaction: call the system's contracts."""
        begin_block(self.setting, self.state, lambda outcome: self._take_over(0, outcome))

    def execute(self, transaction: PooledTransaction) -> None:
        """Run the next transaction here and now, and take over what it did.

        Raises:
            InvalidTransaction: it may not stand here; nothing has changed.
        """
        self.check_room(transaction)
        self._take(transaction, run_transaction(transaction, self.state, self.setting))

    def accept(self, transaction: PooledTransaction, run: TransactionRun) -> bool:
        """Take over what the next transaction did elsewhere, if it would do the same here.

        Returns:
            Whether it would. If not, nothing has changed, and `execute` is the way on.

        Raises:
            InvalidTransaction: the block has no room for it; nothing has changed.
        """
        self.check_room(transaction)
        outcome = run.outcome
        if not self.state.accepts(outcome):
            return False
        adopted = self.state.adopted(outcome)
        if adopted is not outcome:
            run = msgspec.structs.replace(run, outcome=adopted)
        self._take(transaction, run)
        return True

    def check_room(self, transaction: PooledTransaction) -> None:
        """Check that the block has gas and blob gas left for a transaction.

        Raises:
            InvalidTransaction: it has not.
        """
        if transaction.gas_limit > self.gas_left:
            expected = f"at most {self.gas_left}, which the block has left"
            raise BlockGasExceeded("transaction.gas_limit", expected, transaction.gas_limit)
        if transaction.blob_gas:
            left = self.setting.blob_gas_max - self.blob_gas_used
            if transaction.blob_gas > left:
                expected = f"blob gas of at most {left}, which the block has left"
                raise BlobGasExceeded("transaction", expected, transaction.blob_gas)

    def finish(
        self, withdrawals: tuple[Withdrawal, ...] = (), ommers: tuple[Header, ...] = ()
    ) -> None:
        """Do what a block does after its last transaction: pay withdrawals, collect requests.

        Raises:
            InvalidBlock: a contract that collects requests is missing, fails, or wrote an event
                that is none.
        """
        last = len(self.transactions) + 1
        apply: Apply = lambda outcome: self._take_over(last, outcome)  # noqa: E731
        end = end_block(self.setting, self.state, apply, self.receipts, withdrawals, ommers)
        self.issued, self.requests = end.issued, end.requests

    def receipts_root(self) -> Hash32:
        """Return the root over the receipts so far."""
        return ordered_root([encode_receipt(receipt) for receipt in self.receipts])

    def logs_bloom(self) -> bytes:
        """Return the 256-byte filter over all logs so far."""
        return merge_blooms([receipt.bloom for receipt in self.receipts])

    def access_list(self) -> BlockAccessList:
        """Return all that the block accessed so far; empty where the chain has no such lists."""
        return () if self._access_list is None else self._access_list.build()

    def commit(self) -> StateLayer:
        """Return the state after the block. Nothing can be executed afterwards."""
        return self.state.commit()

    def seal(
        self, block: Block, payload: bytes, epoch: Epoch, ancestors: tuple[Hash32, ...]
    ) -> ExecutedBlock:
        """Return the executed block. Nothing can be executed afterwards.

        Args:
            block: the one that was executed.
            payload: its encoding.
            epoch: what its child belongs to.
            ancestors: hashes of the blocks below.
        """
        listed = b"" if self._access_list is None else encode_access_list(self.access_list())
        return ExecutedBlock(
            block,
            payload,
            block_hash(block),
            tuple(self.transactions),
            tuple(self.receipts),
            self.commit(),
            Wei(self.burnt),
            Wei(self.tips),
            epoch,
            tuple(self.runs),
            Wei(self.issued),
            Wei(self.destroyed),
            self.requests,
            ancestors,
            listed,
        )

    def _take(self, transaction: PooledTransaction, run: TransactionRun) -> None:
        """Take over a transaction: its changes, its gas, its receipt."""
        result, outcome = run.result, run.outcome
        self.destroyed += self._destroyed_by(run)
        self._take_over(len(self.transactions) + 1, outcome)
        self.gas_used += result.gas_used
        self.blob_gas_used += result.blob_gas_used
        self.tips += result.tip
        self.burnt += result.burnt
        self.transactions.append(transaction)
        self.runs.append(run)
        status = SUCCESS if result.succeeded else FAILURE
        if transaction.to == COMMITTEE_ADDRESS:
            status = self._change_committee(transaction)
        gas_used = Gas(self.gas_used)
        tx_type = transaction.transaction.tx_type
        self.receipts.append(Receipt(tx_type, status, gas_used, run.bloom, outcome.logs))

    def _take_over(self, index: int, outcome: Outcome) -> None:
        state = self.state
        if self._access_list is not None:
            self._access_list.note(index, outcome, state)
        state.apply(outcome)

    def _destroyed_by(self, run: TransactionRun) -> int:
        """Return what contracts destroy with themselves, in wei, before it is taken over.

        It is what was taken from accounts and has not come to others, fees aside, and what is left
        in accounts that go.
        """
        changes = run.outcome.changes
        gone = [change for change in changes if change.is_destroyed]
        if not gone:
            return 0
        moved = sum([change.delta for change in changes])
        account = self.state.account
        left = sum([(account(each.address) or ABSENT).balance + each.delta for each in gone])
        return left - moved - run.result.burnt

    def _change_committee(self, transaction: PooledTransaction) -> int:
        """Note a change for the next checkpoint; return the status of its receipt."""
        try:
            self.pending = apply_changes(self.pending, decode_changes(transaction.transaction.data))
        except CommitteeChangeFailed:
            return FAILURE
        return SUCCESS


Executor = Callable[[BlockExecution, Sequence[PooledTransaction]], None]
"""Executes transactions, in effect one after another, on a block that has begun.

Raises `InvalidBlockTransaction` for the first that may not stand at its place."""


def execute_serially(execution: BlockExecution, transactions: Sequence[PooledTransaction]) -> None:
    """Execute transactions one after another.

    Raises:
        InvalidBlockTransaction: for the first that may not stand at its place.
    """
    for index, transaction in enumerate(transactions):
        try:
            execution.execute(transaction)
        except InvalidTransaction as error:
            raise InvalidBlockTransaction(index, error) from error


def genesis_executed(genesis: Genesis) -> ExecutedBlock:
    """Return block 0 with its state.

    Raises:
        InvalidInput: the balances add up to 2**256 wei or more; below that no balance of the
            chain can ever overflow.
    """
    supply = sum(balance for _, balance in genesis.alloc)
    if supply >= 2**256:
        raise InvalidInput("genesis.alloc", "balances below 2**256 wei in all", supply)
    block = genesis_block(genesis)
    return ExecutedBlock(
        block,
        encode_block(block),
        block_hash(block),
        (),
        (),
        _first_state(genesis),
        Wei(0),
        Wei(0),
        first_epoch(genesis.committee),
    )


def _first_state(genesis: Genesis) -> StateLayer:
    balances = dict(genesis.alloc)
    accounts = {address: Account(0, balance) for address, balance in balances.items() if balance}
    slots: dict[Address, dict[int, int]] = {}
    codes: dict[Hash32, bytes] = {}
    for contract in genesis_contracts(genesis):
        balance = balances.get(contract.address, Wei(0))
        code_hash = keccak256(contract.code)
        account = Account(contract.nonce, balance, code_hash)
        if is_empty(account):
            continue
        accounts[contract.address] = account
        if contract.code:
            codes[code_hash] = contract.code
        if contract.storage:
            slots[contract.address] = dict(contract.storage)
    return StateLayer(None, StateChanges(accounts, slots, {}, codes))
