"""Serial execution of value transfers, exactly as Ethereum accounts for them.

A transaction is refused before it changes anything, or it is executed: without code to run there
is nothing that could fail half-way. Only a committee change may fail, and has then paid its gas.
Buying the gas limit, executing and refunding the rest, which are three steps in Ethereum,
therefore are one change of the sender's balance here.

Reference: Yellow Paper, section 6; EIP-161 (empty accounts), EIP-1559 (fees), EIP-3607 (senders
with code), EIP-7623 (calldata floor).
"""

import msgspec

from node.validation import PooledTransaction, check_recipient
from primitives.block import Block, block_hash, encode_block
from primitives.bloom import EMPTY_BLOOM, merge_blooms
from primitives.committee_change import (
    COMMITTEE_ADDRESS,
    CommitteeChangeFailed,
    apply_changes,
    decode_changes,
)
from primitives.epoch import Epoch, first_epoch
from primitives.errors import InvalidInput
from primitives.genesis import Genesis, genesis_block
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.receipt import Receipt, encode_receipt
from primitives.transaction.errors import (
    BlockGasExceeded,
    InsufficientFunds,
    MaxFeeBelowBaseFee,
    NonceTooHigh,
    NonceTooLow,
    SenderHasCode,
)
from primitives.trie import ordered_root
from storage.account import ABSENT, Account, has_code
from storage.state import StateLayer, StateOverlay, genesis_state

SUCCESS = 1
"""Status of a receipt (EIP-658)."""
FAILURE = 0
"""Status of a committee change that the committee of the moment does not allow."""


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
    """Base fee destroyed by the block, in wei."""
    tips: Wei
    """What the fee recipient got, in wei."""
    epoch: Epoch
    """What the child of this block belongs to."""

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


class BlockExecution:
    """Executes transactions one after another on top of a state.

    Args:
        state: the accounts before the block.
        base_fee: of the block, in wei per gas.
        fee_recipient: who gets the tips.
        gas_limit: of the block.
        epoch: what the block belongs to.
    """

    __slots__ = (
        "_base_fee",
        "_fee_recipient",
        "_gas_limit",
        "_state",
        "gas_used",
        "pending",
        "receipts",
        "tips",
        "transactions",
    )

    def __init__(
        self,
        state: StateLayer,
        base_fee: int,
        fee_recipient: Address,
        gas_limit: int,
        epoch: Epoch,
    ) -> None:
        self._state = StateOverlay(state)
        self._base_fee = base_fee
        self._fee_recipient = fee_recipient
        self._gas_limit = gas_limit
        self.pending = epoch.pending
        """The committee with all changes so far."""
        self.gas_used = 0
        """By the transactions executed so far."""
        self.tips = 0
        """Wei that the fee recipient has got so far."""
        self.transactions: list[PooledTransaction] = []
        """Those executed so far."""
        self.receipts: list[Receipt] = []
        """One for each of them."""

    @property
    def gas_left(self) -> int:
        """What the block's gas limit leaves for further transactions."""
        return self._gas_limit - self.gas_used

    @property
    def burnt(self) -> int:
        """Base fee destroyed so far, in wei."""
        return self.gas_used * self._base_fee

    def execute(self, transaction: PooledTransaction) -> None:
        """Execute the next transaction.

        Raises:
            InvalidTransaction: it may not stand here; nothing has changed.
        """
        state = self._state
        sender = state.account(transaction.sender) or ABSENT
        self._check(transaction, sender)
        gas = transaction.gas_minimum
        tip = gas * transaction.effective_tip(self._base_fee)
        paid = transaction.value + gas * self._base_fee + tip
        state.put(
            transaction.sender,
            Account(
                sender.nonce + 1,
                Wei(sender.balance - paid),
                sender.code_hash,
            ),
        )
        if transaction.value:
            state.add_balance(transaction.to, transaction.value)
        if tip:
            state.add_balance(self._fee_recipient, tip)
        self.gas_used += gas
        self.tips += tip
        self.transactions.append(transaction)
        status = SUCCESS
        if transaction.to == COMMITTEE_ADDRESS:
            status = self._change_committee(transaction)
        self.receipts.append(
            Receipt(transaction.transaction.tx_type, status, Gas(self.gas_used), EMPTY_BLOOM, ())
        )

    def _change_committee(self, transaction: PooledTransaction) -> int:
        """Note a change for the next checkpoint; return the status of its receipt."""
        try:
            self.pending = apply_changes(self.pending, decode_changes(transaction.transaction.data))
        except CommitteeChangeFailed:
            return FAILURE
        return SUCCESS

    def receipts_root(self) -> Hash32:
        """Return the root over the receipts so far."""
        return ordered_root([encode_receipt(receipt) for receipt in self.receipts])

    def logs_bloom(self) -> bytes:
        """Return the 256-byte filter over all logs so far."""
        return merge_blooms([receipt.bloom for receipt in self.receipts])

    def commit(self) -> StateLayer:
        """Return the state after the block. Nothing can be executed afterwards."""
        return self._state.commit()

    def _check(self, transaction: PooledTransaction, sender: Account) -> None:
        """Check what depends on the state and on the block."""
        nonce = transaction.nonce
        if nonce < sender.nonce:
            raise NonceTooLow("transaction.nonce", f"the account's {sender.nonce}", nonce)
        if nonce > sender.nonce:
            raise NonceTooHigh("transaction.nonce", f"the account's {sender.nonce}", nonce)
        if transaction.max_fee_per_gas < self._base_fee:
            expected = f"at least the base fee {self._base_fee}"
            raise MaxFeeBelowBaseFee(
                "transaction.max_fee_per_gas", expected, transaction.max_fee_per_gas
            )
        if transaction.cost_max > sender.balance:
            expected = f"a balance of at least {transaction.cost_max} wei"
            raise InsufficientFunds("transaction", expected, f"{sender.balance} wei")
        if transaction.gas_limit > self._gas_limit - self.gas_used:
            expected = f"at most {self.gas_left}, which the block has left"
            raise BlockGasExceeded("transaction.gas_limit", expected, transaction.gas_limit)
        if has_code(sender):
            raise SenderHasCode("transaction.sender", "an account without code", "a contract")
        check_recipient(transaction, self._state)


def genesis_executed(genesis: Genesis) -> ExecutedBlock:
    """Return block 0 with its state.

    Raises:
        InvalidInput: the balances add up to 2**256 wei or more; below that no balance of the
            chain can ever overflow.
    """
    supply = sum(balance for _, balance in genesis.alloc)
    if supply >= 2**256:
        raise InvalidInput("genesis.alloc", "balances below 2**256 wei in all", supply)
    accounts = {address: Account(0, balance) for address, balance in genesis.alloc}
    block = genesis_block(genesis)
    return ExecutedBlock(
        block,
        encode_block(block),
        block_hash(block),
        (),
        (),
        genesis_state(accounts),
        Wei(0),
        Wei(0),
        first_epoch(genesis.committee),
    )
