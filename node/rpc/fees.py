"""eth_ methods about fees.

Reference: execution-apis src/eth/fee_market.yaml; EIP-1559, EIP-4844.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Generator, Sequence
from typing import Any

from node.execution_base_fee import next_base_fee
from node.execution_blob_gas import blob_base_fee, blob_gas_max, next_excess_blob_gas
from node.rpc.arguments import BadArgument, kind, optional, quantity64, required, unfit
from node.rpc.backend import Backend
from node.rpc.block_id import block_number
from node.rpc.call_runner import CallRunner
from node.rpc.chain import ChainReader, FinalBlock
from node.rpc.errors import server_error
from node.rpc.hexes import quantity_hex
from node.rpc.methods import Method, Parameters
from primitives.header import Header
from primitives.params import ChainParams

GWEI = 10**9

BLOCKS_MAX = 1_024
"""Of one eth_feeHistory; more are not refused, but not answered either."""
PERCENTILES_MAX = 100

SAMPLED_BLOCKS = 20
"""From which a tip is suggested."""
SAMPLED_TIPS = 3
"""Lowest tips of each of them."""
SAMPLE_PERCENT = 60
"""Which of all these is suggested."""
DEFAULT_TIP = GWEI
"""What is suggested where nobody has paid any."""


class FeeMethods:
    """Methods about fees.

    Args:
        chain: reads blocks.
        runner: gives histories their time.
    """

    def __init__(self, chain: ChainReader, runner: CallRunner) -> None:
        self._chain = chain
        self._runner = runner
        self._suggested: tuple[int, int] | None = None
        """The last suggestion: height, and wei per gas."""
        self._lowest: dict[int, tuple[int, ...]] = {}
        """The lowest tips of the last blocks that were looked at, by height."""

    def methods(self) -> tuple[Method, ...]:
        """Return them."""
        return (
            Method("eth_gasPrice", self.gas_price),
            Method("eth_maxPriorityFeePerGas", self.priority_fee),
            Method("eth_blobBaseFee", self.blob_base_fee),
            Method("eth_feeHistory", self.fee_history, 3, cost=20),
        )

    def gas_price(self, backend: Backend, parameters: Parameters) -> object:
        """eth_gasPrice: the base fee of the next block, and the tip that is suggested."""

        def shown(tip: int) -> str:
            header = backend.node.ledger.tip.block.header
            return quantity_hex(next_base_fee(header, backend.environment.genesis.params) + tip)

        return self._with_tip(backend, shown)

    def priority_fee(self, backend: Backend, parameters: Parameters) -> object:
        """eth_maxPriorityFeePerGas."""
        return self._with_tip(backend, quantity_hex)

    def blob_base_fee(self, backend: Backend, parameters: Parameters) -> str:
        """eth_blobBaseFee: that of the next block."""
        header, params = backend.node.ledger.tip.block.header, backend.environment.genesis.params
        return quantity_hex(_next_blob_base_fee(header, params))

    async def fee_history(self, backend: Backend, parameters: Parameters) -> dict[str, Any]:
        """eth_feeHistory."""
        count = required(parameters, 0, block_count)
        newest = required(parameters, 1, block_number)
        percentiles = optional(parameters, 2, reward_percentiles, [])
        if not count:
            return {"oldestBlock": "0x0", "gasUsedRatio": []}
        ledger = backend.node.ledger
        last = self._chain.height(backend, newest)
        if last is None:
            raise server_error(
                f"request beyond head block: requested {newest}, head {ledger.height}"
            )
        lowest = 0 if ledger.lowest <= 1 else ledger.lowest
        first = max(last - min(count, BLOCKS_MAX) + 1, min(lowest, last))
        heights = range(first, last + 1)
        return await self._runner.run(self._gathered(backend, heights, percentiles))

    def _gathered(
        self, backend: Backend, heights: range, percentiles: Sequence[float]
    ) -> Generator[None, None, dict[str, Any]]:
        """Gather a history a block at a time; only rewards need more than its header."""
        headers: list[Header] = []
        rewards: list[list[str]] = []
        for height in heights:
            header = self._chain.header(backend, height)
            assert header is not None, "the height of a final block"
            headers.append(header)
            block = self._chain.at(backend, height) if percentiles else None
            tips = [] if block is None else block_rewards(block, percentiles)
            rewards.append([quantity_hex(tip) for tip in tips])
            yield
        shape = _history(headers, backend.environment.genesis.params)
        return shape | {"reward": rewards} if percentiles else shape

    def _with_tip(self, backend: Backend, shown: Callable[[int], str]) -> object:
        """Answer with what should be enough to be taken: what the cheaper ones have paid lately.

        Args:
            backend: the node.
            shown: makes the answer of wei per gas.
        """
        if self._suggested is not None and self._suggested[0] == backend.node.ledger.height:
            return shown(self._suggested[1])
        return self._sampled_later(backend, shown)

    async def _sampled_later(self, backend: Backend, shown: Callable[[int], str]) -> str:
        """Look at the last blocks, one in each turn: decoding one takes some milliseconds."""
        head = backend.node.ledger.height
        tips: list[int] = []
        for height in range(head, max(head - SAMPLED_BLOCKS, 0), -1):
            if height not in self._lowest:
                if height < backend.node.ledger.lowest:
                    break
                self._lowest[height] = self._lowest_tips(backend, height)
                await asyncio.sleep(0)
            tips += self._lowest.get(height, ())
        for height in [each for each in self._lowest if each <= head - 2 * SAMPLED_BLOCKS]:
            del self._lowest[height]
        tips.sort()
        tip = tips[(len(tips) - 1) * SAMPLE_PERCENT // 100] if tips else DEFAULT_TIP
        self._suggested = head, tip
        return shown(tip)

    def _lowest_tips(self, backend: Backend, height: int) -> tuple[int, ...]:
        block = self._chain.at(backend, height)
        paid = [] if block is None else block.ascending_tips
        first = bisect_right(paid, 1)
        return tuple(paid[first : first + SAMPLED_TIPS])


def block_count(value: object) -> int:
    """Decode how many blocks are asked for: a quantity, or a number as some libraries send it.

    Raises:
        BadArgument: it is neither.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) < 20:
        return int(value)
    return quantity64(value)


def reward_percentiles(value: object) -> list[float]:
    """Decode percentiles: ascending, from 0 to 100.

    Raises:
        BadArgument: they are none.
        RpcError: one is out of range or order.
    """
    if not isinstance(value, list):
        raise unfit(kind(value), "[]float64")
    if len(value) > PERCENTILES_MAX:
        raise server_error(f"over the query limit {PERCENTILES_MAX}")
    found: list[float] = []
    for place, each in enumerate(value):
        if isinstance(each, bool) or not isinstance(each, int | float):
            raise BadArgument(f"json: cannot unmarshal {kind(each)} into Go value of type float64")
        if not 0 <= each <= 100:
            raise server_error(f"invalid reward percentile: {float(each):f}")
        if found and each <= found[-1]:
            raise server_error(
                f"invalid reward percentile: #{place - 1}:{found[-1]:f} >= #{place}:{each:f}"
            )
        found.append(float(each))
    return found


def block_rewards(block: FinalBlock, percentiles: Sequence[float]) -> list[int]:
    """Return the tips at percentiles of a block's gas, by ascending tip, in wei per gas.

    The tip at p percent is the one of the transaction by which p percent of the gas is used.
    """
    tips = block.tips
    if not tips:
        return [0] * len(percentiles)
    order = sorted(range(len(tips)), key=lambda index: tips[index])
    rewards: list[int] = []
    place, used = 0, block.gas_used(order[0])
    for percentile in percentiles:
        threshold = int(block.header.gas_used * percentile / 100)
        while used < threshold and place < len(order) - 1:
            place += 1
            used += block.gas_used(order[place])
        rewards.append(tips[order[place]])
    return rewards


def _history(headers: Sequence[Header], params: ChainParams) -> dict[str, Any]:
    """Return the fee history of blocks, oldest first, without rewards."""
    newest = headers[-1]
    base_fees = [header.base_fee_per_gas for header in headers]
    base_fees.append(next_base_fee(newest, params))
    blob_fees = [_blob_base_fee(header, params) for header in headers]
    blob_fees.append(_next_blob_base_fee(newest, params))
    return {
        "oldestBlock": quantity_hex(headers[0].number),
        "baseFeePerGas": [quantity_hex(fee) for fee in base_fees],
        "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
        "baseFeePerBlobGas": [quantity_hex(fee) for fee in blob_fees],
        "blobGasUsedRatio": [_blob_ratio(header, params) for header in headers],
    }


def _blob_base_fee(header: Header, params: ChainParams) -> int:
    if header.excess_blob_gas is None:
        return 0
    return blob_base_fee(header.excess_blob_gas, params.at(header.timestamp))


def _next_blob_base_fee(header: Header, params: ChainParams) -> int:
    if header.excess_blob_gas is None:
        return 0
    rules = params.at(header.timestamp)
    return blob_base_fee(next_excess_blob_gas(header, rules), rules)


def _blob_ratio(header: Header, params: ChainParams) -> float:
    most = blob_gas_max(params.at(header.timestamp))
    return (header.blob_gas_used or 0) / most if most else 0.0
