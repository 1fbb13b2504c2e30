"""Fused moves and operations leave the stack as the single instructions do."""

from hypothesis import given, settings, strategies as st

from contracts.decode import Step, jump_targets
from contracts.frame import Frame, Handler
from contracts.fusion import fuse
from contracts.handlers import handlers_for
from contracts.instructions.operands import OPERATIONS
from contracts.instructions.stack import make_push
from contracts.opcodes import Op
from contracts.rules import rules_for
from primitives.fork import Fork
from tests.properties.naive_evm import valid_targets
from tests.unit.contracts.rig import execute

HANDLERS = handlers_for(rules_for(Fork.OSAKA))
DEPTH = 20
MOVES = (*range(Op.DUP1, Op.DUP1 + 6), *range(Op.SWAP1, Op.SWAP1 + 6), Op.POP, Op.PUSH1, Op.PC)
WORDS = st.integers(0, 3) | st.integers(0, 300) | st.integers(0, 2**256 - 1)
STEPS = st.builds(
    Step, st.integers(0, 9), st.sampled_from((*MOVES, *MOVES, *OPERATIONS, Op.ISZERO)), WORDS
)


def single(step: Step) -> Handler:
    if step.opcode == Op.PC:
        return make_push(step.pc)
    return HANDLERS[step.opcode] or make_push(step.immediate)


def run(handlers: list[Handler], stack: list[int], frame: Frame) -> list[int]:
    for handler in handlers:
        handler(stack, frame)
    return stack


@given(st.lists(STEPS, max_size=14), st.lists(WORDS, min_size=DEPTH, max_size=DEPTH))
@settings(max_examples=500)
def test_fused_steps(steps: list[Step], items: list[int]) -> None:
    frame = execute("")
    alone = run([single(step) for step in steps], list(items), frame)
    assert run(fuse(steps, single), list(items), frame) == alone


@given(st.binary(max_size=80) | st.lists(st.sampled_from(b"\x5b\x60\x61\x7f\x00")).map(bytes))
@settings(max_examples=300)
def test_jump_targets(code: bytes) -> None:
    assert jump_targets(code) == valid_targets(code)
