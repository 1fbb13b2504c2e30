"""What tracers are given, and what they give."""

from typing import Protocol

import msgspec

from contracts.sliced import SlicedResult
from contracts.watching import Watcher
from node.rpc.errors import server_error
from primitives.ids import Address
from primitives.transaction import Transaction
from storage.reader import StateReader

ROOM_BYTES = 25 << 20
"""Of JSON: as much as an answer may have. In memory it is some ten times as much at most."""


class Traced(msgspec.Struct, frozen=True):
    """A transaction, and where it is executed."""

    transaction: Transaction
    sender: Address
    before: StateReader
    """The state that it is executed on; it changes only once it has been."""
    fee_recipient: Address
    first_log: int = 0
    """Index in the block of its first log."""


class TraceRoom:
    """What is left of the bytes that the traces of one request may have as JSON.

    Without it a contract that calls another one with a megabyte of its memory, over and over, would
    fill the node's memory for next to no gas.

    Args:
        size: of it, in bytes.
    """

    __slots__ = ("_left",)

    def __init__(self, size: int = ROOM_BYTES) -> None:
        self._left = size

    def take(self, size: int) -> None:
        """Take some, roughly as many as what is noted has.

        Raises:
            RpcError: there are fewer.
        """
        self._left -= size
        if self._left < 0:
            raise server_error("trace is too large: set a limit, or leave out stack and memory")


class Tracer(Watcher, Protocol):
    """A watcher that ends as JSON."""

    def shown(self, found: SlicedResult, after: StateReader) -> object:
        """Return the trace, as an encoder takes it.

        Args:
            found: what the transaction gave.
            after: the state after it.
        """
        ...
