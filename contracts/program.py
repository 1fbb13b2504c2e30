"""Code made ready to run: basic blocks with a handler for each instruction.

Blocks are made ready when they have run often enough (`contracts.assemble`). Until then one stands
as a shell whose `needs` no stack can meet, so that the check at every entry finds it out and no
second one is due.
"""

from collections.abc import Sequence

from contracts.decode import IMMEDIATE_BYTES_MAX, STACK_MAX, jump_targets
from contracts.delegation import designated
from contracts.frame import End, Handler
from contracts.halts import InvalidJump

UNMADE = STACK_MAX + 1
"""What a shell needs: more than a stack can hold."""


class Block:
    """A basic block in executable form."""

    __slots__ = ("follow", "gas", "needs", "program", "room", "runs", "start", "work")

    def __init__(self, program: "Program", start: int) -> None:
        self.program = program
        self.start = start
        self.runs = 0
        """As a shell."""
        self.gas = 0
        self.needs = UNMADE
        self.room = STACK_MAX
        """Most items with which the stack does not overflow."""
        self.work: tuple[tuple[Handler, ...], End | None] = ((), None)
        """What runs, and what decides where it goes on; None: at `follow`. One attribute, because
        the two are made for each other and are changed together."""
        self.follow: Block = self

    def fill(
        self, body: Sequence[Handler], end: End | None, gas: int, needs: int, growth: int
    ) -> None:
        """Make it ready to run; `needs` comes last, so that nobody enters it half made."""
        self.work = tuple(body), end
        self.gas = gas
        self.room = STACK_MAX - growth
        self.needs = needs


class Program:
    """A contract's code, decoded as far as it has run.

    It holds nothing of any call, so all calls of the same code share one.
    """

    __slots__ = ("blocks", "code", "delegate", "entry", "jumps", "padded", "targets")

    def __init__(self, code: bytes) -> None:
        self.code = code
        self.padded = code + bytes(IMMEDIATE_BYTES_MAX + 1)
        """With the zeros that stand behind the end: STOP, or the rest of an immediate."""
        self.delegate = designated(code)
        """Whom the code points to, if it is a delegation (EIP-7702)."""
        self.blocks: dict[int, Block] = {}
        """By start. At most one for each byte of code."""
        self.jumps: dict[int, Block] = {}
        """Those that were jumped to."""
        self.targets: frozenset[int] | None = None
        self.entry = self.block_at(0)

    def block_at(self, start: int) -> Block:
        """Return the block that begins there, maybe as a shell."""
        block = self.blocks.get(start)
        if block is None:
            block = self.blocks[start] = Block(self, start)
        return block

    def jump_block(self, target: int) -> Block:
        """Return the block to jump to.

        Raises:
            InvalidJump: no instruction JUMPDEST stands there.
        """
        block = self.jumps.get(target)
        if block is not None:
            return block
        if not self.is_target(target):
            raise InvalidJump
        block = self.jumps[target] = self.block_at(target)
        return block

    def is_target(self, place: int) -> bool:
        """Whether a JUMPDEST stands there."""
        if self.targets is None:
            self.targets = jump_targets(self.code)
        return place in self.targets
