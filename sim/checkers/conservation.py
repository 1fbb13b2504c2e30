"""Conservation of value: no wei appears, and none is lost but the burnt base fee.

Each block is balanced over the accounts that it changed, so the cost follows the block and not
the state. That trusts the list of changed accounts; the sum over all accounts at the end of the
run does not.

Reference: EIP-1559, the base fee is burnt and the priority fee goes to the fee recipient.
"""

from typing import Protocol

from primitives.ids import Address, Wei
from sim.checkers.checker import CheckContext
from sim.checkers.views import CheckedBlock


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
    """Balances every block against its burnt fees, and the whole chain at the end.

    Args:
        context: the run; its genesis balances are the supply.
    """

    name = "conservation"

    def __init__(self, context: CheckContext) -> None:
        self._supply = sum(balance for _, balance in context.alloc)
        self._burnt = 0
        self._before: Balances = GenesisBalances(dict(context.alloc))

    def judge(self, height: int, block: CheckedBlock) -> str | None:
        """Object if the changed balances do not add up to minus the burnt base fee."""
        header = block.block.header
        burnt = header.gas_used * header.base_fee_per_gas
        before, self._before = self._before, block.state
        change = sum(
            (Wei(0) if account is None else account.balance) - before.balance(address)
            for address, account in block.state.changes.items()
        )
        self._burnt += burnt
        if change == -burnt:
            return None
        return f"balances change by {change} wei, expected {-burnt} (the burnt base fee)"

    def finish(self, head: CheckedBlock) -> str | None:
        """Object if all balances and all burnt fees together are not the genesis supply."""
        held = sum(account.balance for account in head.state.accounts().values())
        if held + self._burnt == self._supply:
            return None
        return (
            f"all balances are {held} wei and {self._burnt} were burnt, "
            f"expected {self._supply} together"
        )
