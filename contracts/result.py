"""What executing a transaction gave, beside its effects on the state."""

import msgspec

from primitives.ids import Address, Gas, Wei


class ExecutionResult(msgspec.Struct, frozen=True, gc=False):
    """The outcome of one transaction that was included. Logs are in the state's outcome."""

    succeeded: bool
    """Status of the receipt (EIP-658)."""
    gas_used: Gas
    """After refunds, and no less than the calldata floor (EIP-7623)."""
    output: bytes
    """What the outermost call returned or reverted with."""
    created: Address | None
    """The contract that a creation made; None if it failed or was none."""
    failure: str | None
    """Name of the exceptional halt of the outermost call; None on success and on REVERT."""
    tip: Wei
    """What the fee recipient got, in wei."""
    burnt: Wei
    """Base fee and blob fee destroyed, in wei."""
    blob_gas_used: Gas = Gas(0)
