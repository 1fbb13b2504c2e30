"""Validation of a block that came from elsewhere: check everything, execute, compare."""

from collections.abc import Callable

from node.execution import BlockExecution, ExecutedBlock
from node.validation import PooledTransaction, check_transaction
from node.validation_errors import (
    BlockTooLarge,
    InvalidBlockTransaction,
    MalformedBlock,
    WrongGasUsed,
    WrongLogsBloom,
    WrongReceiptsRoot,
    WrongStateRoot,
    WrongTransactionsRoot,
    WrongWithdrawals,
)
from node.validation_header import check_checkpoint, check_header, require_equal
from primitives.block import Block, decode_block, transactions_root
from primitives.epoch import epoch_after
from primitives.errors import InvalidEncoding
from primitives.header import header_hash
from primitives.ids import Wei
from primitives.params import ChainParams
from primitives.transaction import InvalidTransaction
from primitives.transaction.errors import BlockGasExceeded
from primitives.transaction.gas import TRANSACTION

TransactionCheck = Callable[[bytes], PooledTransaction]
"""`check_transaction` for one chain, possibly remembering its results."""


def execute_block(
    parent: ExecutedBlock,
    payload: bytes,
    params: ChainParams,
    check: TransactionCheck | None = None,
) -> ExecutedBlock:
    """Validate and execute a block on top of its parent.

    Args:
        parent: the block below, executed.
        payload: the block's encoding, not trusted.
        params: the chain's rules.
        check: decodes and checks each transaction; `check_transaction` by default.

    Raises:
        InvalidBlock: its leaf names the rule that is broken.
    """
    block = _decode(payload, params)
    header = block.header
    check_header(header, parent.block.header, parent.digest, params)
    if block.withdrawals:
        raise WrongWithdrawals("block.withdrawals", "none", f"{len(block.withdrawals)}")
    _check_count(block)
    require_equal(
        WrongTransactionsRoot,
        "header.transactions_root",
        transactions_root(block.transactions),
        header.transactions_root,
    )
    execution = BlockExecution(
        parent.state,
        header.base_fee_per_gas,
        header.fee_recipient,
        header.gas_limit,
        parent.epoch,
    )
    for index, raw in enumerate(block.transactions):
        try:
            execution.execute(check(raw) if check is not None else check_transaction(raw, params))
        except InvalidTransaction as error:
            raise InvalidBlockTransaction(index, error) from error
    require_equal(WrongGasUsed, "header.gas_used", execution.gas_used, header.gas_used)
    require_equal(
        WrongReceiptsRoot, "header.receipts_root", execution.receipts_root(), header.receipts_root
    )
    require_equal(WrongLogsBloom, "header.logs_bloom", execution.logs_bloom(), header.logs_bloom)
    epoch = epoch_after(parent.epoch, execution.pending, header.number, params)
    check_checkpoint(header, epoch, params)
    state = execution.commit()
    require_equal(WrongStateRoot, "header.state_root", state.root(), header.state_root)
    return ExecutedBlock(
        block,
        payload,
        header_hash(header),
        tuple(execution.transactions),
        tuple(execution.receipts),
        state,
        Wei(execution.burnt),
        Wei(execution.tips),
        epoch,
    )


def _check_count(block: Block) -> None:
    """Refuse more transactions than the gas limit has room for before work goes into each."""
    most = block.header.gas_limit // TRANSACTION
    count = len(block.transactions)
    if count > most:
        expected = f"at most {most} transactions in {block.header.gas_limit} gas"
        raise InvalidBlockTransaction(most, BlockGasExceeded("block", expected, count))


def _decode(payload: bytes, params: ChainParams) -> Block:
    if len(payload) > params.max_block_bytes:
        expected = f"at most {params.max_block_bytes} bytes"
        raise BlockTooLarge("block", expected, f"{len(payload)} bytes")
    try:
        return decode_block(payload, params.max_block_bytes)
    except InvalidEncoding as error:
        raise MalformedBlock(error.where, error.expected, error.actual) from error
