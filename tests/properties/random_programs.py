"""Random contracts: enough sense in them to get far, enough nonsense to fail in every way."""

from random import Random

from contracts.opcodes import INSTRUCTIONS, Op
from primitives.ids import Address
from tests.unit.contracts.naive_state import NaiveAccount

CONTRACTS = tuple(Address(bytes([0xC0 + n]) * 20) for n in range(4))
PLAIN = Address(b"\x77" * 20)
EMPTY = Address(b"\x99" * 20)
DELEGATING = Address(b"\xdd" * 20)
PRECOMPILES = tuple(Address(bytes(19) + bytes([n])) for n in (1, 2, 4))
TARGETS = (*CONTRACTS, PLAIN, EMPTY, DELEGATING, *PRECOMPILES)
BALANCE = 1_000

SIMPLE = tuple(row.opcode for row in INSTRUCTIONS)
WORDS = (0, 1, 2, 3, 31, 32, 33, 64, 255, 256, 257, 2**64, 2**128, 2**255, 2**256 - 1)
MEMORY_OPS = (
    Op.MLOAD, Op.MSTORE, Op.MSTORE8, Op.KECCAK256, Op.MCOPY, Op.CALLDATACOPY, Op.CODECOPY,
    Op.RETURNDATACOPY,
)  # fmt: skip
CALLS = (Op.CALL, Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL)
ACCOUNT_OPS = (Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH, Op.SELFDESTRUCT)


def push(value: int) -> bytes:
    size = max(1, (value.bit_length() + 7) // 8)
    return bytes([0x5F + size]) + value.to_bytes(size, "big")


class Writer:
    """Writes one program."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.code = bytearray()
        self.holes: list[int] = []
        """Where targets of jumps are to be filled in."""
        self.labels: list[int] = []

    def op(self, opcode: int, *operands: int) -> None:
        """Write an instruction behind pushes of its operands, the first on top."""
        for operand in reversed(operands):
            self.code += push(operand)
        self.code.append(opcode)

    def small(self) -> int:
        return self.random.choice((0, 0, 1, 31, 32, 64, self.random.randrange(200), 5_000))

    def target(self) -> int:
        return int.from_bytes(self.random.choice(TARGETS), "big")

    def fragment(self) -> None:
        kinds = (
            self.simple, self.word, self.move, self.arithmetic, self.memory, self.storage,
            self.jump, self.label, self.call, self.create, self.look, self.leave,
            self.compare_and_jump, self.show_gas,
        )  # fmt: skip
        weights = (4, 10, 10, 16, 8, 8, 3, 5, 7, 2, 3, 1, 6, 3)
        self.random.choices(kinds, weights)[0]()

    def simple(self) -> None:
        self.code.append(self.random.choice(SIMPLE))

    def word(self) -> None:
        self.code += push(self.random.choice((*WORDS, self.random.getrandbits(256))))

    def move(self) -> None:
        for _ in range(self.random.randrange(1, 6)):
            kind = self.random.randrange(4)
            if kind == 0:
                self.code += push(self.random.randrange(300))
            elif kind == 3:
                self.code.append(Op.POP)
            else:
                first = Op.DUP1 if kind == 1 else Op.SWAP1
                self.code.append(first + self.random.randrange(4))

    def arithmetic(self) -> None:
        for _ in range(self.random.randrange(3)):
            self.move() if self.random.random() < 0.5 else self.word()
        self.code.append(self.random.choice([*range(0x01, 0x0C), *range(0x10, 0x1F)]))

    def memory(self) -> None:
        operands = [self.small() for _ in range(3)]
        self.op(self.random.choice(MEMORY_OPS), *operands)
        if self.random.random() < 0.2:
            self.op(Op.LOG0 + self.random.randrange(3), 0, self.small(), 7, 8)

    def storage(self) -> None:
        opcode = self.random.choice((Op.SLOAD, Op.SSTORE, Op.SSTORE, Op.TLOAD, Op.TSTORE))
        self.op(opcode, self.random.randrange(3), self.random.choice((0, 0, 1, 2)))

    def label(self) -> None:
        self.labels.append(len(self.code))
        self.code.append(Op.JUMPDEST)

    def jump(self) -> None:
        self.holes.append(len(self.code) + 1)
        self.code += bytes([Op.PUSH1 + 1, 0, 0, self.random.choice((Op.JUMP, Op.JUMPI))])

    def compare_and_jump(self) -> None:
        if self.random.random() < 0.7:
            self.move()
        self.code.append(self.random.choice((Op.LT, Op.GT, Op.EQ, Op.SUB)))
        self.code += bytes([Op.ISZERO]) * self.random.randrange(3)
        self.holes.append(len(self.code) + 1)
        self.code += bytes([Op.PUSH1 + 1, 0, 0, Op.JUMPI])

    def call(self) -> None:
        opcode = self.random.choice(CALLS)
        value = [self.random.choice((0, 0, 1, BALANCE + 1))] * (opcode in (Op.CALL, Op.CALLCODE))
        gas = self.random.choice((0, 100, 3_000, 20_000, 2**255))
        places = [self.random.choice((0, 1, 32, 70)) for _ in range(4)]
        self.op(opcode, gas, self.target(), *value, *places)

    def create(self) -> None:
        initcode = self.random.choice(
            (b"", push(0) + push(0) + b"\xf3", b"\x60\x05\x60\x00\xf3", b"\x60\x01\x60\x00\xfd")
        )
        self.op(Op.MSTORE, 0, int.from_bytes(initcode.ljust(32, b"\0"), "big"))
        salt = [self.random.randrange(2)]
        opcode = self.random.choice((Op.CREATE, Op.CREATE2))
        self.op(opcode, self.random.randrange(2), 0, self.random.choice((5, 32)), *salt)

    def look(self) -> None:
        self.op(self.random.choice(ACCOUNT_OPS), self.target())

    def show_gas(self) -> None:
        self.code += bytes([Op.GAS])
        if self.random.random() < 0.7:
            self.op(Op.SSTORE if self.random.random() < 0.5 else Op.MSTORE, 0)

    def leave(self) -> None:
        self.op(self.random.choice((Op.RETURN, Op.REVERT, Op.STOP)), 0, self.small())

    def finish(self, fragments: int) -> bytes:
        """Write that many fragments and fill in where jumps go: mostly to labels."""
        for _ in range(self.random.choice((0, 4, 12, 20))):
            self.word()
        for _ in range(fragments):
            self.fragment()
        for hole in self.holes:
            place = self.random.randrange(len(self.code) + 1)
            if self.labels and self.random.random() < 0.9:
                place = self.random.choice(self.labels)
            self.code[hole : hole + 2] = place.to_bytes(2, "big")
        return bytes(self.code)


def random_accounts(random: Random) -> dict[Address, NaiveAccount]:
    """Return accounts for a random run: contracts that call each other, and some without code."""
    accounts = {PLAIN: NaiveAccount(balance=5)}
    accounts[DELEGATING] = NaiveAccount(1, 5, b"\xef\x01\x00" + random.choice(TARGETS))
    for address in CONTRACTS:
        code = Writer(random).finish(random.randrange(1, 40))
        storage = {0: 1, 1: 2} if random.random() < 0.5 else {}
        accounts[address] = NaiveAccount(1, BALANCE, code, storage)
    return accounts
