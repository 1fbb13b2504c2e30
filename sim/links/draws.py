"""One sender's random streams: jitter and loss."""

import numpy as np
import numpy.typing as npt

from network.delays import LOSSES_MAX, TIMEOUT_FLOOR_NS, TIMEOUT_MAX_NS
from sim.links.jitter import QUANTILES
from sim.randomness import generator

Int64s = npt.NDArray[np.int64]

LOSS_DENOMINATOR = 1 << 32
BLOCK_MIN = 256
"""Jitter is drawn ahead, at least so many copies at once."""


class Draws:
    """Draws for the copies that one node sends, in the order of its uplink.

    Args:
        seed: the run's.
        sender: the node.
        table: quantiles of the jitter law, `QUANTILES` of them.
    """

    __slots__ = ("_block", "_jitter", "_list", "_loss", "_table", "_used")

    def __init__(self, seed: int, sender: int, table: Int64s) -> None:
        self._jitter = generator(seed, "link.jitter", sender)
        self._loss = generator(seed, "link.loss", sender)
        self._table = table
        self._block = np.empty(0, dtype=np.uint16)
        self._list: list[int] | None = None
        self._used = 0

    def taken(self, count: int) -> Int64s:
        """Return the next `count` shares of the base latency, in units of 1/`ONE`."""
        end = self._used + count
        if end > len(self._block):
            end = self._refill(count)
        taken = self._table[self._block[self._used : end]]
        self._used = end
        return taken

    def shares(self, count: int) -> list[int]:
        """Return the next `count` shares as a list; the same stream as `taken`."""
        end = self._used + count
        if end > len(self._block):
            end = self._refill(count)
        if self._list is None:
            self._list = self._table[self._block].tolist()
        taken = self._list[self._used : end]
        self._used = end
        return taken

    def share(self) -> int:
        """Return the next share; the same stream as `taken`."""
        used = self._used
        if self._list is None or used >= len(self._list):
            return self.shares(1)[0]
        self._used = used + 1
        return self._list[used]

    def _refill(self, count: int) -> int:
        """Draw a block, behind what is left of the one before; return the end of the next take."""
        size = max(BLOCK_MIN, 4 * count)
        drawn = self._jitter.integers(0, QUANTILES, size=size, dtype=np.uint16)
        self._block = np.concatenate((self._block[self._used :], drawn))
        self._list = None
        self._used = 0
        return count

    def retransmissions(self, loss: Int64s, latency_ns: Int64s) -> Int64s:
        """Return the delay that lost copies add: timeout + round trip, doubled at each loss.

        Args:
            loss: chance of each copy to be lost once, in units of 1/`LOSS_DENOMINATOR`.
            latency_ns: one way, of each copy's link.
        """
        lost = self._lost(loss)
        extra = np.zeros(len(loss), dtype=np.int64)
        timeout = latency_ns * 2 + TIMEOUT_FLOOR_NS
        ceiling = np.maximum(timeout, TIMEOUT_MAX_NS)
        for _ in range(LOSSES_MAX):
            if not lost.any():
                break
            extra[lost] += timeout[lost]
            timeout = np.minimum(timeout * 2, ceiling)
            lost = lost & self._lost(loss)
        return extra

    def _lost(self, loss: Int64s) -> npt.NDArray[np.bool_]:
        return self._loss.integers(0, LOSS_DENOMINATOR, size=len(loss)) < loss
