"""From bytecode to blocks that can run: decoded, checked as a whole, with fused handlers.

That takes some fifty runs of a block to pay, so only those are made that run often; until then they
run instruction by instruction (`contracts.stepping`). Which form runs shows in nothing but time.
"""

from contracts.decode import BasicBlock, Step, decode_block
from contracts.frame import End, Frame, Handler
from contracts.fusion import fuse
from contracts.fusion_jumps import fuse_jump
from contracts.handlers import ends_for, handlers_for
from contracts.instructions import control, stack
from contracts.opcodes import CALLING, Op
from contracts.program import Block
from contracts.rules import Rules


class Assembler:
    """Makes blocks by the rules of one fork."""

    __slots__ = ("_ends", "_handlers", "rules")

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._handlers = handlers_for(rules)
        self._ends = ends_for(rules)

    def make(self, block: Block) -> None:
        """Make a block ready to run as a whole."""
        program, plan = block.program, self.plan(block)
        steps = plan.steps
        op = steps[-1].opcode
        end: End | None
        if op in (Op.JUMP, Op.JUMPI):
            end, taken = fuse_jump(steps, program, program.block_at(plan.stop))
            body = fuse(steps[: len(steps) - taken], self.single)
        elif self.rules.instructions[op] is None:
            body, end = fuse(steps[:-1], self.single), control.invalid
        elif op in self._ends:
            body, end = fuse(steps[:-1], self.single), self._ends[op]
        else:
            follow = block.follow = program.block_at(plan.stop)
            is_call = op in CALLING
            body = fuse(steps[:-1] if is_call else steps, self.single)
            end = _suspending(self.single(steps[-1]), follow) if is_call else None
        block.fill(body, end, plan.gas, plan.needs, plan.growth)

    def plan(self, block: Block) -> BasicBlock:
        """Return the decoded form of a block, as plain data."""
        return decode_block(block.program.code, block.start, self.rules.instructions)

    def single(self, step: Step) -> Handler:
        """Return the handler of one instruction that does not end a call and does not jump."""
        if step.opcode == Op.PC:
            return stack.make_push(step.pc)
        known = self._handlers[step.opcode]
        return stack.make_push(step.immediate) if known is None else known


def _suspending(handler: Handler, follow: Block) -> End:
    """Return an instruction after which the frame may have to wait for another one."""

    def suspending(s: list[int], f: Frame) -> Block | None:
        handler(s, f)
        if f.pending is None:
            return follow
        f.resume = follow
        return None

    return suspending
