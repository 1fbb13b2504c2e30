"""Starting a call from inside another: depth, value, precompiles, or a new frame."""

from typing import NamedTuple

from contracts.frame import Frame
from contracts.precompile_call import run_precompile
from contracts.precompiles import Precompile
from contracts.program import Program
from primitives.ids import Address

DEPTH_MAX = 1_024
"""Calls inside one another (Yellow Paper, section 8); the outermost has depth 0."""


class Message(NamedTuple):
    """What a call is given."""

    gas: int
    caller: Address
    address: Address
    """Whose storage and balance it works on."""
    callee: Precompile | Program | None
    """What runs; None: there is no code."""
    value: int
    """What CALLVALUE shows, in wei."""
    transfer: int | None
    """What is moved from the caller, in wei; None: nothing, not even a touch."""
    data: bytes
    is_static: bool
    place: tuple[int, int]
    """Where in the caller's memory the output goes: offset and most bytes."""


def start_call(f: Frame, s: list[int], message: Message) -> None:
    """Run a call to its end if that needs no instruction; else leave it `pending`.

    What was decided at once pushes its success; its unused gas comes back.
    """
    f.return_data = b""
    state = f.state
    if f.depth >= DEPTH_MAX:
        f.gas += message.gas
        s.append(0)
        return
    mark = state.snapshot()
    if not _transfer(f, message):
        state.revert(mark)
        f.gas += message.gas
        s.append(0)
        return
    callee = message.callee
    if callee is None:
        f.gas += message.gas
        s.append(1)
        return
    if not isinstance(callee, Program):
        run_precompile(f, s, message.gas, message.data, message.place, mark, callee)
        return
    child = Frame(f.evm, state, f.block, f.transaction, callee)
    child.parent = f
    child.depth = f.depth + 1
    child.gas = message.gas
    child.caller = message.caller
    child.address = message.address
    child.value = message.value
    child.data = message.data
    child.is_static = message.is_static
    child.mark = mark
    child.output_place = message.place
    f.pending = child


def _transfer(f: Frame, message: Message) -> bool:
    """Move the value; return whether the caller had it."""
    amount = message.transfer
    if amount:
        if not f.state.take_balance(message.caller, amount):
            return False
        f.state.add_balance(message.address, amount)
    elif amount == 0 and f.evm.rules.touches_empty:
        f.state.add_balance(message.address, 0)
    return True
