"""Exceptional halts: a call that ends with one loses its gas and its changes.

They are raised inside the virtual machine and never leave it: a result names the class.
"""

from primitives.errors import OrreryError


class ExceptionalHalt(OrreryError):
    """Root of the reasons."""


class OutOfGas(ExceptionalHalt):
    """An instruction costs more than is left."""


class StackUnderflow(ExceptionalHalt):
    """An instruction takes more items than there are."""


class StackOverflow(ExceptionalHalt):
    """An instruction would leave more than 1,024 items."""


class InvalidOpcode(ExceptionalHalt):
    """INVALID, or a byte that is no instruction of the fork."""


class InvalidJump(ExceptionalHalt):
    """A jump to a place that is no JUMPDEST, or lies inside the immediate of a PUSH."""


class WriteInStaticContext(ExceptionalHalt):
    """A change of the state inside a static call (EIP-214)."""


class ReturnDataOutOfBounds(ExceptionalHalt):
    """RETURNDATACOPY past the end (EIP-211)."""


class InitcodeTooLarge(ExceptionalHalt):
    """CREATE or CREATE2 with more than 49,152 bytes of code (EIP-3860)."""


class CodeTooLarge(ExceptionalHalt):
    """A created contract with more than 24,576 bytes of code (EIP-170)."""


class InvalidCodePrefix(ExceptionalHalt):
    """A created contract whose code starts with 0xEF (EIP-3541)."""


class AddressCollision(ExceptionalHalt):
    """A creation where there is an account with code, nonce or storage (EIP-684, EIP-7610)."""


class PrecompileFailure(ExceptionalHalt):
    """A precompiled contract that refused its input."""
