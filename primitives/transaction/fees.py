"""What a transaction pays for a unit of gas, for all types alike."""

from primitives.ids import Wei
from primitives.transaction.types import Transaction


def max_fee_per_gas(tx: Transaction) -> Wei:
    """Return the most that the sender pays for a unit of gas, base fee and tip together."""
    return tx.max_fee_per_gas


def max_priority_fee(tx: Transaction) -> Wei:
    """Return the most that the sender tips for a unit of gas."""
    return tx.max_priority_fee_per_gas


def effective_tip(tx: Transaction, base_fee: int) -> Wei:
    """Return what the fee recipient gets for a unit of gas, in wei.

    Negative when the fee cap is below the base fee: such a transaction cannot be included.

    Reference: EIP-1559.
    """
    return Wei(min(tx.max_priority_fee_per_gas, tx.max_fee_per_gas - base_fee))


def effective_gas_price(tx: Transaction, base_fee: int) -> Wei:
    """Return what the sender pays for a unit of gas, in wei (EIP-1559's effective price)."""
    return Wei(base_fee + effective_tip(tx, base_fee))
