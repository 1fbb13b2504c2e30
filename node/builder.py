"""Building the block that this node proposes.

A block is built by executing what goes into it, so its header can commit to the outcome, and a
transaction that turns out not to be valid here is passed over rather than proposed.
"""

from collections.abc import Iterable

import msgspec

from consensus.batching.policy import BatchLimits
from node.execution import BlockExecution, ExecutedBlock
from node.execution_base_fee import next_base_fee
from node.validation import PooledTransaction
from node.validation_header import checkpoint_data, earliest_timestamp, prev_randao
from primitives.block import Block, encode_block, transactions_root
from primitives.epoch import epoch_after
from primitives.header import (
    EMPTY_OMMERS_HASH,
    EMPTY_REQUESTS_HASH,
    EMPTY_WITHDRAWALS_ROOT,
    ZERO_NONCE,
    Header,
    header_hash,
)
from primitives.ids import Address, Gas, Wei
from primitives.params import ChainParams
from primitives.transaction import InvalidTransaction

HEADER_BYTES_MAX = 768
"""More than the encoded header, ommers, withdrawals and list prefixes take."""
ITEM_BYTES_MAX = 5
"""Most that RLP adds to a transaction in the body."""


class BuildContext(msgspec.Struct, frozen=True, gc=False):
    """What the builder decides, beside the choice of transactions."""

    fee_recipient: Address
    timestamp: int
    """Seconds; raised to the earliest that the chain's rule allows."""
    extra_data: bytes = b""
    """At most 32 bytes; a checkpoint has the commitment to the next committee instead."""
    limits: BatchLimits = BatchLimits()
    """What the block takes at most, beside the chain's own limits."""


def build_block(
    parent: ExecutedBlock,
    candidates: Iterable[PooledTransaction],
    context: BuildContext,
    params: ChainParams,
) -> ExecutedBlock:
    """Build and execute the block that follows `parent`.

    Args:
        parent: the block below, executed.
        candidates: in order of preference, each sender's in order of nonce. Those that are not
            valid at their turn, or do not fit, are left out.
        context: the builder's own choices.
        params: the chain's rules.
    """
    base_fee = next_base_fee(parent.block.header, params)
    execution = BlockExecution(
        parent.state, base_fee, context.fee_recipient, params.gas_limit, parent.epoch
    )
    bytes_left = params.max_block_bytes - HEADER_BYTES_MAX
    batch_bytes = 0
    for candidate in candidates:
        size = len(candidate.raw) + ITEM_BYTES_MAX
        if size > bytes_left or not _fits(candidate, execution, batch_bytes, context.limits):
            continue
        try:
            execution.execute(candidate)
        except InvalidTransaction:
            continue
        bytes_left -= size
        batch_bytes += len(candidate.raw)
    return _seal(parent, execution, base_fee, context, params)


def _fits(
    candidate: PooledTransaction, execution: BlockExecution, byte_count: int, limits: BatchLimits
) -> bool:
    """Tell whether a batch has room for one more. For the first one it always has."""
    count = len(execution.transactions)
    return not count or (
        count < limits.count
        and byte_count + len(candidate.raw) <= limits.byte_count
        and execution.gas_used + candidate.gas_limit <= limits.gas
    )


def _seal(
    parent: ExecutedBlock,
    execution: BlockExecution,
    base_fee: Wei,
    context: BuildContext,
    params: ChainParams,
) -> ExecutedBlock:
    """Put the header on what has been executed."""
    below = parent.block.header
    raws = tuple([transaction.raw for transaction in execution.transactions])
    state = execution.commit()
    number = below.number + 1
    epoch = epoch_after(parent.epoch, execution.pending, number, params)
    header = Header(
        parent_hash=parent.digest,
        ommers_hash=EMPTY_OMMERS_HASH,
        fee_recipient=context.fee_recipient,
        state_root=state.root(),
        transactions_root=transactions_root(raws),
        receipts_root=execution.receipts_root(),
        logs_bloom=execution.logs_bloom(),
        difficulty=0,
        number=number,
        gas_limit=params.gas_limit,
        gas_used=Gas(execution.gas_used),
        timestamp=max(context.timestamp, earliest_timestamp(below, params)),
        extra_data=checkpoint_data(epoch, number, params) or context.extra_data,
        prev_randao=prev_randao(parent.digest, number),
        nonce=ZERO_NONCE,
        base_fee_per_gas=base_fee,
        withdrawals_root=EMPTY_WITHDRAWALS_ROOT,
        blob_gas_used=Gas(0),
        excess_blob_gas=Gas(0),
        parent_beacon_block_root=parent.digest,
        requests_hash=EMPTY_REQUESTS_HASH,
    )
    block = Block(header, raws)
    return ExecutedBlock(
        block,
        encode_block(block),
        header_hash(header),
        tuple(execution.transactions),
        tuple(execution.receipts),
        state,
        Wei(execution.burnt),
        Wei(execution.tips),
        epoch,
    )
