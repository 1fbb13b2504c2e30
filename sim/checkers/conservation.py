"""Conservation of value: wei appear in withdrawals only, and are lost in fees only.

Base fee and blob fee are burnt. A contract that destroys itself in the transaction that created it
may take wei with it; only execution can tell how many.

Each block is balanced over the accounts that it changed, so the cost follows the block and not
the state. That trusts the list of changed accounts; the sum over all accounts at the end of the
run does not.

Reference: EIP-1559, the base fee is burnt and the priority fee goes to the fee recipient;
EIP-4844, EIP-4895, EIP-6780.
"""

from typing import Protocol

from node.execution_blob_gas import blob_base_fee
from primitives.header import Header
from primitives.ids import Address, Wei
from sim.checkers.checker import CheckContext
from sim.checkers.views import CheckedBlock

GWEI = 10**9
"""Wei in a unit of a withdrawal's amount."""


class Balances(Protocol):
    """Balances at one point of the chain."""

    def balance(self, address: Address) -> Wei:
        """Return a balance in wei; 0 without an account."""
        ...


class GenesisBalances:
    """The balances before the first block, straight from the allocation."""

    __slots__ = ("_alloc",)

    def __init__(self, alloc: dict[Address, Wei]) -> None:
        self._alloc = alloc

    def balance(self, address: Address) -> Wei:
        """Return a balance in wei; 0 without an account."""
        return self._alloc.get(address, Wei(0))


class Conservation:
    """Balances every block against its fees and withdrawals, and the whole chain at the end.

    Args:
        context: the run; its genesis balances are the supply.
    """

    name = "conservation"

    def __init__(self, context: CheckContext) -> None:
        self._params = context.params
        self._supply: int = sum(balance for _, balance in context.alloc)
        self._burnt = 0
        self._before: Balances = GenesisBalances(dict(context.alloc))

    def judge(self, height: int, block: CheckedBlock) -> str | None:
        """Object if the changed balances do not add up to what is paid in, less what is lost."""
        before, self._before = self._before, block.state
        change = sum(
            (Wei(0) if account is None else account.balance) - before.balance(address)
            for address, account in block.state.changes.items()
        )
        paid_in = sum(GWEI * withdrawal.amount for withdrawal in block.block.withdrawals)
        lost = self._fees(block.block.header) + block.destroyed
        self._supply += paid_in
        self._burnt += lost
        if change == paid_in - lost:
            return None
        return f"balances change by {change} wei, expected {paid_in - lost} (less what is burnt)"

    def _fees(self, header: Header) -> int:
        """Return what a block burns of fees, in wei, by its header alone."""
        rules = self._params.at(header.timestamp)
        blob_fee = blob_base_fee(header.excess_blob_gas or 0, rules)
        return header.gas_used * header.base_fee_per_gas + (header.blob_gas_used or 0) * blob_fee

    def finish(self, head: CheckedBlock) -> str | None:
        """Object if all balances and all that was burnt together are not the supply."""
        held = sum(account.balance for account in head.state.accounts().values())
        if held + self._burnt == self._supply:
            return None
        return (
            f"all balances are {held} wei and {self._burnt} were burnt, "
            f"expected {self._supply} together"
        )
