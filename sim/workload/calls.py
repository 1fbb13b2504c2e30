"""What transactions do: payments, or calls of contracts. A mint signs what a source says."""

from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np

from primitives.ids import Address
from sim.workload.options import TRANSFER_GAS, TransferOptions
from sim.workload.skew import ZipfDraw, uniform_stream


class Call(msgspec.Struct, frozen=True, gc=False):
    """One transaction without its sender, nonce and fees."""

    to: Address | None
    """None creates a contract."""
    value: int
    """In wei."""
    data: bytes
    gas_limit: int


class CallSource(Protocol):
    """Says what the accounts of a workload do."""

    @property
    def gas_limit_max(self) -> int:
        """The largest gas limit of its calls."""
        ...

    def call(self, sender: int) -> Call:
        """Return the next call of an account, which is given by its index."""
        ...


class Payments:
    """Transfers of drawn amounts to drawn accounts.

    Args:
        options: amounts and receivers.
        addresses: of the accounts.
        generator: where draws come from.
    """

    __slots__ = ("_addresses", "_receivers", "_values")

    gas_limit_max = int(TRANSFER_GAS)

    def __init__(
        self,
        options: TransferOptions,
        addresses: Sequence[Address],
        generator: np.random.Generator,
    ) -> None:
        self._addresses = addresses
        skew = options.skew if options.receiver_skew is None else options.receiver_skew
        order = generator.permutation(len(addresses))
        self._receivers = ZipfDraw(len(addresses), skew, order).stream(generator)
        self._values = uniform_stream(generator, options.value_min, options.value_max)

    def call(self, sender: int) -> Call:
        """Return a payment to another account, if there is another."""
        receiver = next(self._receivers)
        if receiver == sender:
            receiver = (receiver + 1) % len(self._addresses)
        return Call(self._addresses[receiver], next(self._values), b"", TRANSFER_GAS)
