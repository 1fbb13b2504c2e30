"""Bytecode cut into basic blocks, as plain data.

A basic block is entered at its first instruction only and left after its last one, so what all its
instructions cost at least, the stack they need and how far they make it grow can be known before
the first of them runs. A block also ends after every instruction that sees how much gas is left or
whose effect on the state depends on it (`contracts.opcodes.OBSERVING`): what stands behind it has
not been charged then, so charging block by block is exact wherever anybody can look.

Whatever executes code hangs on this form: the handlers of `contracts.program`, and compilers.
"""

import re
from collections.abc import Sequence

import msgspec

from contracts.opcodes import BLOCK_ENDS, Instruction, Op

STACK_MAX = 1_024
"""Items that a stack holds at most (Yellow Paper, section 9.1)."""

IMMEDIATE_BYTES_MAX = 32
STOP, JUMPDEST = int(Op.STOP), int(Op.JUMPDEST)

_JUMPDEST_OR_PUSH = re.compile(
    rb"\x5b|" + b"|".join(rb"\x%02x.{0,%d}" % (0x5F + n, n) for n in range(1, 33)), re.DOTALL
)
"""Matches a JUMPDEST, or a PUSH with as much of its immediate as there is."""


class Step(msgspec.Struct, frozen=True, gc=False):
    """One instruction at its place."""

    pc: int
    opcode: int
    immediate: int
    """What a PUSH pushes; 0 for others."""


class BasicBlock(msgspec.Struct, frozen=True, gc=False):
    """Instructions that run one after the other, or end in an exceptional halt."""

    start: int
    stop: int
    """Where the instruction behind it stands."""
    steps: tuple[Step, ...]
    """At least one. Code that ends is followed by STOP."""
    gas: int
    """What all steps cost at least."""
    needs: int
    """Fewest items with which no step finds the stack too short."""
    growth: int
    """Most items that the stack holds more than at the start, after any of the steps."""


def jump_targets(code: bytes) -> frozenset[int]:
    """Return the places of all JUMPDESTs that are not inside the immediate of a PUSH."""
    return frozenset(
        match.start() for match in _JUMPDEST_OR_PUSH.finditer(code) if code[match.start()] == 0x5B
    )


def decode_block(code: bytes, start: int, instructions: Sequence[Instruction | None]) -> BasicBlock:
    """Return the basic block that begins at `start`.

    Args:
        code: the whole bytecode.
        start: 0, a jump target, or where a block stops.
        instructions: those of the fork, by opcode.
    """
    steps: list[Step] = []
    pc, size = start, len(code)
    gas = needs = growth = height = 0
    while True:
        opcode = code[pc] if pc < size else STOP
        if opcode == JUMPDEST and steps:
            break
        row = instructions[opcode]
        if row is None:
            steps.append(Step(pc, opcode, 0))
            pc += 1
            break
        end = pc + 1 + row.immediate_bytes
        steps.append(Step(pc, opcode, _immediate(code, pc + 1, row.immediate_bytes)))
        gas += row.gas
        needs = max(needs, row.pops - height)
        height += row.pushes - row.pops
        growth = max(growth, height)
        pc = end
        if opcode in BLOCK_ENDS:
            break
    return BasicBlock(start, pc, tuple(steps), gas, needs, growth)


def _immediate(code: bytes, start: int, size: int) -> int:
    """Read an immediate; code goes on with zeros where it has ended."""
    if not size:
        return 0
    return int.from_bytes(code[start : start + size].ljust(size, b"\0"), "big")
