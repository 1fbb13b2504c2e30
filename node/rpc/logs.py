"""eth_getLogs: by the blooms of headers, then the keys of a block's logs, then the logs themselves.

A range of blocks is looked through a slice at a time. It is bounded in blocks, in logs and in time;
who asks for more is told with a code that libraries know, and by how much the range is too large,
because they then halve it.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic_ns
from typing import Any

import msgspec

from node.rpc.arguments import required
from node.rpc.backend import Backend, ChainBackend
from node.rpc.block_id import ByHash, Tag
from node.rpc.chain import PRUNED, ChainReader, FinalBlock
from node.rpc.errors import RpcError, invalid_params, limit_exceeded, server_error
from node.rpc.log_filter import LogFilter, log_filter
from node.rpc.methods import Method, Parameters
from node.rpc.transaction_shapes import log_shape
from primitives.bloom import entry_bits

SECOND_NS = 1_000_000_000
BLOOMED_FROM = 16
"""Blocks in a range for which the bits of large groups are worth computing."""
BITS_AT_ONCE = 512
"""That are computed before everything else that waits has its turn."""


@dataclass(frozen=True, slots=True)
class LogLimits:
    """What one eth_getLogs may take."""

    blocks: int = 10_000
    """Looked through."""
    logs: int = 10_000
    """In the answer, if it is of more than one block."""
    time_ns: int = 5 * SECOND_NS
    """Of the node's thread."""
    slice_ns: int = 2_000_000
    """For which it keeps that thread."""


class LogMethods:
    """Methods about logs.

    Args:
        chain: reads blocks.
        limits: of one query.
    """

    def __init__(self, chain: ChainReader, limits: LogLimits) -> None:
        self._chain = chain
        self._limits = limits

    def methods(self) -> tuple[Method, ...]:
        """Return them."""
        return (Method("eth_getLogs", self.logs, 1, cost=50),)

    async def logs(self, backend: Backend, parameters: Parameters) -> list[Any]:
        """eth_getLogs."""
        return await self.all_logs(backend, required(parameters, 0, log_filter))

    async def all_logs(self, backend: ChainBackend, wanted: LogFilter) -> list[Any]:
        """Return all logs that match, a slice of time after the other.

        Raises:
            RpcError: there is no such block, or the range is too long or has too many.
        """
        heights = self.heights(backend, wanted)
        if len(heights) > BLOOMED_FROM:
            wanted = await _bloomed(wanted)
        limits, found, spent = self._limits, list[Any](), 0
        begun = monotonic_ns()
        for height in heights:
            found += self._matching(backend, wanted, height)
            if len(found) > limits.logs and len(heights) > 1:
                shown = f"[{heights.start:#x}, {max(heights.start, height - 1):#x}]"
                raise limit_exceeded(
                    f"query returned more than {limits.logs} results. "
                    f"Try with this block range {shown}."
                )
            elapsed = monotonic_ns() - begun
            if elapsed > limits.slice_ns:
                spent += elapsed
                if spent > limits.time_ns:
                    raise limit_exceeded(
                        f"query timeout exceeded, {height - heights.start + 1} of "
                        f"{len(heights)} blocks looked through: try a smaller block range"
                    )
                await asyncio.sleep(0)
                begun = monotonic_ns()
        return found

    def logs_now(
        self, backend: ChainBackend, wanted: LogFilter, heights: range
    ) -> Iterator[dict[str, Any]]:
        """Yield the logs of some final blocks, however many.

        Raises:
            RpcError: a block is not held any more.
        """
        for height in heights:
            yield from self._matching(backend, wanted, height)

    def heights(self, backend: ChainBackend, wanted: LogFilter) -> range:
        """Return the blocks that a query looks through.

        Raises:
            RpcError: there is no such block, or there are too many, or some are not held any more.
        """
        if wanted.digest is not None:
            height = self._chain.height(backend, ByHash(wanted.digest))
            if height is None:
                raise server_error("unknown block")
            return range(height, height + 1)
        head = backend.node.ledger.height
        first, last = bound_height(wanted.first, head), bound_height(wanted.last, head)
        if first > last:
            raise invalid_params("invalid block range params")
        if last > head:
            raise invalid_params("block range extends beyond current head block")
        if last - first >= self._limits.blocks:
            raise limit_exceeded(
                f"query exceeds max block range {self._limits.blocks}, "
                f"{last - first + 1} blocks were asked for"
            )
        if max(first, 1) <= min(last, backend.node.ledger.lowest - 1):
            raise RpcError(PRUNED, "pruned history unavailable")
        return range(first, last + 1)

    def _matching(
        self, backend: ChainBackend, wanted: LogFilter, height: int
    ) -> Iterator[dict[str, Any]]:
        header = self._chain.header(backend, height)
        if header is None or not wanted.may_match(header.logs_bloom):
            return iter(())
        block = self._chain.at(backend, height)
        assert block is not None, "a height that was found"
        return matching(block, wanted)


async def _bloomed(wanted: LogFilter) -> LogFilter:
    """Return a filter with the bits of all its groups; other things go on meanwhile."""
    blooms = list(wanted.blooms)
    for values in wanted.unbloomed:
        bits: list[int] = []
        for first in range(0, len(values), BITS_AT_ONCE):
            bits += map(entry_bits, values[first : first + BITS_AT_ONCE])
            await asyncio.sleep(0)
        blooms.append(tuple(bits))
    return msgspec.structs.replace(wanted, blooms=tuple(blooms))


def matching(block: FinalBlock, wanted: LogFilter) -> Iterator[dict[str, Any]]:
    """Yield the logs of a block that are wanted."""
    if not wanted.may_be_among(block.log_keys):
        return
    for index, receipt in enumerate(block.receipts):
        found = [(place, log) for place, log in enumerate(receipt.logs) if wanted.matches(log)]
        if not found:
            continue
        place, digest, first = block.place(index), block.hash(index), block.first_logs[index]
        for number, log in found:
            yield log_shape(log, digest, place, first + number)


def bound_height(block: Tag | int | None, head: int) -> int:
    """Return the height that an end of a range means; left out it is the latest block."""
    if block is Tag.EARLIEST:
        return 0
    return block if isinstance(block, int) else head
