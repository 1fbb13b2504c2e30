"""Accounts whose code is a pointer to another account's code (EIP-7702)."""

from primitives.ids import Address

PREFIX = b"\xef\x01\x00"
"""Code of 23 bytes that begins so names the account to run the code of. No contract can have it:
creating one with 0xEF is refused (EIP-3541)."""
DESIGNATOR_BYTES = 23


def designator(delegate: Address) -> bytes:
    """Return the code that delegates to `delegate`."""
    return PREFIX + delegate


def designated(code: bytes) -> Address | None:
    """Return the account that code delegates to, None if it is no delegation."""
    if len(code) == DESIGNATOR_BYTES and code.startswith(PREFIX):
        return Address(code[len(PREFIX) :])
    return None
