"""Prices of instructions that depend on their operands, and other amounts of gas.

What an instruction costs whatever its operands are stands in `contracts.opcodes`, and what forks
changed of both in `contracts.rules`.

Reference: Yellow Paper, appendix G, and the EIP that each line names.
"""

MEMORY_WORD = 3
MEMORY_QUADRATIC_DIVISOR = 512
"""Memory of w words costs 3 w + w**2 / 512."""

COPY_WORD = 3
"""For each word of CALLDATACOPY, CODECOPY, EXTCODECOPY, RETURNDATACOPY and MCOPY."""
KECCAK_WORD = 6
EXP_BYTE_FRONTIER = 10
EXP_BYTE = 50
"""For each byte of the exponent (EIP-160)."""
LOG_BYTE = 8

WARM_ACCESS = 100
"""An account or slot that was accessed before in the transaction (EIP-2929)."""
COLD_ACCOUNT = 2_600
COLD_SLOT = 2_100

STORAGE_SET = 20_000
"""From zero to something."""
STORAGE_RESET = 5_000
"""From something to something else; EIP-2929 takes the price of a cold slot off."""
STORAGE_CLEAR_REFUND = 15_000
STORAGE_CLEAR_REFUND_LONDON = 4_800
"""EIP-3529."""
SELFDESTRUCT_REFUND = 24_000
"""Until London (EIP-3529)."""
REFUND_DIVISOR_BEFORE_LONDON = 2
REFUND_DIVISOR = 5
"""At most this part of the gas used is refunded (EIP-3529)."""

CALL_VALUE = 9_000
CALL_STIPEND = 2_300
"""Given to the called contract with a value, so that it can write a log."""
NEW_ACCOUNT = 25_000
CALL_GAS_DIVISOR = 64
"""A call gets at most all but one 64th of the gas that is left (EIP-150)."""

INITCODE_WORD = 2
"""EIP-3860."""
INITCODE_BYTES_MAX = 49_152
CODE_DEPOSIT_BYTE = 200
CODE_BYTES_MAX = 24_576
"""EIP-170."""

AUTHORIZATION_NEW_ACCOUNT = 25_000
"""Charged for each authorization in advance (EIP-7702)."""
AUTHORIZATION_BASE = 12_500
"""What one costs if the account exists; the difference is refunded."""

BLOB = 131_072
"""Blob gas of one blob (EIP-4844)."""

SYSTEM_CALL = 30_000_000
"""Gas of a call that a block makes itself; counts towards no limit (EIP-4788)."""


def memory_gas(words: int) -> int:
    """Return what memory of that many words costs in all."""
    return MEMORY_WORD * words + words * words // MEMORY_QUADRATIC_DIVISOR
