"""What filters and subscriptions ask of the chain: a `node.rpc.feed.Feed`."""

from collections.abc import Awaitable, Iterable, Sequence
from typing import Any

from node.rpc.backend import ChainBackend
from node.rpc.block_shapes import header_shape
from node.rpc.chain import ChainReader
from node.rpc.hexes import data_hex
from node.rpc.log_filter import LogFilter, log_filter
from node.rpc.logs import LogMethods, bound_height
from node.rpc.network_methods import syncing
from node.rpc.transaction_shapes import transaction_shape
from primitives.header import header_hash
from primitives.ids import Hash32


class ChainFeed:
    """The chain of one node as those who follow it see it.

    Args:
        backend: the node.
        chain: reads its blocks.
        logs: reads their logs.
    """

    def __init__(self, backend: ChainBackend, chain: ChainReader, logs: LogMethods) -> None:
        self._backend = backend
        self._chain = chain
        self._logs = logs

    def height(self) -> int:
        """Return the height of the newest final block."""
        return self._backend.node.ledger.height

    def criteria(self, value: object) -> LogFilter:
        """Decode a filter object.

        Raises:
            BadArgument: it is none.
            RpcError: it is refused.
        """
        return log_filter(value)

    def weight(self, criteria: object) -> int:
        """Return how many addresses and topics a criterion names."""
        assert isinstance(criteria, LogFilter), "what `criteria` has returned"
        return criteria.values

    def head(self, height: int) -> dict[str, Any]:
        """Return the header of a final block as `newHeads` shows it.

        Raises:
            RpcError: it is not held any more.
        """
        header = self._chain.header(self._backend, height)
        assert header is not None, "the height of a final block"
        return header_shape(header, header_hash(header))

    def block_hash(self, height: int) -> str:
        """Return the hash of a final block, 0x-hex.

        Raises:
            RpcError: it is not held any more.
        """
        ledger = self._backend.node.ledger
        if height == ledger.height:
            return data_hex(ledger.tip.digest)
        block = self._chain.at(self._backend, height)
        assert block is not None, "the height of a final block"
        return data_hex(block.digest)

    def logs(self, criteria: object, first: int, last: int) -> Iterable[dict[str, Any]]:
        """Yield the logs of final blocks in a range that match.

        Raises:
            RpcError: when they are asked for: a block is not held any more.
        """
        assert isinstance(criteria, LogFilter), "what `criteria` has returned"
        head = self.height()
        lowest = max(first, 0 if criteria.first is None else bound_height(criteria.first, head))
        highest = min(last, head if criteria.last is None else bound_height(criteria.last, head))
        if criteria.digest is not None:
            only = self._chain.height_of(self._backend, criteria.digest)
            if only is None or not lowest <= only <= highest:
                return []
            lowest = highest = only
        return self._logs.logs_now(self._backend, criteria, range(lowest, highest + 1))

    def all_logs(self, criteria: object) -> Awaitable[Sequence[dict[str, Any]]]:
        """Return, to be awaited, every log that matches, with the limits of eth_getLogs.

        Raises:
            RpcError: the range is too long or has too many.
        """
        assert isinstance(criteria, LogFilter), "what `criteria` has returned"
        return self._logs.all_logs(self._backend, criteria)

    def syncing(self) -> object:
        """Return what eth_syncing answers."""
        return syncing(self._backend)

    def pending(self, hash_: bytes) -> dict[str, Any] | None:
        """Return a pending transaction as it is shown; None if it is not in the pool any more."""
        digest = Hash32(hash_)
        pooled = self._backend.node.pool.get(digest)
        if pooled is None:
            return None
        return transaction_shape(pooled.transaction, digest, pooled.sender, None)
