"""Starting a call from inside another: depth, value, precompiles, or a new frame."""

from typing import TypeAlias

from contracts.frame import Frame
from contracts.precompile_call import run_precompile
from contracts.precompiles import Precompile
from contracts.program import Program
from primitives.ids import Address

Callee: TypeAlias = Precompile | Program | None
"""What a call runs; None where there is no code. A delegation to a precompile runs nothing, because
a precompile has no code (EIP-7702)."""

DEPTH_MAX = 1_024
"""Calls inside one another (Yellow Paper, section 8); the outermost has depth 0."""


def start_call(
    f: Frame,
    s: list[int],
    callee: Callee,
    gas: int,
    caller: Address,
    address: Address,
    value: int,
    transfer: int | None,
    data: bytes,
    place: tuple[int, int],
    is_static: bool,
) -> None:
    """Run a call to its end if that needs no instruction; else leave it `pending`.

    What was decided at once pushes its success; its unused gas comes back.

    Args:
        f: the caller's frame.
        s: its stack.
        callee: what runs.
        gas: for the call, taken from the caller.
        caller: what CALLER shows.
        address: whose storage and balance it works on.
        value: what CALLVALUE shows, in wei.
        transfer: what is moved to `address`, in wei; None: nothing, not even a touch.
        data: the input.
        place: where in the caller's memory the output goes: offset and most bytes.
        is_static: nothing may change.
    """
    f.return_data = b""
    if f.evm.watcher is not None:
        f.evm.watcher.on_call(f, gas, value, data)
    state = f.state
    if f.depth >= DEPTH_MAX:
        f.gas += gas
        s.append(0)
        return
    mark = state.snapshot()
    if transfer is not None and not _transfer(f, address, transfer):
        state.revert(mark)
        f.gas += gas
        s.append(0)
        return
    if callee is None:
        f.gas += gas
        s.append(1)
        return
    if not isinstance(callee, Program):
        run_precompile(f, s, gas, data, place, mark, callee)
        return
    child = Frame(f.world, callee, caller, address, gas, value, data, mark)
    child.parent = f
    child.depth = f.depth + 1
    child.is_static = is_static
    child.output_place = place
    f.pending = child


def _transfer(f: Frame, address: Address, amount: int) -> bool:
    """Move value from the caller; return whether it was there."""
    if amount:
        if not f.state.take_balance(f.address, amount):
            return False
        f.state.add_balance(address, amount)
    elif f.evm.rules.touches_empty:
        f.state.add_balance(address, 0)
    return True
