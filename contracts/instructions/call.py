"""CALL and its kin.

Gas is charged in two steps. First what follows from the operands and from warmth; then what takes a
look at the called account: whether it is new, whether it delegates. An account is in the block's
access list if the first step could be paid (EIP-7928).
"""

from collections.abc import Callable

from contracts.calls import Callee, start_call
from contracts.frame import Frame, Handler
from contracts.gas import CALL_GAS_DIVISOR, CALL_STIPEND, CALL_VALUE, NEW_ACCOUNT, WARM_ACCESS
from contracts.halts import OutOfGas, WriteInStaticContext
from contracts.instructions.environment import ADDRESS_MASK
from contracts.rules import Rules
from contracts.warmth import access_surcharge
from primitives.ids import Address


def make_call(rules: Rules) -> Handler:
    """Return CALL."""
    prepare, take_gas = _make_prepare(rules), _make_take_gas(rules)
    is_always_new = not rules.clears_empty

    def call(s: list[int], f: Frame) -> None:
        room, place, size, offset, value, item, wanted = s[-7:]
        del s[-7:]
        if value and f.is_static:
            raise WriteInStaticContext
        target = Address((item & ADDRESS_MASK).to_bytes(20, "big"))
        may_be_new = value > 0 or is_always_new
        callee = prepare(f, target, value, offset, size, place, room, may_be_new)
        gas = take_gas(f, wanted, value)
        data = bytes(f.memory[offset : offset + size]) if size else b""
        start_call(
            f, s, callee, gas, f.address, target, value, value, data, (place, room), f.is_static
        )

    return call


def make_callcode(rules: Rules) -> Handler:
    """Return CALLCODE: the code of another, with one's own storage."""
    prepare, take_gas = _make_prepare(rules), _make_take_gas(rules)

    def callcode(s: list[int], f: Frame) -> None:
        room, place, size, offset, value, item, wanted = s[-7:]
        del s[-7:]
        target = Address((item & ADDRESS_MASK).to_bytes(20, "big"))
        callee = prepare(f, target, value, offset, size, place, room)
        gas = take_gas(f, wanted, value)
        data = bytes(f.memory[offset : offset + size]) if size else b""
        own = f.address
        start_call(f, s, callee, gas, own, own, value, value, data, (place, room), f.is_static)

    return callcode


def make_delegatecall(rules: Rules) -> Handler:
    """Return DELEGATECALL: the code of another as if it were one's own (EIP-7)."""
    prepare, take_gas = _make_prepare(rules), _make_take_gas(rules)

    def delegatecall(s: list[int], f: Frame) -> None:
        room, place, size, offset, item, wanted = s[-6:]
        del s[-6:]
        target = Address((item & ADDRESS_MASK).to_bytes(20, "big"))
        callee = prepare(f, target, 0, offset, size, place, room)
        gas = take_gas(f, wanted, 0)
        data = bytes(f.memory[offset : offset + size]) if size else b""
        start_call(
            f, s, callee, gas, f.caller, f.address, f.value, None, data, (place, room), f.is_static
        )

    return delegatecall


def make_staticcall(rules: Rules) -> Handler:
    """Return STATICCALL: nothing may change in it (EIP-214)."""
    prepare, take_gas = _make_prepare(rules), _make_take_gas(rules)

    def staticcall(s: list[int], f: Frame) -> None:
        room, place, size, offset, item, wanted = s[-6:]
        del s[-6:]
        target = Address((item & ADDRESS_MASK).to_bytes(20, "big"))
        callee = prepare(f, target, 0, offset, size, place, room)
        gas = take_gas(f, wanted, 0)
        data = bytes(f.memory[offset : offset + size]) if size else b""
        start_call(f, s, callee, gas, f.address, target, 0, 0, data, (place, room), is_static=True)

    return staticcall


def _make_prepare(rules: Rules) -> Callable[..., Callee]:
    """Return what all four share: it charges everything but the called one's gas."""
    has_warmth, has_delegation = rules.has_warmth, rules.has_delegation

    def prepare(
        f: Frame,
        target: Address,
        value: int,
        offset: int,
        size: int,
        place: int,
        room: int,
        may_be_new: bool = False,
    ) -> Callee:
        """Return what is to run."""
        end = offset + size if size else 0
        if room and place + room > end:
            end = place + room
        if end > len(f.memory):
            f.expand(end)
        cost = CALL_VALUE if value else 0
        if has_warmth:
            cost += access_surcharge(f, target)
        if cost:
            f.charge(cost)
        if may_be_new and f.state.is_empty(target):
            f.charge(NEW_ACCOUNT)
        evm = f.evm
        program = evm.program_of(f.state, target)
        if target in evm.precompiles:
            return evm.precompiles[target]
        if program is None or program.delegate is None or not has_delegation:
            return program
        f.charge(WARM_ACCESS + access_surcharge(f, program.delegate))
        return evm.program_of(f.state, program.delegate)

    return prepare


def _make_take_gas(rules: Rules) -> Callable[[Frame, int, int], int]:
    """Return what takes a call's gas from the caller, and returns it with the stipend."""

    def take(f: Frame, wanted: int, value: int) -> int:
        left = f.gas
        most = left - left // CALL_GAS_DIVISOR
        if wanted > most:
            wanted = most
        f.gas = left - wanted
        return wanted + CALL_STIPEND if value else wanted

    def take_all_wanted(f: Frame, wanted: int, value: int) -> int:
        if wanted > f.gas:
            raise OutOfGas
        f.gas -= wanted
        return wanted + CALL_STIPEND if value else wanted

    return take if rules.has_call_reserve else take_all_wanted
