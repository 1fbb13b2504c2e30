"""Whether a refused block convicts who has proposed it.

A proposal's signature covers the block's digest, which is the hash of its header, and through
it the transactions, but not the bytes that came with it. So a refusal proves something only if
those bytes are the block of that digest, and if the broken rule is the chain's and not one of
this node's clock, head or memory.
"""

from consensus.messages import PrePrepare
from node.execution import ExecutedBlock
from node.validation_block import execute_block
from node.validation_errors import InvalidBlock
from primitives.block import decode_block, transactions_root, withdrawals_root
from primitives.errors import InvalidEncoding
from primitives.header import header_hash
from primitives.ids import Hash32
from primitives.params import ChainParams


def is_covered(payload: bytes, digest: Hash32) -> bool:
    """Tell whether `payload` is the block that `digest` stands for, all of it."""
    try:
        block = decode_block(payload)
    except InvalidEncoding:
        return False
    header = block.header
    return (
        header_hash(header) == digest
        and transactions_root(block.transactions) == header.transactions_root
        and withdrawals_root(block.withdrawals) == header.withdrawals_root
    )


def proves_invalid(proposal: PrePrepare, parent: ExecutedBlock, params: ChainParams) -> bool:
    """Tell whether a proposed block breaks a rule of the chain; for `verify_evidence`.

    Args:
        proposal: with its payload; its signature is checked elsewhere.
        parent: the block that it stands on, executed.
        params: the chain's rules.
    """
    if proposal.parent != parent.digest:
        return False
    if not is_covered(proposal.payload, proposal.digest):
        return False
    try:
        execute_block(parent, proposal.payload, params)
    except InvalidBlock:
        return True
    return False
