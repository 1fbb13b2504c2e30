"""Code made ready to run: basic blocks with a handler for each instruction.

Blocks are made when they are first entered, since most of a large contract never runs. Until then
one stands as a shell whose `needs` no stack can meet, so that the check at every entry finds it out
and no second one is due.
"""

from collections.abc import Callable

from contracts.decode import STACK_MAX, BasicBlock, jump_targets
from contracts.delegation import designated
from contracts.frame import End, Handler
from contracts.halts import InvalidJump

UNMADE = STACK_MAX + 1
"""What a shell needs: more than a stack can hold."""


class Block:
    """A basic block in executable form."""

    __slots__ = ("body", "end", "follow", "gas", "needs", "plan", "program", "room", "start")

    def __init__(self, program: "Program", start: int) -> None:
        self.program = program
        self.start = start
        self.plan: BasicBlock | None = None
        """The decoded form; None for a shell."""
        self.gas = 0
        self.needs = UNMADE
        self.room = STACK_MAX
        """Most items with which the stack does not overflow."""
        self.body: tuple[Handler, ...] = ()
        self.end: End | None = None
        """Decides where it goes on; None: at `follow`."""
        self.follow: Block = self


class Program:
    """A contract's code, decoded as far as it has run.

    It holds nothing of any call, so all calls of the same code share one.
    """

    __slots__ = ("_make", "blocks", "code", "delegate", "entry", "jumps", "targets")

    def __init__(self, code: bytes, make: Callable[[Block], None]) -> None:
        self.code = code
        self.delegate = designated(code)
        """Whom the code points to, if it is a delegation (EIP-7702)."""
        self._make = make
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

    def make(self, block: Block) -> None:
        """Fill a shell."""
        self._make(block)
