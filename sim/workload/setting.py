"""What the sources of contract calls are made from."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from primitives.ids import Address
from sim.workload.site import Site
from sim.workload.skew import ZipfDraw, uniform_stream


class Setting(msgspec.Struct, frozen=True):
    """Accounts, chance and a place for contracts."""

    addresses: Sequence[Address]
    """Of the accounts."""
    generator: np.random.Generator
    site: Site
    sent: Sequence[int] = ()
    """How many transactions each account has sent before; none if empty."""

    def indexes(self, size: int, skew: float, *, shuffled: bool = False) -> Iterator[int]:
        """Return indexes below `size`, the hottest first unless shuffled."""
        order = self.generator.permutation(size) if shuffled else None
        return ZipfDraw(size, skew, order).stream(self.generator)

    def amounts(self, low: int, high: int) -> Iterator[int]:
        """Return amounts from `low` to `high`."""
        return uniform_stream(self.generator, low, high)
