"""Slots, permanent and transient."""

from collections.abc import Mapping
from types import MappingProxyType

from contracts.frame import Frame, Handler
from contracts.gas import COLD_SLOT, WARM_ACCESS
from contracts.halts import OutOfGas, WriteInStaticContext
from contracts.opcodes import Op
from contracts.rules import Rules, StorageRules

COLD_SURCHARGE = COLD_SLOT - WARM_ACCESS


def make_sload(rules: Rules) -> Handler:
    """Return SLOAD; a cold slot costs more (EIP-2929)."""

    def sload(s: list[int], f: Frame) -> None:
        slot = s[-1]
        state = f.state
        if not state.warm_slot(f.address, slot):
            left = f.gas - COLD_SURCHARGE
            if left < 0:
                raise OutOfGas
            f.gas = left
        s[-1] = state.load(f.address, slot)

    def sload_flat(s: list[int], f: Frame) -> None:
        s[-1] = f.state.load(f.address, s[-1])

    return sload if rules.has_warmth else sload_flat


def make_sstore(rules: Rules) -> Handler:
    """Return SSTORE by the fork's metering (EIP-1283, EIP-2200, EIP-2929, EIP-3529)."""
    prices = rules.storage
    gas_min = prices.gas_min
    has_warmth = rules.has_warmth

    def sstore_net(s: list[int], f: Frame) -> None:
        if f.is_static:
            raise WriteInStaticContext
        if f.gas <= gas_min:
            raise OutOfGas
        slot, value = s.pop(), s.pop()
        state, address = f.state, f.address
        cost = 0
        if has_warmth and not state.warm_slot(address, slot):
            cost = COLD_SLOT
        current = state.load(address, slot)
        if current == value:
            f.charge(cost + prices.same)
            return
        original = state.original(address, slot)
        if original == current:
            cost += prices.reset if original else prices.set
        else:
            cost += prices.same
        f.charge(cost)
        f.refund += storage_refund(prices, original, current, value)
        state.store(address, slot, value)

    def sstore_plain(s: list[int], f: Frame) -> None:
        if f.is_static:
            raise WriteInStaticContext
        slot, value = s.pop(), s.pop()
        current = f.state.load(f.address, slot)
        f.charge(prices.set if value and not current else prices.reset)
        if current and not value:
            f.refund += prices.clear_refund
        f.state.store(f.address, slot, value)

    return sstore_net if prices.is_net else sstore_plain


def storage_refund(prices: StorageRules, original: int, current: int, value: int) -> int:
    """Return what a change of a slot gives back; negative: takes back what was given.

    Args:
        prices: of the fork.
        original: value before the transaction.
        current: value now, different from `value`.
        value: the new value.

    Reference: EIP-2200, whose cases these are; EIP-3529 for the amounts.
    """
    refund = 0
    if original:
        if not current:
            refund -= prices.clear_refund
        elif not value:
            refund += prices.clear_refund
    if original == value and original != current:
        refund += (prices.reset if original else prices.set) - prices.same
    return refund


def tload(s: list[int], f: Frame) -> None:
    """TLOAD (EIP-1153)."""
    s[-1] = f.state.load_transient(f.address, s[-1])


def tstore(s: list[int], f: Frame) -> None:
    """TSTORE (EIP-1153)."""
    if f.is_static:
        raise WriteInStaticContext
    slot = s.pop()
    f.state.store_transient(f.address, slot, s.pop())


HANDLERS: Mapping[int, Handler] = MappingProxyType({Op.TLOAD: tload, Op.TSTORE: tstore})
