"""SELFDESTRUCT."""

from contracts.frame import End, Frame
from contracts.gas import NEW_ACCOUNT
from contracts.halts import WriteInStaticContext
from contracts.instructions.environment import to_address
from contracts.program import Block
from contracts.rules import Rules
from contracts.warmth import COLD_SURCHARGE, access_surcharge
from primitives.fork import Fork
from primitives.ids import Address

COLD = COLD_SURCHARGE + 100
"""A warm beneficiary costs nothing more (EIP-2929)."""


def make_selfdestruct(rules: Rules) -> End:
    """Return SELFDESTRUCT.

    Its value goes at once. The account goes when the transaction ends; from Cancun on only if this
    transaction has created it (EIP-6780). What is sent to itself by an account that goes is burnt.
    """

    def selfdestruct(s: list[int], f: Frame) -> Block | None:
        if f.is_static:
            raise WriteInStaticContext
        state, address = f.state, f.address
        heir = to_address(s.pop())
        if rules.has_warmth and access_surcharge(f, heir):
            f.charge(COLD)
        balance = state.balance(address)
        _charge_new_heir(f, heir, balance, rules)
        goes = not rules.keeps_destroyed or state.was_created(address)
        if heir != address or goes:
            _move(f, heir, balance)
        if goes:
            state.destroy(address)
            _note_refund(f, rules)
        f.output = b""
        return None

    return selfdestruct


def _charge_new_heir(f: Frame, heir: Address, balance: int, rules: Rules) -> None:
    """Charge for the account that the value makes (EIP-150, EIP-161)."""
    if rules.fork < Fork.TANGERINE_WHISTLE:
        return
    if (balance or not rules.clears_empty) and f.state.is_empty(heir):
        f.charge(NEW_ACCOUNT)


def _move(f: Frame, heir: Address, balance: int) -> None:
    """Move all value; an account that leaves it to itself loses it.

    The heir of nothing is touched as well: it stands in the block's access list (EIP-7928).
    """
    state, address = f.state, f.address
    if balance:
        state.take_balance(address, balance)
    if heir != address:
        state.add_balance(heir, balance)


def _note_refund(f: Frame, rules: Rules) -> None:
    """Count the refund that there was until London, once for each account."""
    if not rules.selfdestruct_refund:
        return
    frame: Frame | None = f
    while frame is not None:
        if f.address in frame.destroyed:
            return
        frame = frame.parent
    f.destroyed = (*f.destroyed, f.address)
    f.refund += rules.selfdestruct_refund
