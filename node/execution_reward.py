"""What the makers of a block and of its ommers got before Paris.

Reference: Yellow Paper, section 11.3; EIP-1234 (2 ether).
"""

from contracts.context import BlockContext
from primitives.header import Header
from primitives.ids import Address

BLOCK_REWARD = 2 * 10**18
"""Wei, since Constantinople."""
NEPHEW_PART = 32
"""Each ommer that a block names gives its maker this part of the reward more."""
DEPTH_PARTS = 8
"""An ommer's own reward is smaller by this part for each height below the block's."""


def block_rewards(context: BlockContext, ommers: tuple[Header, ...]) -> list[tuple[Address, int]]:
    """Return who gets how many wei for a block, the ommers' makers first."""
    rewards = []
    for ommer in ommers:
        depth = context.number - ommer.number
        rewards.append((ommer.fee_recipient, BLOCK_REWARD * (DEPTH_PARTS - depth) // DEPTH_PARTS))
    own = BLOCK_REWARD + len(ommers) * (BLOCK_REWARD // NEPHEW_PART)
    return [*rewards, (context.fee_recipient, own)]
