"""Calling a contract that is built in."""

from contracts.frame import Frame
from contracts.precompiles import Precompile


def run_precompile(
    f: Frame,
    s: list[int],
    gas: int,
    data: bytes,
    place: tuple[int, int],
    mark: int,
    precompile: Precompile,
) -> None:
    """Run it and push its success. A failure takes the value back and all of the call's gas.

    Args:
        f: the caller.
        s: its stack.
        gas: what the call was given.
        data: its input.
        place: where in memory the output goes.
        mark: the snapshot before the value was moved.
        precompile: what to run.
    """
    output, left = answer(f, gas, data, precompile)
    f.gas += left
    if output is None:
        f.state.revert(mark)
        s.append(0)
        return
    f.return_data = output
    f.write(place, output)
    s.append(1)


def answer(f: Frame, gas: int, data: bytes, precompile: Precompile) -> tuple[bytes | None, int]:
    """Return what it gives and the gas that is left: None and 0 if it fails or costs too much."""
    left = gas - precompile.gas(data)
    if left < 0:
        return None, 0
    output = precompile.run(data, f.block.kzg)
    return output, 0 if output is None else left
