"""What a precompiled contract is: a price and a function, at an address."""

from collections.abc import Callable

import msgspec

from contracts.kzg import KzgVerifier
from primitives.ids import Address

Gas = Callable[[bytes], int]
Run = Callable[[bytes, KzgVerifier | None], bytes | None]


class Precompile(msgspec.Struct, frozen=True, gc=False):
    """A contract that the virtual machine provides instead of code."""

    address: Address
    name: str
    """As EIP-7910 writes it."""
    gas: Gas
    """Returns the price of an input. It is asked first, and may exceed all the gas there is."""
    run: Run
    """Returns the output, or None if the call fails and consumes all its gas."""


def padded(data: bytes, start: int, length: int) -> bytes:
    """Return `length` bytes of the input from `start`; beyond its end it is zeros."""
    return data[start : start + length].ljust(length, b"\0")


def words(data: bytes) -> int:
    """Return how many words of 32 bytes the input fills, the last one maybe in part."""
    return (len(data) + 31) >> 5


def fixed(price: int) -> Gas:
    """Return the `gas` of a precompile that costs the same for every input."""
    return lambda _: price
