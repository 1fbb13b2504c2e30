"""Building the block that this node proposes.

A block is built by executing what goes into it, so its header can commit to the outcome, and a
transaction that turns out not to be valid here is passed over rather than proposed.
"""

from collections.abc import Iterable, Iterator

import msgspec

from consensus.batching.policy import BatchLimits
from contracts.system import requests_hash
from node.execution import BlockExecution, ExecutedBlock
from node.execution_base_fee import next_base_fee
from node.execution_blob_gas import next_excess_blob_gas
from node.execution_gas_limit import next_gas_limit
from node.execution_setting import ExecutionEngine, block_setting
from node.validation import PooledTransaction, recheck_transaction
from node.validation_header import checkpoint_data, earliest_timestamp, prev_randao
from primitives.block import (
    WITHDRAWAL_BYTES_MAX,
    Block,
    Withdrawal,
    encode_block,
    transactions_root,
    withdrawals_root,
)
from primitives.block_access_list import access_list_hash
from primitives.bloom import EMPTY_BLOOM
from primitives.epoch import epoch_after
from primitives.fork import Fork
from primitives.genesis import ZERO_HASH
from primitives.header import (
    EMPTY_ACCESS_LIST_HASH,
    EMPTY_OMMERS_HASH,
    EMPTY_REQUESTS_HASH,
    EMPTY_WITHDRAWALS_ROOT,
    ZERO_NONCE,
    Header,
    header_hash,
)
from primitives.ids import Address, Gas, Hash32
from primitives.params import ChainParams
from primitives.transaction import InvalidTransaction

HEADER_BYTES_MAX = 768
"""More than the encoded header, ommers and list prefixes take."""
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
    withdrawals: tuple[Withdrawal, ...] = ()
    """Where the chain's rule is that they are given."""
    prev_randao: Hash32 = ZERO_HASH
    """Where the chain's rule is that it is given."""
    parent_beacon_root: Hash32 = ZERO_HASH
    """Where the chain's rule is that it is given."""


def build_block(
    parent: ExecutedBlock,
    candidates: Iterable[PooledTransaction],
    context: BuildContext,
    params: ChainParams,
    engine: ExecutionEngine | None = None,
) -> ExecutedBlock:
    """Build and execute the block that follows `parent`.

    Args:
        parent: the block below, executed.
        candidates: in order of preference, each sender's in order of nonce. Those that are not
            valid at their turn, or do not fit, are left out.
        context: the builder's own choices.
        params: the chain's rules.
        engine: has the virtual machines; a new one by default.
    """
    draft = draft_header(parent, context, params)
    ancestors = parent.child_ancestors()
    setting = block_setting(draft, ancestors, params, engine or ExecutionEngine())
    execution = BlockExecution(parent.state, parent.epoch, setting)
    execution.begin()
    bytes_left = params.max_block_bytes - HEADER_BYTES_MAX
    bytes_left -= WITHDRAWAL_BYTES_MAX * len(context.withdrawals)
    batch_bytes = 0
    if params.upgrades:
        candidates = _allowed(candidates, params.at(draft.timestamp))
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
    execution.finish(context.withdrawals)
    epoch = epoch_after(parent.epoch, execution.pending, draft.number, params)
    raws = tuple([transaction.raw for transaction in execution.transactions])
    header = _filled(draft, raws, context, execution)
    checkpoint = checkpoint_data(epoch, draft.number, params)
    if checkpoint:
        header = msgspec.structs.replace(header, extra_data=checkpoint)
    # The state's root is only known when the overlay has become a layer, which ends the execution.
    executed = execution.seal(Block(header, raws, context.withdrawals), b"", epoch, ancestors)
    header = msgspec.structs.replace(header, state_root=executed.state.root())
    block = Block(header, raws, context.withdrawals)
    return msgspec.structs.replace(
        executed, block=block, payload=encode_block(block), digest=header_hash(header)
    )


def _allowed(
    candidates: Iterable[PooledTransaction], rules: ChainParams
) -> Iterator[PooledTransaction]:
    """Yield what the rules of a block allow, which may be newer than those of the pool."""
    for candidate in candidates:
        try:
            yield recheck_transaction(candidate, rules)
        except InvalidTransaction:
            continue


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


def draft_header(parent: ExecutedBlock, context: BuildContext, params: ChainParams) -> Header:
    """Return the header as far as it is known before execution."""
    below = parent.block.header
    timestamp = max(context.timestamp, earliest_timestamp(below, params))
    rules = params.at(timestamp)
    fork, number = rules.fork, below.number + 1
    randao, beacon_root = prev_randao(parent.digest, number), parent.digest
    if rules.beacon_rule == "given":
        randao, beacon_root = context.prev_randao, context.parent_beacon_root
    return Header(
        parent_hash=parent.digest,
        ommers_hash=EMPTY_OMMERS_HASH,
        fee_recipient=context.fee_recipient,
        state_root=ZERO_HASH,
        transactions_root=ZERO_HASH,
        receipts_root=ZERO_HASH,
        logs_bloom=EMPTY_BLOOM,
        difficulty=0,
        number=number,
        gas_limit=next_gas_limit(below, rules),
        gas_used=Gas(0),
        timestamp=timestamp,
        extra_data=context.extra_data,
        prev_randao=randao,
        nonce=ZERO_NONCE,
        base_fee_per_gas=next_base_fee(below, rules),
        withdrawals_root=EMPTY_WITHDRAWALS_ROOT if fork >= Fork.SHANGHAI else None,
        blob_gas_used=Gas(0) if fork >= Fork.CANCUN else None,
        excess_blob_gas=next_excess_blob_gas(below, rules) if fork >= Fork.CANCUN else None,
        parent_beacon_block_root=beacon_root if fork >= Fork.CANCUN else None,
        requests_hash=EMPTY_REQUESTS_HASH if fork >= Fork.PRAGUE else None,
        block_access_list_hash=EMPTY_ACCESS_LIST_HASH if rules.block_access_list else None,
    )


def _filled(
    draft: Header, raws: tuple[bytes, ...], context: BuildContext, execution: BlockExecution
) -> Header:
    """Put into the header what has been executed, but for the state."""
    header = msgspec.structs.replace(
        draft,
        transactions_root=transactions_root(raws),
        receipts_root=execution.receipts_root(),
        logs_bloom=execution.logs_bloom(),
        gas_used=Gas(execution.gas_used),
    )
    if draft.withdrawals_root is not None:
        root = withdrawals_root(context.withdrawals)
        header = msgspec.structs.replace(header, withdrawals_root=root)
    if draft.blob_gas_used is not None:
        header = msgspec.structs.replace(header, blob_gas_used=Gas(execution.blob_gas_used))
    if draft.requests_hash is not None:
        digest = requests_hash(execution.requests)
        header = msgspec.structs.replace(header, requests_hash=digest)
    if draft.block_access_list_hash is not None:
        digest = access_list_hash(execution.access_list())
        header = msgspec.structs.replace(header, block_access_list_hash=digest)
    return header
