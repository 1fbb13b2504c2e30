"""CALL and its kin.

Gas is charged in two steps. First what follows from the operands and from warmth; then what takes a
look at the called account: whether it is new, whether it delegates. An account is in the block's
access list if the first step could be paid (EIP-7928).
"""

from collections.abc import Callable
from typing import TypeAlias

from contracts.calls import Message, start_call
from contracts.frame import Frame, Handler
from contracts.gas import CALL_GAS_DIVISOR, CALL_STIPEND, CALL_VALUE, NEW_ACCOUNT, WARM_ACCESS
from contracts.halts import OutOfGas, WriteInStaticContext
from contracts.instructions.environment import to_address
from contracts.precompiles import Precompile
from contracts.program import Program
from contracts.rules import Rules
from contracts.warmth import access_surcharge
from primitives.ids import Address

Place: TypeAlias = tuple[int, int]
"""Offset and size in memory."""
Callee: TypeAlias = Precompile | Program | None
"""What a call runs; None where there is no code. A delegation to a precompile runs nothing, because
a precompile has no code (EIP-7702)."""


def make_call(rules: Rules) -> Handler:
    """Return CALL."""
    prepare = _make_prepare(rules)

    def call(s: list[int], f: Frame) -> None:
        wanted, target, value = s.pop(), to_address(s.pop()), s.pop()
        if value and f.is_static:
            raise WriteInStaticContext
        data, place = _read_places(s)
        callee = prepare(f, target, value, data, place, value > 0 or not rules.clears_empty)
        gas = _take_call_gas(f, wanted, value, rules)
        message = Message(
            gas, f.address, target, callee, value, value, _input(f, data), f.is_static, place
        )
        start_call(f, s, message)

    return call


def make_callcode(rules: Rules) -> Handler:
    """Return CALLCODE: the code of another, with one's own storage."""
    prepare = _make_prepare(rules)

    def callcode(s: list[int], f: Frame) -> None:
        wanted, target, value = s.pop(), to_address(s.pop()), s.pop()
        data, place = _read_places(s)
        callee = prepare(f, target, value, data, place, False)  # noqa: FBT003
        gas = _take_call_gas(f, wanted, value, rules)
        message = Message(
            gas, f.address, f.address, callee, value, value, _input(f, data), f.is_static, place
        )
        start_call(f, s, message)

    return callcode


def make_delegatecall(rules: Rules) -> Handler:
    """Return DELEGATECALL: the code of another as if it were one's own (EIP-7)."""
    prepare = _make_prepare(rules)

    def delegatecall(s: list[int], f: Frame) -> None:
        wanted, target = s.pop(), to_address(s.pop())
        data, place = _read_places(s)
        callee = prepare(f, target, 0, data, place, False)  # noqa: FBT003
        gas = _take_call_gas(f, wanted, 0, rules)
        message = Message(
            gas, f.caller, f.address, callee, f.value, None, _input(f, data), f.is_static, place
        )
        start_call(f, s, message)

    return delegatecall


def make_staticcall(rules: Rules) -> Handler:
    """Return STATICCALL: nothing may change in it (EIP-214)."""
    prepare = _make_prepare(rules)

    def staticcall(s: list[int], f: Frame) -> None:
        wanted, target = s.pop(), to_address(s.pop())
        data, place = _read_places(s)
        callee = prepare(f, target, 0, data, place, False)  # noqa: FBT003
        gas = _take_call_gas(f, wanted, 0, rules)
        message = Message(
            gas, f.address, target, callee, 0, 0, _input(f, data), is_static=True, place=place
        )
        start_call(f, s, message)

    return staticcall


def _make_prepare(
    rules: Rules,
) -> Callable[[Frame, Address, int, Place, Place, bool], Callee]:
    """Return what all four share: it charges everything but the called one's gas."""

    def prepare(
        f: Frame, target: Address, value: int, data: Place, place: Place, may_be_new: bool
    ) -> Callee:
        """Return what is to run."""
        end = max(data[0] + data[1] if data[1] else 0, place[0] + place[1] if place[1] else 0)
        if end > len(f.memory):
            f.expand(end)
        cost = CALL_VALUE if value else 0
        if rules.has_warmth:
            cost += access_surcharge(f, target)
        f.charge(cost)
        if may_be_new and f.state.is_empty(target):
            f.charge(NEW_ACCOUNT)
        evm = f.evm
        program = evm.program_of(f.state, target)
        if target in evm.precompiles:
            return evm.precompiles[target]
        if program is None or program.delegate is None or not rules.has_delegation:
            return program
        f.charge(WARM_ACCESS + access_surcharge(f, program.delegate))
        return evm.program_of(f.state, program.delegate)

    return prepare


def _take_call_gas(f: Frame, wanted: int, value: int, rules: Rules) -> int:
    """Take the gas of the call from the caller; return it with the stipend (EIP-150)."""
    if rules.has_call_reserve:
        wanted = min(wanted, f.gas - f.gas // CALL_GAS_DIVISOR)
    elif wanted > f.gas:
        raise OutOfGas
    f.gas -= wanted
    return wanted + CALL_STIPEND if value else wanted


def _read_places(s: list[int]) -> tuple[Place, Place]:
    data = s.pop(), s.pop()
    return data, (s.pop(), s.pop())


def _input(f: Frame, data: Place) -> bytes:
    offset, size = data
    return bytes(f.memory[offset : offset + size]) if size else b""
