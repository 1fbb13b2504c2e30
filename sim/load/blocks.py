"""Blocks as a load client sees them."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from sim.load.errors import UnusableAnswer

HASHES_ONLY = False
"""Parameter of `eth_getBlockByNumber`: without the bodies of the transactions."""


class SeenBlock(msgspec.Struct, frozen=True):
    """A block of the chain that the client follows."""

    number: int
    digest: bytes
    parent: bytes
    at_ns: int
    """When the client had read it, ns since the beginning of the load."""
    transactions: tuple[bytes, ...]
    """Hashes."""
    gas_used: int
    gas_limit: int
    base_fee: int
    """Wei per gas; 0 where blocks have none."""


class HeadListener(Protocol):
    """Who wants to know of blocks."""

    def on_block(self, block: SeenBlock) -> None:
        """A block has joined the chain."""
        ...

    def on_undone(self, block: SeenBlock) -> None:
        """The newest block is no longer of the chain."""
        ...

    def on_final(self, number: int, at_ns: int) -> None:
        """All blocks up to `number` are final."""
        ...


def read_block(url: str, found: object, at_ns: int) -> SeenBlock:
    """Read a block with hashes as JSON-RPC gives it.

    Raises:
        UnusableAnswer: it is none.
    """
    if not isinstance(found, Mapping):
        raise UnusableAnswer(url, f"no block, but {str(found)[:60]}")
    block: Mapping[str, Any] = found
    try:
        return SeenBlock(
            number=int(block["number"], 16),
            digest=bytes.fromhex(block["hash"][2:]),
            parent=bytes.fromhex(block["parentHash"][2:]),
            at_ns=at_ns,
            transactions=tuple([bytes.fromhex(each[2:]) for each in block["transactions"]]),
            gas_used=int(block["gasUsed"], 16),
            gas_limit=int(block["gasLimit"], 16),
            base_fee=int(block.get("baseFeePerGas") or "0x0", 16),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableAnswer(url, f"a block without a good {error}") from error
