"""One call in progress: stack, memory, gas, and what it was called with."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from contracts.context import BlockContext, TransactionContext
from contracts.halts import OutOfGas
from contracts.state import State
from primitives.ids import Address

if TYPE_CHECKING:
    from contracts.evm import Evm
    from contracts.program import Block, Program


class Frame:
    """State that stays while a call runs. Handlers of instructions work on it.

    Calls do not nest as Python functions do: `pending` holds the frame that an instruction wants
    to start, and `contracts.machine` comes back to this one at `resume`.
    """

    __slots__ = (
        "address", "block", "caller", "created", "data", "depth", "destroyed",
        "evm", "failure", "gas", "is_static", "mark", "memory", "output",
        "output_place", "parent", "pending", "program", "refund", "resume", "return_data",
        "reverted", "stack", "state", "transaction", "value",
    )  # fmt: skip

    def __init__(
        self,
        evm: "Evm",
        state: State,
        block: BlockContext,
        transaction: TransactionContext,
        program: "Program",
    ) -> None:
        self.evm = evm
        self.state = state
        self.block = block
        self.transaction = transaction
        self.program = program
        self.resume: Block = program.entry
        """Where it goes on."""
        self.stack: list[int] = []
        """Last item on top; items are below 2**256."""
        self.memory = bytearray()
        """Always whole words."""
        self.return_data = b""
        """What the last call gave back."""
        self.output = b""
        self.output_place: tuple[int, int] = (0, 0)
        """Where in its caller's memory the output goes: offset, and most bytes."""
        self.pending: Frame | None = None
        self.parent: Frame | None = None
        self.reverted = False
        self.failure: str | None = None
        """Name of the exceptional halt."""
        self.refund = 0
        """Of this call and those it made that did not fail."""
        self.destroyed: tuple[Address, ...] = ()
        """Likewise; kept where SELFDESTRUCT is refunded, which happens once an account."""
        self.created: Address | None = None
        """The contract that this frame creates, None for a call."""
        self.depth = 0
        self.is_static = False
        self.gas = 0
        self.value = 0
        self.data = b""
        self.mark = 0
        """The state's snapshot to go back to if it fails."""
        self.address: Address
        """Whose storage and balance it works on."""
        self.caller: Address

    @property
    def has_failed(self) -> bool:
        """Whether its changes are taken back."""
        return self.reverted or self.failure is not None

    def charge(self, gas: int) -> None:
        """Take gas.

        Raises:
            OutOfGas: there is less.
        """
        left = self.gas - gas
        if left < 0:
            raise OutOfGas
        self.gas = left

    def expand(self, end: int) -> None:
        """Pay for memory up to byte `end`, which is past its end, and have it.

        Raises:
            OutOfGas: the memory is not grown then.
        """
        words = (end + 31) >> 5
        old = len(self.memory) >> 5
        left = self.gas - (3 * (words - old) + (words * words >> 9) - (old * old >> 9))
        if left < 0:
            raise OutOfGas
        self.gas = left
        self.memory += bytes((words - old) << 5)

    def touch_memory(self, offset: int, size: int) -> None:
        """Have memory for `size` bytes at `offset`; nothing happens if `size` is 0.

        Raises:
            OutOfGas: it cannot be paid.
        """
        if size and offset + size > len(self.memory):
            self.expand(offset + size)

    def write(self, place: tuple[int, int], output: bytes) -> None:
        """Put a call's output into memory that was paid for, as far as there is room for it."""
        offset, size = place
        part = output[:size] if size < len(output) else output
        if part:
            self.memory[offset : offset + len(part)] = part


Handler: TypeAlias = Callable[[list[int], Frame], None]
"""Runs one instruction, or several. Its static gas is paid and its operands are there.

Raises an `ExceptionalHalt` when the call fails."""

End: TypeAlias = Callable[[list[int], Frame], "Block | None"]
"""Runs the last instruction of a block and returns the next block; None: the call has ended, or
another one is `pending`."""
