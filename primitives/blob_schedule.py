"""How many blobs a chain has room for, and how fast their price moves."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from primitives.errors import InvalidInput
from primitives.fork import Fork

GAS_PER_BLOB = 131_072
"""Blob gas that one blob takes (EIP-4844)."""


class BlobSchedule(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Blobs of one block. Ethereum changes these numbers between forks (EIP-7892)."""

    target: int
    """Blobs of a block at which the price stays as it is."""
    most: int
    """Most blobs of one block."""
    update_fraction: int
    """Excess blob gas that raises the price by a factor of e."""

    def __post_init__(self) -> None:
        """Refuse numbers that no price follows from.

        Raises:
            InvalidInput: which, and what they must be.
        """
        if not 0 <= self.target <= self.most <= 2**16:
            expected = f"a target from 0 to the most blobs, {self.most}, and those below 2**16"
            raise InvalidInput("chain.blobs.target", expected, self.target)
        if not 1 <= self.update_fraction < 2**63:
            expected = "a value from 1 to 2**63 - 1"
            raise InvalidInput("chain.blobs.update_fraction", expected, self.update_fraction)


NO_BLOBS = BlobSchedule(0, 0, 1)
"""Before Cancun."""

BLOBS_OF_FORK: Mapping[Fork, BlobSchedule] = MappingProxyType(
    {
        Fork.CANCUN: BlobSchedule(3, 6, 3_338_477),
        Fork.PRAGUE: BlobSchedule(6, 9, 5_007_716),
        Fork.OSAKA: BlobSchedule(6, 9, 5_007_716),
    }
)
"""Reference: EIP-4844, EIP-7691. Osaka begins with Prague's."""
