"""What to offer for gas, as the chain moves.

The cap is twice the base fee of the next block and the tip. A base fee rises by at most an eighth
a block, so a cap with that room stays good for six full blocks in a row.

Reference: EIP-1559; execution-apis, eth_feeHistory.
"""

import msgspec

from sim.load.blocks import HASHES_ONLY, read_block
from sim.load.chain import read_number
from sim.load.errors import RpcRefusal, UnusableAnswer
from sim.load.rpc import RpcClient

GWEI = 10**9
BASE_FEE_CHANGE = 8
"""A base fee grows by at most this part of it from one block to the next."""
HEADROOM = 2
"""The cap has room for a base fee that grows this many times."""


class FeeQuote(msgspec.Struct, frozen=True):
    """What a transaction offers, wei per gas."""

    base_fee: int
    """Of the next block."""
    tip: int

    @property
    def max_fee(self) -> int:
        """The cap that a new transaction gets."""
        return self.cap(self.tip)

    def cap(self, tip: int) -> int:
        """Return the cap that goes with a tip of one's own choice."""
        return HEADROOM * self.base_fee + tip

    def is_enough(self, max_fee: int) -> bool:
        """Tell whether a transaction signed with that cap can be in the next block at its tip."""
        return max_fee >= self.base_fee + self.tip


async def ask_fees(client: RpcClient, tip: int | None) -> FeeQuote:
    """Return what to offer now.

    Args:
        client: to a node.
        tip: what to give beside the base fee; as the node suggests if None.

    Raises:
        RpcError: the node does not answer.
    """
    base_fee = await ask_base_fee(client)
    if tip is None:
        tip = await _suggested_tip(client)
    return FeeQuote(base_fee, tip)


async def ask_base_fee(client: RpcClient) -> int:
    """Return the base fee of the next block; the most that it can be where there is no history.

    Raises:
        RpcError: the node does not answer, or its answer is none.
    """
    try:
        found = await client.call("eth_feeHistory", "0x1", "latest", [])
    except RpcRefusal:
        block = read_block(
            client.url, await client.call("eth_getBlockByNumber", "latest", HASHES_ONLY), 0
        )
        return block.base_fee + block.base_fee // BASE_FEE_CHANGE
    try:
        return int(found["baseFeePerGas"][-1], 16)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise UnusableAnswer(client.url, "eth_feeHistory without baseFeePerGas") from error


async def _suggested_tip(client: RpcClient) -> int:
    try:
        found = await client.call("eth_maxPriorityFeePerGas")
    except RpcRefusal:
        return GWEI
    return read_number(client.url, found)
