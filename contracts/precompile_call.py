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
    output = precompile_output(f, gas, data, precompile)
    if output is None:
        f.state.revert(mark)
        s.append(0)
        return
    f.gas += gas - precompile.gas(data)
    f.return_data = output
    f.write(place, output)
    s.append(1)


def precompile_output(f: Frame, gas: int, data: bytes, precompile: Precompile) -> bytes | None:
    """Return what it gives; None if it fails or `gas` is too little."""
    if precompile.gas(data) > gas:
        return None
    return precompile.run(data, f.block.kzg)
