"""A virtual machine that runs instruction by instruction, and a call as a function in a function.

The twin of `contracts.machine`: nothing is decoded in advance, gas is charged before each
instruction by a table of its own. From Berlin to Osaka. It shares only the precompiled contracts
and the conversions of numbers with the machine under test.
"""

from dataclasses import dataclass, field

from contracts.context import BlockContext
from contracts.precompiles import precompiles_for
from primitives.fork import Fork
from primitives.ids import Address, Hash32
from primitives.keccak import keccak256
from primitives.receipt import Log
from tests.properties.naive_alu import TWO_256, compute, operand_count
from tests.unit.contracts.naive_state import NaiveState

EMPTY_HASH = keccak256(b"")
CHEAP = frozenset([0x50, 0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3A, 0x3D, *range(0x41, 0x47)])
CHEAP |= {0x48, 0x4A, 0x58, 0x59, 0x5A, 0x5F}
FIVE = frozenset({0x02, 0x04, 0x05, 0x06, 0x07, 0x0B, 0x1E, 0x47})
OTHERS = {
    0x00: 0, 0x08: 8, 0x09: 8, 0x0A: 10, 0x20: 30, 0x31: 100, 0x3B: 100, 0x3C: 100, 0x3F: 100,
    0x40: 20, 0x54: 100, 0x55: 0, 0x56: 8, 0x57: 10, 0x5B: 1, 0x5C: 100, 0x5D: 100, 0xF0: 32000,
    0xF1: 100, 0xF2: 100, 0xF3: 0, 0xF4: 100, 0xF5: 32000, 0xFA: 100, 0xFD: 0, 0xFF: 5000,
}  # fmt: skip
THREE = frozenset(
    [0x01, 0x03, *range(0x10, 0x1E), 0x35, 0x37, 0x39, 0x3E, 0x49, 0x51, 0x52, 0x53, 0x5E]
)
SINCE = {
    0x48: Fork.LONDON, 0x5F: Fork.SHANGHAI, 0x49: Fork.CANCUN, 0x4A: Fork.CANCUN,
    0x5C: Fork.CANCUN, 0x5D: Fork.CANCUN, 0x5E: Fork.CANCUN, 0x1E: Fork.OSAKA,
}  # fmt: skip


class Halt(Exception):
    """An exceptional halt, with its name."""


@dataclass
class Call:
    """One call."""

    caller: Address
    address: Address
    code: bytes
    value: int
    data: bytes
    gas: int
    depth: int = 0
    static: bool = False
    pc: int = 0
    stack: list[int] = field(default_factory=list)
    memory: bytearray = field(default_factory=bytearray)
    returned: bytes = b""
    output: bytes = b""
    refund: int = 0
    failure: str | None = None
    reverted: bool = False
    done: bool = False


def static_gas(op: int, fork: Fork) -> int | None:
    """Return what an instruction costs at least; None if there is no such instruction."""
    if SINCE.get(op, fork) > fork:
        return None
    if 0x60 <= op <= 0x9F or op in THREE:
        return 3
    if 0xA0 <= op <= 0xA4:
        return 375 * (op - 0xA0 + 1)
    return 2 if op in CHEAP else 5 if op in FIVE else OTHERS.get(op)


def valid_targets(code: bytes) -> set[int]:
    found, pc = set(), 0
    while pc < len(code):
        if code[pc] == 0x5B:
            found.add(pc)
        pc += code[pc] - 0x5E if 0x60 <= code[pc] <= 0x7F else 1
    return found


class NaiveEvm:
    """Runs calls on a naive state."""

    def __init__(self, state: NaiveState, block: BlockContext, origin: Address, price: int) -> None:
        self.state, self.block, self.origin, self.price = state, block, origin, price
        self.fork = block.fork
        self.precompiles = precompiles_for(block.fork)

    def run(self, c: Call, is_creation: bool = False) -> None:
        """Run a call to its end; take its changes back if it fails."""
        mark = self.state.snapshot()
        try:
            if is_creation:
                self.state.begin_contract(c.address)
                self.state.set_nonce(c.address, 1)
            if c.value and is_creation:
                self.state.take_balance(c.caller, c.value)
                self.state.add_balance(c.address, c.value)
            while not c.done:
                self.step(c)
            if is_creation and not c.reverted:
                self.deposit(c)
        except Halt as halt:
            c.failure, c.gas, c.output = str(halt), 0, b""
        if c.failure or c.reverted:
            self.state.revert(mark)
            c.refund = 0

    def deposit(self, c: Call) -> None:
        if c.output[:1] == b"\xef" and self.fork >= Fork.LONDON:
            raise Halt("InvalidCodePrefix")
        if len(c.output) > 24576:
            raise Halt("CodeTooLarge")
        self.pay(c, 200 * len(c.output))
        self.state.set_code(c.address, c.output)

    def pay(self, c: Call, gas: int) -> None:
        if c.gas < gas:
            raise Halt("OutOfGas")
        c.gas -= gas

    def step(self, c: Call) -> None:
        op = c.code[c.pc] if c.pc < len(c.code) else 0
        gas = static_gas(op, self.fork)
        if gas is None:
            raise Halt("InvalidOpcode")
        takes, leaves = operand_count(op)
        if len(c.stack) < takes:
            raise Halt("StackUnderflow")
        if len(c.stack) - takes + leaves > 1024:
            raise Halt("StackOverflow")
        self.pay(c, gas)
        c.pc += 1
        if 0x5F <= op <= 0x7F:
            size = op - 0x5F
            c.stack.append(int.from_bytes(c.code[c.pc : c.pc + size].ljust(size, b"\0"), "big"))
            c.pc += size
        elif 0x80 <= op <= 0x8F:
            c.stack.append(c.stack[-(op - 0x7F)])
        elif 0x90 <= op <= 0x9F:
            n = op - 0x8F
            c.stack[-1], c.stack[-1 - n] = c.stack[-1 - n], c.stack[-1]
        elif op <= 0x1E and op:
            if op == 0x0A:
                self.pay(c, 50 * ((c.stack[-2].bit_length() + 7) // 8))
            args = [c.stack.pop() for _ in range(takes)]
            c.stack.append(compute(op, args) % TWO_256)
        else:
            from tests.properties import naive_instructions

            naive_instructions.perform(self, c, op)

    def memory(self, c: Call, *areas: tuple[int, int]) -> None:
        """Pay for and have memory for (offset, size) areas."""
        end = max((offset + size for offset, size in areas if size), default=0)
        words, old = (end + 31) // 32, len(c.memory) // 32
        if words > old:
            self.pay(c, 3 * words + words**2 // 512 - 3 * old - old**2 // 512)
            c.memory.extend(bytes(32 * (words - old)))

    def warm(self, c: Call, address: Address) -> None:
        if address not in self.precompiles and not self.state.warm_address(address):
            self.pay(c, 2500)
        elif address in self.precompiles:
            self.state.warm_address(address)

    def log(self, c: Call, topics: list[int], data: bytes) -> None:
        hashes = tuple(Hash32(topic.to_bytes(32, "big")) for topic in topics)
        self.state.append_log(Log(c.address, hashes, data))
