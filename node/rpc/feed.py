"""What subscriptions and filters ask of the chain; `node.rpc`'s methods implement it.

The machinery (who follows what, what waits for whom, what is dropped) knows nothing of blocks and
logs but their heights: it hands a criterion back as it got it.
"""

from collections.abc import Iterable
from typing import Protocol


class Feed(Protocol):
    """Blocks, logs and pending transactions, as JSON-RPC shows them."""

    def height(self) -> int:
        """Return the height of the newest final block."""
        ...

    def criteria(self, value: object) -> object:
        """Decode the filter object of eth_newFilter and of `logs` subscriptions.

        Raises:
            BadArgument: it is no filter object, or has more addresses or topics than allowed.
            RpcError: it is one that is refused, as a range that ends before it begins.
        """
        ...

    def weight(self, criteria: object) -> int:
        """Return how many addresses and topics a criterion names."""
        ...

    def head(self, height: int) -> object:
        """Return the header of a final block as `newHeads` shows it.

        Raises:
            RpcError: this node does not keep it any more.
        """
        ...

    def block_hash(self, height: int) -> str:
        """Return the hash of a final block, 0x-hex.

        Raises:
            RpcError: this node does not keep it any more.
        """
        ...

    def logs(self, criteria: object, first: int, last: int) -> Iterable[object]:
        """Yield the logs of final blocks in a range (both ends included) that match.

        The range of the criteria themselves counts too: what it excludes is left out.

        Raises:
            RpcError: when they are asked for: a block is not held any more.
        """
        ...

    def all_logs(self, criteria: object) -> object:
        """Return every log that matches, or an awaitable of them, with the limits of eth_getLogs.

        Raises:
            RpcError: the range is too long or has too many.
        """
        ...

    def syncing(self) -> object:
        """Return what eth_syncing answers: false, or how far the node has come."""
        ...

    def pending(self, hash_: bytes) -> object | None:
        """Return a pending transaction as eth_getTransactionByHash shows it, None if it is gone."""
        ...
