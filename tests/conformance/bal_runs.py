"""Executes blocks of Amsterdam by the rules of Osaka, as far as both give the same access list.

Amsterdam brings block access lists (EIP-7928), and with them other prices of gas, above all for
what makes the state larger (EIP-8037). A block is *comparable* if every transaction uses as much
gas here as its receipt says: the same instructions have run then, and the same fees were paid, so
that the lists must be equal, and so must the state. Where gas differs, the fees differ with it,
and nothing else in the list may: it is compared after the balances that fees go through, of
senders and fee recipients, have been put right by the gas of the receipts.
"""

from collections.abc import Iterator

import msgspec

from node.execution import BlockExecution
from node.execution_setting import BlockSetting, ExecutionEngine, block_setting
from node.executors.executor import BlockHints
from node.validation import check_transaction
from primitives.blob_schedule import BlobSchedule
from primitives.block import decode_block
from primitives.block_access_list import AccountChanges, BlockAccessList
from primitives.committee import Committee
from primitives.epoch import first_epoch
from primitives.fork import Fork
from primitives.ids import Address, Hash32
from primitives.params import ChainParams
from primitives.transaction import effective_gas_price
from storage.state import StateLayer
from tests.conformance.bal_cases import ListedBlock, ListedChain
from tests.conformance.bal_state import state_by_list
from tests.conformance.mainnet_runs import NodeExecutor
from tests.conformance.state_benches import genesis_layer
from tests.conformance.state_runs import read_accounts

BLOBS = (14, 21)
"""Target and most blobs of a block in Amsterdam, as in BPO2."""


class Fees(msgspec.Struct, frozen=True):
    """What one transaction paid, as executed here."""

    sender: Address
    gas_used: int
    price: int
    """Wei per gas."""
    tip: int
    """Wei per gas that the fee recipient got of it."""


class ListedRun(msgspec.Struct, frozen=True):
    """A block as it was executed here."""

    block: ListedBlock
    access_list: BlockAccessList
    fees: tuple[Fees, ...]
    """Of each transaction."""
    fee_recipient: Address
    state_root: Hash32
    listed_root: Hash32
    """Of the state by the computed list alone."""

    @property
    def is_comparable(self) -> bool:
        """Whether every transaction used as much gas as in Amsterdam."""
        return self.block.gas_used in (None, tuple([each.gas_used for each in self.fees]))


def run_chain(
    chain: ListedChain, engine: ExecutionEngine, execute: NodeExecutor
) -> Iterator[ListedRun]:
    """Execute the blocks of a chain one on top of the other, with their lists as hints."""
    params = ChainParams(
        chain_id=chain.chain_id,
        fork=Fork.OSAKA,
        block_access_list=True,
        blobs=BlobSchedule(*BLOBS, chain.blob_update_fraction),
    )
    state = genesis_layer(read_accounts(chain.pre))
    ancestors: tuple[Hash32, ...] = (chain.genesis_hash,)
    for block in chain.blocks:
        run, after = _run_block(
            block,
            state,
            block_setting(decode_block(block.rlp).header, ancestors, params, engine),
            execute,
        )
        yield run
        if not block.error:
            state = after
            ancestors = (Hash32(bytes.fromhex(block.header["hash"][2:])), *ancestors)


def _run_block(
    listed: ListedBlock, state: StateLayer, setting: BlockSetting, execute: NodeExecutor
) -> tuple[ListedRun, StateLayer]:
    block = decode_block(listed.rlp)
    execution = BlockExecution(state, first_epoch(Committee.of_keys([bytes(32)])), setting)
    execution.begin()
    transactions = [check_transaction(raw, setting.params) for raw in block.transactions]
    execute(execution, transactions, BlockHints(access_list=listed.access_list))
    execution.finish(block.withdrawals)
    after = execution.commit()
    by_list = state_by_list(state, execution.access_list())
    base_fee = block.header.base_fee_per_gas
    prices = [effective_gas_price(each.transaction, base_fee) for each in transactions]
    run = ListedRun(
        listed,
        execution.access_list(),
        tuple(
            [
                Fees(transaction.sender, each.result.gas_used, price, price - base_fee)
                for transaction, each, price in zip(
                    transactions, execution.runs, prices, strict=True
                )
            ]
        ),
        block.header.fee_recipient,
        after.root(),
        by_list.root(),
    )
    return run, after


def differences(run: ListedRun) -> Iterator[str]:
    """Say where the computed list is another than the expected one.

    Where Amsterdam's gas is another, the balances that fees go through are first put right by the
    gas of the receipts.
    """
    due = {each.address: each for each in run.block.access_list}
    found = {each.address: _with_fees_of_receipts(each, run) for each in run.access_list}
    for address in sorted({*due, *found}):
        if found.get(address) != due.get(address):
            yield f"0x{address.hex()}: {found.get(address)}, not {due.get(address)}"


def _with_fees_of_receipts(account: AccountChanges, run: ListedRun) -> AccountChanges:
    """Return an account's changes as if each transaction had used the gas of its receipt."""
    gas_due = run.block.gas_used or tuple([each.gas_used for each in run.fees])
    surplus = [0]
    """What the account has too much after each block access index, in wei."""
    for fees, due in zip(run.fees, gas_due, strict=True):
        more = fees.gas_used - due
        wei = -more * fees.price if fees.sender == account.address else 0
        if run.fee_recipient == account.address:
            wei += more * fees.tip
        surplus.append(surplus[-1] + wei)
    surplus.append(surplus[-1])
    balances = tuple([(index, wei - surplus[index]) for index, wei in account.balance_changes])
    return msgspec.structs.replace(account, balance_changes=balances)
