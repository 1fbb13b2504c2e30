"""Calling a precompile by its number, as tests do."""

from contracts.kzg import KzgVerifier
from contracts.precompiles import Precompile, precompiles_for
from primitives.fork import LATEST, Fork
from primitives.ids import Address


def precompile(number: int, fork: Fork = LATEST) -> Precompile:
    return precompiles_for(fork)[Address(number.to_bytes(20, "big"))]


def run(
    number: int, data: bytes, fork: Fork = LATEST, kzg: KzgVerifier | None = None
) -> bytes | None:
    return precompile(number, fork).run(data, kzg)


def gas(number: int, data: bytes, fork: Fork = LATEST) -> int:
    return precompile(number, fork).gas(data)


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")
