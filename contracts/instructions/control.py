"""Jumps, and the instructions that end a call without touching the state."""

from contracts.frame import End, Frame
from contracts.halts import InvalidOpcode
from contracts.program import Block, Program


def make_jump(program: Program) -> End:
    """Return JUMP."""
    known = program.jumps.get
    find = program.jump_block

    def jump(s: list[int], f: Frame) -> Block | None:
        target = s.pop()
        return known(target) or find(target)

    return jump


def make_jumpi(program: Program, follow: Block) -> End:
    """Return JUMPI, which goes on at `follow` if the condition is zero."""
    known = program.jumps.get
    find = program.jump_block

    def jumpi(s: list[int], f: Frame) -> Block | None:
        target = s.pop()
        if s.pop():
            return known(target) or find(target)
        return follow

    return jumpi


def jumpdest(s: list[int], f: Frame) -> None:
    """JUMPDEST does nothing."""


def stop(s: list[int], f: Frame) -> Block | None:
    """STOP, and the end of the code."""
    f.output = b""
    return None


def return_(s: list[int], f: Frame) -> Block | None:
    """RETURN."""
    f.output = _read_memory(s, f)
    return None


def revert(s: list[int], f: Frame) -> Block | None:
    """REVERT: changes are taken back, gas is kept (EIP-140)."""
    f.output = _read_memory(s, f)
    f.reverted = f.has_failed = True
    return None


def invalid(s: list[int], f: Frame) -> Block | None:
    """INVALID (EIP-141), and whatever is no instruction."""
    raise InvalidOpcode


def _read_memory(s: list[int], f: Frame) -> bytes:
    offset, size = s.pop(), s.pop()
    if not size:
        return b""
    end = offset + size
    if end > len(f.memory):
        f.expand(end)
    return bytes(f.memory[offset:end])
