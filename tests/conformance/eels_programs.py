"""Random contracts for the comparison with EELS: programs that make sense, with gas in everything.

A program is a list of statements, each of which leaves the stack as it was. What an expression
gives ends in storage, memory or a log, and many expressions show the gas that is left, so that a
price that is wrong by one cannot hide.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from contracts.opcodes import Op
from primitives.fork import Fork

WORDS = (0, 1, 2, 3, 31, 32, 33, 64, 255, 256, 2**32, 2**64 - 1, 2**64, 2**128, 2**255, 2**256 - 1)
ENVIRONMENT = (
    Op.ADDRESS, Op.ORIGIN, Op.CALLER, Op.CALLVALUE, Op.CALLDATASIZE, Op.CODESIZE, Op.GASPRICE,
    Op.COINBASE, Op.TIMESTAMP, Op.NUMBER, Op.PREVRANDAO, Op.GASLIMIT, Op.CHAINID, Op.SELFBALANCE,
    Op.BASEFEE, Op.MSIZE, Op.GAS, Op.GAS, Op.PC, Op.RETURNDATASIZE,
)  # fmt: skip
BINARY = (
    Op.ADD, Op.MUL, Op.SUB, Op.DIV, Op.SDIV, Op.MOD, Op.SMOD, Op.EXP, Op.SIGNEXTEND, Op.LT, Op.GT,
    Op.SLT, Op.SGT, Op.EQ, Op.AND, Op.OR, Op.XOR, Op.BYTE, Op.SHL, Op.SHR, Op.SAR,
)  # fmt: skip
GASES = (0, 5, 6, 7, 100, 2_305, 2_306, 2_307, 2_600, 5_000, 9_000, 20_000, 60_000, 300_000)
"""With the stipend, or without it, 6 is what leaves exactly 2,300 behind two pushes."""
CAREFUL_GASES = (6, 2_306, 5_000, 20_000, 20_000, 40_000, 40_000)
SALTS = 2
NEAR = 3
"""So many of the targets get half of all looks, so that some come after others."""


class Surroundings(NamedTuple):
    """What programs know of the world that they run in."""

    fork: Fork
    targets: Sequence[bytes]
    """Addresses that calls go to, precompiles included."""
    inputs: Sequence[tuple[int, bytes]]
    """Inputs of precompiles, each with the number of its precompile."""
    initcodes: Sequence[bytes]


def push(value: int, size: int | None = None) -> bytes:
    """Return the shortest PUSH of a number, or one of a given size."""
    length = max(1, (value.bit_length() + 7) // 8) if size is None else size
    return bytes([Op.PUSH0 + length]) + value.to_bytes(length, "big")


def put_bytes(data: bytes, place: int = 0) -> bytes:
    """Return code that writes bytes into memory, word by word."""
    code = b""
    for at in range(0, len(data), 32):
        word = data[at : at + 32].ljust(32, b"\0")
        code += push(int.from_bytes(word, "big"), 32) + push(place + at) + bytes([Op.MSTORE])
    return code


class Writer:
    """Writes programs for some surroundings."""

    def __init__(self, random: Random, around: Surroundings) -> None:
        self.random = random
        self.around = around
        self.is_careful = False
        """Whether to leave out what ends a program early."""
        self._statements: tuple[tuple[int, Callable[[], bytes]], ...] = (
            (10, self._store), (3, self._store_transient), (6, self._write_memory), (4, self._copy),
            (4, self._log), (14, self._call), (5, self._call_precompile), (7, self._create),
            (4, self._loop), (6, self._maybe), (1, self._end), (1, self._junk),
            (4, self._returned),
        )  # fmt: skip

    def program(self, size: int) -> bytes:
        """Return a program of `size` statements."""
        weights = [weight for weight, _ in self._statements]
        kinds = [make for _, make in self._statements]
        code = b"".join([make() for make in self.random.choices(kinds, weights, k=size)])
        return code + (self._end() if self.random.random() < 0.7 else b"")

    def driver(self, size: int) -> bytes:
        """Return a program that calls others, looks at what they left, and gets to its end.

        What may fail is in those that it calls; otherwise most transactions would just have lost
        all their gas, and show nothing but that.
        """
        self.is_careful = True
        kinds = (self._call, self._call, self._create, self._store, self._look, self._look)
        code = b"".join([self.random.choice(kinds)() for _ in range(size)])
        self.is_careful = False
        return code

    def failing(self) -> bytes:
        """Return a program that touches a few things and is taken back."""
        self.is_careful = True
        kinds = (self._look, self._look, self._store, self._store_transient, self._log)
        code = b"".join([self.random.choice(kinds)() for _ in range(4)])
        self.is_careful = False
        return code + self.random.choice((push(0) * 2 + bytes([Op.REVERT]), bytes([Op.INVALID])))

    def _look(self) -> bytes:
        """Access something, and keep what it shows, or the gas that is left."""
        kind = self.random.randrange(6)
        if kind == 0:
            return self._read(3) + self._use()
        if kind == 1:
            return bytes([Op.RETURNDATASIZE]) + self._slot() + bytes([Op.SSTORE])
        if kind == 2 and self.around.fork >= Fork.CANCUN:
            return self._slot() + bytes([Op.TLOAD]) + self._slot() + bytes([Op.SSTORE])
        if kind == 3:
            return self._slot() + bytes([Op.SLOAD]) + self._use()
        operation = self.random.choice((Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH))
        return self.target() + bytes([operation]) + self._use()

    def value(self, depth: int = 0) -> bytes:
        """Return code that pushes one item."""
        kind = self.random.randrange(10)
        if kind < 3 or depth > 2:
            if self.random.random() < 0.1 and self.around.fork >= Fork.SHANGHAI:
                return bytes([Op.PUSH0])
            return push(self.random.choice((*WORDS[:6], *WORDS, self.random.getrandbits(256))))
        if kind < 5:
            return self._environment()
        if kind < 8:
            return self._read(depth)
        operation = self.random.choice(BINARY)
        return self.value(depth + 1) + self.value(depth + 1) + bytes([operation])

    def _environment(self) -> bytes:
        operations: tuple[Op, ...] = ENVIRONMENT
        if self.around.fork >= Fork.CANCUN:
            operations = (*operations, Op.BLOBBASEFEE)
        return bytes([self.random.choice(operations)])

    def _read(self, depth: int) -> bytes:
        kind = self.random.randrange(9)
        if kind < 2:
            return self._slot() + bytes([Op.SLOAD])
        if kind == 2:
            if self.around.fork < Fork.CANCUN:
                return self._slot() + bytes([Op.SLOAD])
            return self._slot() + bytes([self.random.choice((Op.TLOAD, Op.TLOAD, Op.BLOBHASH))])
        if kind == 3:
            return self._small() + bytes([Op.MLOAD])
        if kind == 4:
            return self._offset() + bytes([Op.CALLDATALOAD])
        if kind == 5:
            lower = push(self.random.choice((0, 1, 2, 256, 257)))
            return lower + bytes([Op.NUMBER, Op.SUB, Op.BLOCKHASH])
        if kind == 6:
            operations = [Op.NOT, Op.ISZERO]
            operations += [Op.CLZ] if self.around.fork >= Fork.OSAKA else []
            return self.value(depth + 1) + bytes([self.random.choice(operations)])
        if kind == 7:
            modulus = self.value(depth + 1) + self.value(depth + 1) + self.value(depth + 1)
            return modulus + bytes([self.random.choice((Op.ADDMOD, Op.MULMOD))])
        operation = self.random.choice((Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH))
        return self.target() + bytes([operation])

    def target(self) -> bytes:
        """Return code that pushes an address, maybe with dirt above it, or what a slot holds."""
        if self.random.random() < 0.15:
            return self._slot() + bytes([Op.SLOAD])
        if self.random.random() < 0.1:
            return bytes([self.random.choice((Op.ADDRESS, Op.CALLER, Op.ORIGIN, Op.COINBASE))])
        near = self.random.random() < 0.5
        targets = self.around.targets[: NEAR if near else None]
        address = int.from_bytes(self.random.choice(targets), "big")
        if self.random.random() < 0.1:
            address |= self.random.getrandbits(96) << 160
        return push(address)

    def _slot(self) -> bytes:
        return push(self.random.randrange(4))

    def _small(self) -> bytes:
        """Push a place in memory; now and then one that nobody can pay."""
        rare = (2**16, 2**32, 2**64 - 1, 2**256 - 1)
        if self.random.random() < 0.02 and not self.is_careful:
            return push(self.random.choice(rare))
        return push(self.random.choice((0, 0, 1, 31, 32, 33, 64, self.random.randrange(1_200))))

    def _offset(self) -> bytes:
        return push(self.random.choice((0, 1, 4, 32, 100, 2**64, 2**256 - 1)))

    def _size(self) -> bytes:
        if self.random.random() < 0.02 and not self.is_careful:
            return push(self.random.choice((2**20, 2**64, 2**256 - 1)))
        return push(self.random.choice((0, 0, 1, 31, 32, 33, 64, self.random.randrange(300))))

    def _store(self) -> bytes:
        values = [push(self.random.randrange(3)), push(self.random.randrange(3)), self.value()]
        return self.random.choice(values) + self._slot() + bytes([Op.SSTORE])

    def _store_transient(self) -> bytes:
        if self.around.fork < Fork.CANCUN:
            return self._store()
        return self.value() + self._slot() + bytes([Op.TSTORE])

    def _write_memory(self) -> bytes:
        if self.around.fork >= Fork.CANCUN and self.random.random() < 0.3:
            return self._size() + self._small() + self._small() + bytes([Op.MCOPY])
        return self.value() + self._small() + bytes([self.random.choice((Op.MSTORE, Op.MSTORE8))])

    def _copy(self) -> bytes:
        kind = self.random.randrange(5)
        if kind == 0:
            return self._size() + self._offset() + self._small() + bytes([Op.CALLDATACOPY])
        if kind == 1:
            return self._size() + self._offset() + self._small() + bytes([Op.CODECOPY])
        if kind == 2:
            copied = self._size() + self._offset() + self._small() + self.target()
            return copied + bytes([Op.EXTCODECOPY])
        if kind == 3:
            hashed = self._size() + self._small() + bytes([Op.KECCAK256])
            return hashed + self._slot() + bytes([Op.SSTORE])
        return self._returned()

    def _returned(self) -> bytes:
        """Copy what the last call returned: all of it, a part, or a byte too much."""
        most = bytes([Op.RETURNDATASIZE])
        size = self.random.choice([most, most, most, most, push(0), push(32)])
        start = push(1 if self.random.random() < 0.05 else 0)
        return size + start + self._small() + bytes([Op.RETURNDATACOPY])

    def _log(self) -> bytes:
        topics = self.random.randrange(5)
        items = b"".join([self.value(1) for _ in range(topics)])
        return items + self._size() + self._small() + bytes([Op.LOG0 + topics])

    def _gas(self) -> bytes:
        if self.is_careful:
            return push(self.random.choice(CAREFUL_GASES))
        if self.random.random() < 0.4:
            return bytes([Op.GAS])
        return push(self.random.choice((*GASES, self.random.randrange(100_000), 2**64, 2**256 - 1)))

    def _call(self) -> bytes:
        kind = self.random.choice(
            (Op.CALL, Op.CALL, Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL)
        )
        code = self._size() + self._small() + self._size() + self._small()
        if kind in (Op.CALL, Op.CALLCODE):
            code += push(self.random.choice((0, 0, 0, 1, 1, 1_000, 10**19)))
        return code + self.target() + self._gas() + bytes([kind]) + self._use()

    def _use(self) -> bytes:
        """Do something with the item on top."""
        kind = self.random.randrange(5)
        if kind == 0:
            return bytes([Op.POP])
        if kind == 1:
            return bytes([Op.GAS, Op.ADD]) + self._slot() + bytes([Op.SSTORE])
        if kind == 2:
            return self._small() + bytes([Op.MSTORE])
        return self._slot() + bytes([Op.SSTORE])

    def _call_precompile(self) -> bytes:
        """Call one with an input that is nearly right, and gas that is nearly enough."""
        number, data = self.random.choice(self.around.inputs)
        size = len(data)
        if self.random.random() < 0.3:
            size = max(0, size + self.random.choice((-1, 1, -32, 32)))
        if data and self.random.random() < 0.3:
            spoilt = bytearray(data)
            spoilt[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
            data = bytes(spoilt)
        kind = self.random.choice((Op.CALL, Op.STATICCALL, Op.DELEGATECALL, Op.CALLCODE))
        code = put_bytes(data) + self._size() + self._small() + push(size) + push(0)
        if kind in (Op.CALL, Op.CALLCODE):
            code += push(self.random.choice((0, 0, 1)))
        return code + push(number) + self._gas() + bytes([kind]) + self._use()

    def _create(self) -> bytes:
        initcode = self.random.choice(self.around.initcodes)
        size = len(initcode) + (self.random.choice((0, 1)))
        if self.random.random() < 0.04 and not self.is_careful:
            size = self.random.choice((49_152, 49_153))
        code = put_bytes(initcode)
        is_salted = self.random.random() < 0.5
        if is_salted:
            code += push(self.random.randrange(SALTS))
        code += push(size) + push(0) + push(self.random.choice((0, 0, 0, 1, 10**19)))
        return code + bytes([Op.CREATE2 if is_salted else Op.CREATE]) + self._use_created()

    def _use_created(self) -> bytes:
        """Call what was created, look at it, or keep its address for others."""
        kind = self.random.randrange(4)
        if kind == 0:
            return self._slot() + bytes([Op.SSTORE])
        if kind == 1:
            looked = bytes([self.random.choice((Op.EXTCODEHASH, Op.EXTCODESIZE, Op.BALANCE))])
            return looked + self._slot() + bytes([Op.SSTORE])
        keep = bytes([Op.DUP1]) + self._slot() + bytes([Op.SSTORE])
        arguments = self._size() + self._small() + self._size() + self._small()
        value = push(self.random.choice((0, 0, 1)))
        # The address lies below the arguments: DUP6 brings it up.
        call = arguments + value + bytes([Op.DUP1 + 5]) + self._gas() + bytes([Op.CALL])
        return keep + call + self._use() + bytes([Op.POP])

    def _loop(self) -> bytes:
        """Run a small body several times, often enough that blocks are made ready to run."""
        body = self._store() if self.random.random() < 0.3 else self.value(1) + bytes([Op.POP])
        count = push(self.random.choice((2, 5, 60)))
        down = push(1) + bytes([Op.SWAP1, Op.SUB, Op.DUP1])
        back = push(len(body) + 9, 2) + bytes([Op.PC, Op.SUB, Op.JUMPI, Op.POP])
        return count + bytes([Op.JUMPDEST]) + body + down + back

    def _maybe(self) -> bytes:
        """Do a statement only if a condition holds."""
        inner = self.random.choice((self._store, self._end, self._log, self._call))()
        test = self.value(1) + bytes([Op.ISZERO])
        skip = push(len(inner) + 3, 2) + bytes([Op.PC, Op.ADD, Op.JUMPI])
        return test + skip + inner + bytes([Op.JUMPDEST])

    def _end(self) -> bytes:
        kind = self.random.randrange(12)
        if kind < 5:
            return self._size() + self._small() + bytes([Op.RETURN])
        if kind < 7:
            return self._size() + self._small() + bytes([Op.REVERT])
        if kind == 7:
            return bytes([Op.INVALID])
        if kind == 8:
            return bytes([Op.STOP])
        return self.target() + bytes([Op.SELFDESTRUCT])

    def _junk(self) -> bytes:
        if self.random.random() < 0.5:
            return bytes([self.random.randrange(256)])
        return bytes([self.random.choice((Op.JUMP, Op.JUMPI, Op.POP, Op.SWAP16, Op.DUP16))])


def returning(code: bytes, spoil: bytes = b"") -> bytes:
    """Return initcode that returns `code`, after doing `spoil`."""
    head = 12
    copy = push(len(code), 2) + push(len(spoil) + head + 3, 2) + push(0) + bytes([Op.CODECOPY])
    give = push(len(code), 2) + push(0) + bytes([Op.RETURN])
    assert len(copy) + len(give) == head + 3
    return spoil + copy + give + code
