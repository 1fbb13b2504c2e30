"""Other blocks for a sequence, made from the one that the honest machine has built."""

from msgspec.structs import replace

from consensus.messages import PrePrepare
from primitives.block import Block, decode_block, encode_block
from primitives.header import Header, header_hash
from primitives.keccak import keccak256
from sim.liars.context import LiarContext

MARK = b"another story"
"""The extra data of a second block: but at checkpoints, the chain's rules do not care what
stands there."""


def second_story(proposal: PrePrepare, context: LiarContext) -> PrePrepare:
    """Return the signed proposal of another block, as valid as the first, on the same parent."""
    block = decode_block(proposal.payload)
    header = block.header
    if header.extra_data:
        other = replace(header, timestamp=header.timestamp + 1)
    else:
        other = replace(header, extra_data=MARK)
    return _propose(proposal, block, other, context)


def wrong_state(proposal: PrePrepare, context: LiarContext) -> PrePrepare:
    """Return the signed proposal of a block that claims accounts which execution does not give."""
    block = decode_block(proposal.payload)
    header = replace(block.header, state_root=keccak256(block.header.state_root))
    return _propose(proposal, block, header, context)


def _propose(
    proposal: PrePrepare, block: Block, header: Header, context: LiarContext
) -> PrePrepare:
    payload = encode_block(replace(block, header=header))
    return context.sign(replace(proposal, digest=header_hash(header), payload=payload))
