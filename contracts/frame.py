"""One call in progress: stack, memory, gas, and what it was called with."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from contracts.context import BlockContext, TransactionContext
from contracts.halts import OutOfGas
from contracts.state import State
from primitives.ids import Address

if TYPE_CHECKING:
    from contracts.evm import Evm
    from contracts.program import Block, Program


class CallWatcher(Protocol):
    """Who is told of calls inside calls: a tracer. Ordinary machines have none."""

    def on_call(self, f: "Frame", gas: int, value: int, data: bytes) -> None:
        """A call is about to start: its gas has been taken from `f`, the caller.

        Args:
            f: the caller.
            gas: that it gets, stipend included.
            value: what CALLVALUE shows, in wei.
            data: the input; of a creation, the initcode.
        """
        ...


World: TypeAlias = tuple["Evm", State, BlockContext, TransactionContext]
"""What all frames of a transaction share."""
NOWHERE = (0, 0)


class Frame:
    """State that stays while a call runs. Handlers of instructions work on it.

    Calls do not nest as Python functions do: `pending` holds the frame that an instruction wants
    to start, and `contracts.machine` comes back to this one at `resume`.
    """

    __slots__ = (
        "address", "block", "caller", "created", "data", "depth", "destroyed", "evm", "failure",
        "gas", "has_failed", "is_static", "mark", "memory", "output", "output_place", "parent",
        "pending", "program", "refund", "resume", "return_data", "reverted", "stack", "state",
        "transaction", "value",
    )  # fmt: skip

    def __init__(
        self,
        world: World,
        program: "Program",
        caller: Address,
        address: Address,
        gas: int,
        value: int = 0,
        data: bytes = b"",
        mark: int = 0,
    ) -> None:
        self.evm, self.state, self.block, self.transaction = world
        self.program = program
        self.resume: Block = program.entry
        """Where it goes on."""
        self.caller = caller
        self.address = address
        """Whose storage and balance it works on."""
        self.gas = gas
        self.value = value
        """In wei; what CALLVALUE shows."""
        self.data = data
        self.mark = mark
        """The state's snapshot to go back to if it fails."""
        self.depth = 0
        self.is_static = False
        self.stack: list[int] = []
        """Last item on top; items are below 2**256."""
        self.memory = bytearray()
        """Always whole words."""
        self.return_data = self.output = b""
        """What the last call gave back, and what this one gives back."""
        self.output_place: tuple[int, int] = NOWHERE
        """Where in its caller's memory the output goes: offset, and most bytes."""
        self.pending: Frame | None = None
        self.parent: Frame | None = None
        self.has_failed = self.reverted = False
        """Whether its changes are taken back, and whether by REVERT."""
        self.failure: str | None = None
        """Name of the exceptional halt."""
        self.refund = 0
        """Of this call and those it made that did not fail."""
        self.destroyed: tuple[Address, ...] = ()
        """Likewise; kept where SELFDESTRUCT is refunded, which happens once an account."""
        self.created: Address | None = None
        """The contract that this frame creates, None for a call."""

    @property
    def world(self) -> World:
        """What it shares with all frames of its transaction."""
        return self.evm, self.state, self.block, self.transaction

    def fail(self, reason: str) -> None:
        """End it with an exceptional halt: its gas and its output are lost."""
        self.has_failed = True
        self.failure = reason
        self.gas = 0
        self.output = b""

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
