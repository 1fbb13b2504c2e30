"""Validation of a block that came from elsewhere: check everything, execute, compare."""

from collections.abc import Callable, Sequence

import msgspec

from contracts.system import requests_hash
from node.execution import BlockExecution, ExecutedBlock, Executor, execute_serially
from node.execution_setting import ExecutionEngine, block_setting
from node.validation import PooledTransaction, check_transaction
from node.validation_errors import (
    AccessListTooLarge,
    BlockTooLarge,
    InvalidBlockTransaction,
    MalformedBlock,
    WrongAccessListHash,
    WrongBlobGasUsed,
    WrongGasUsed,
    WrongLogsBloom,
    WrongOmmers,
    WrongReceiptsRoot,
    WrongRequestsHash,
    WrongStateRoot,
    WrongTransactionsRoot,
    WrongWithdrawals,
    WrongWithdrawalsRoot,
)
from node.validation_header import check_checkpoint, check_header, require_equal
from node.validation_ommers import GENERATIONS, check_ommers
from primitives.block import Block, decode_block, transactions_root, withdrawals_root
from primitives.block_access_list import access_list_hash, item_count, items_max
from primitives.epoch import epoch_after
from primitives.errors import InvalidEncoding
from primitives.fork import Fork
from primitives.header import Header
from primitives.params import ChainParams
from primitives.transaction import InvalidTransaction
from primitives.transaction.errors import BlockGasExceeded
from primitives.transaction.gas import TRANSACTION

Checked = PooledTransaction | InvalidTransaction
TransactionsCheck = Callable[[Sequence[bytes], ChainParams], Sequence[Checked]]
"""`check_transaction` for many transactions by the rules of their block, errors as values; it may
remember results."""


def execute_block(
    parent: ExecutedBlock,
    payload: bytes,
    params: ChainParams,
    check: TransactionsCheck | None = None,
    engine: ExecutionEngine | None = None,
    executor: Executor = execute_serially,
) -> ExecutedBlock:
    """Validate and execute a block on top of its parent.

    Args:
        parent: the block below, executed.
        payload: the block's encoding, not trusted.
        params: the chain's rules.
        check: decodes and checks the transactions; `check_transaction` on each by default.
        engine: has the virtual machines; a new one by default.
        executor: runs the transactions.

    Raises:
        InvalidBlock: its leaf names the rule that is broken.
    """
    block = _decode(payload, params)
    header = block.header
    rules = params.at(header.timestamp)
    check_header(header, parent.block.header, parent.digest, rules)
    _check_body(block, rules)
    if rules.fork < Fork.PARIS:
        check_ommers(block, (parent.block, *parent.relatives), rules)
    if check is None:
        transactions = _checked(block.transactions, rules)
    else:
        transactions = _required(check(block.transactions, rules))
    ancestors = parent.child_ancestors()
    setting = block_setting(header, ancestors, rules, engine or ExecutionEngine())
    execution = BlockExecution(parent.state, parent.epoch, setting)
    execution.begin()
    executor(execution, transactions)
    execution.finish(block.withdrawals, block.ommers)
    _compare(execution, header, rules)
    epoch = epoch_after(parent.epoch, execution.pending, header.number, params)
    check_checkpoint(header, epoch, params)
    executed = execution.seal(block, payload, epoch, ancestors)
    state_root = executed.state.root()
    require_equal(WrongStateRoot, "header.state_root", state_root, header.state_root)
    if rules.fork < Fork.PARIS:
        relatives = (parent.block, *parent.relatives[: GENERATIONS - 1])
        return msgspec.structs.replace(executed, relatives=relatives)
    return executed


def _checked(raws: Sequence[bytes], rules: ChainParams) -> list[PooledTransaction]:
    transactions = []
    for index, raw in enumerate(raws):
        try:
            transactions.append(check_transaction(raw, rules))
        except InvalidTransaction as error:
            raise InvalidBlockTransaction(index, error) from error
    return transactions


def _required(checked: Sequence[Checked]) -> list[PooledTransaction]:
    transactions = []
    for index, each in enumerate(checked):
        if isinstance(each, InvalidTransaction):
            raise InvalidBlockTransaction(index, each) from each
        transactions.append(each)
    return transactions


def _check_body(block: Block, rules: ChainParams) -> None:
    """Check what the body says against the header, before anything is executed."""
    header = block.header
    if rules.fork >= Fork.PARIS and block.ommers:
        raise WrongOmmers("block.ommers", "none", f"{len(block.ommers)}")
    if rules.withdrawal_rule == "none" and block.withdrawals:
        raise WrongWithdrawals("block.withdrawals", "none", f"{len(block.withdrawals)}")
    if rules.fork >= Fork.SHANGHAI:
        root = withdrawals_root(block.withdrawals)
        where = "header.withdrawals_root"
        require_equal(WrongWithdrawalsRoot, where, root, header.withdrawals_root)
    _check_count(block)
    root = transactions_root(block.transactions)
    where = "header.transactions_root"
    require_equal(WrongTransactionsRoot, where, root, header.transactions_root)


def _check_count(block: Block) -> None:
    """Refuse more transactions than the gas limit has room for before work goes into each."""
    most = block.header.gas_limit // TRANSACTION
    count = len(block.transactions)
    if count > most:
        expected = f"at most {most} transactions in {block.header.gas_limit} gas"
        raise InvalidBlockTransaction(most, BlockGasExceeded("block", expected, count))


def _compare(execution: BlockExecution, header: Header, rules: ChainParams) -> None:
    """Compare what execution gave with what the header says, but for the state."""
    require_equal(WrongGasUsed, "header.gas_used", execution.gas_used, header.gas_used)
    if rules.fork >= Fork.CANCUN:
        where = "header.blob_gas_used"
        require_equal(WrongBlobGasUsed, where, execution.blob_gas_used, header.blob_gas_used)
    root = execution.receipts_root()
    require_equal(WrongReceiptsRoot, "header.receipts_root", root, header.receipts_root)
    require_equal(WrongLogsBloom, "header.logs_bloom", execution.logs_bloom(), header.logs_bloom)
    if rules.fork >= Fork.PRAGUE:
        digest = requests_hash(execution.requests)
        require_equal(WrongRequestsHash, "header.requests_hash", digest, header.requests_hash)
    if rules.block_access_list:
        accesses = execution.access_list()
        count, most = item_count(accesses), items_max(header.gas_limit)
        if count > most:
            raise AccessListTooLarge("block access list", f"at most {most} items", count)
        digest = access_list_hash(accesses)
        where = "header.block_access_list_hash"
        require_equal(WrongAccessListHash, where, digest, header.block_access_list_hash)


def _decode(payload: bytes, params: ChainParams) -> Block:
    if len(payload) > params.max_block_bytes:
        expected = f"at most {params.max_block_bytes} bytes"
        raise BlockTooLarge("block", expected, f"{len(payload)} bytes")
    try:
        return decode_block(payload, params.max_block_bytes)
    except InvalidEncoding as error:
        raise MalformedBlock(error.where, error.expected, error.actual) from error
