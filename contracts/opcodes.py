"""The instructions: number, name, stack effect, price, the fork that each came with.

Prices are those of the first fork that had the instruction; `contracts.rules` has the changes.

Reference: Yellow Paper, appendix H, and the EIP that introduced what came later.
"""

from enum import IntEnum

import msgspec

from primitives.fork import Fork


class Op(IntEnum):
    """Numbers of instructions by name. PUSH, DUP, SWAP and LOG stand for their first."""

    STOP = 0x00
    ADD = 0x01
    MUL = 0x02
    SUB = 0x03
    DIV = 0x04
    SDIV = 0x05
    MOD = 0x06
    SMOD = 0x07
    ADDMOD = 0x08
    MULMOD = 0x09
    EXP = 0x0A
    SIGNEXTEND = 0x0B
    LT = 0x10
    GT = 0x11
    SLT = 0x12
    SGT = 0x13
    EQ = 0x14
    ISZERO = 0x15
    AND = 0x16
    OR = 0x17
    XOR = 0x18
    NOT = 0x19
    BYTE = 0x1A
    SHL = 0x1B
    SHR = 0x1C
    SAR = 0x1D
    CLZ = 0x1E
    KECCAK256 = 0x20
    ADDRESS = 0x30
    BALANCE = 0x31
    ORIGIN = 0x32
    CALLER = 0x33
    CALLVALUE = 0x34
    CALLDATALOAD = 0x35
    CALLDATASIZE = 0x36
    CALLDATACOPY = 0x37
    CODESIZE = 0x38
    CODECOPY = 0x39
    GASPRICE = 0x3A
    EXTCODESIZE = 0x3B
    EXTCODECOPY = 0x3C
    RETURNDATASIZE = 0x3D
    RETURNDATACOPY = 0x3E
    EXTCODEHASH = 0x3F
    BLOCKHASH = 0x40
    COINBASE = 0x41
    TIMESTAMP = 0x42
    NUMBER = 0x43
    PREVRANDAO = 0x44
    GASLIMIT = 0x45
    CHAINID = 0x46
    SELFBALANCE = 0x47
    BASEFEE = 0x48
    BLOBHASH = 0x49
    BLOBBASEFEE = 0x4A
    POP = 0x50
    MLOAD = 0x51
    MSTORE = 0x52
    MSTORE8 = 0x53
    SLOAD = 0x54
    SSTORE = 0x55
    JUMP = 0x56
    JUMPI = 0x57
    PC = 0x58
    MSIZE = 0x59
    GAS = 0x5A
    JUMPDEST = 0x5B
    TLOAD = 0x5C
    TSTORE = 0x5D
    MCOPY = 0x5E
    PUSH0 = 0x5F
    PUSH1 = 0x60
    PUSH32 = 0x7F
    DUP1 = 0x80
    DUP16 = 0x8F
    SWAP1 = 0x90
    SWAP16 = 0x9F
    LOG0 = 0xA0
    LOG4 = 0xA4
    CREATE = 0xF0
    CALL = 0xF1
    CALLCODE = 0xF2
    RETURN = 0xF3
    DELEGATECALL = 0xF4
    CREATE2 = 0xF5
    STATICCALL = 0xFA
    REVERT = 0xFD
    INVALID = 0xFE
    SELFDESTRUCT = 0xFF


class Instruction(msgspec.Struct, frozen=True, gc=False):
    """What is true of an instruction wherever it stands."""

    opcode: int
    name: str
    pops: int
    """Items that it needs; DUPn and SWAPn count those that they reach."""
    pushes: int
    """Items that it leaves in place of those."""
    gas: int
    """What it costs at least, whatever its operands are."""
    since: Fork
    immediate_bytes: int = 0


F = Fork
_ROWS: tuple[tuple[Op, int, int, int, Fork], ...] = (
    (Op.STOP, 0, 0, 0, F.FRONTIER),
    (Op.ADD, 2, 1, 3, F.FRONTIER),
    (Op.MUL, 2, 1, 5, F.FRONTIER),
    (Op.SUB, 2, 1, 3, F.FRONTIER),
    (Op.DIV, 2, 1, 5, F.FRONTIER),
    (Op.SDIV, 2, 1, 5, F.FRONTIER),
    (Op.MOD, 2, 1, 5, F.FRONTIER),
    (Op.SMOD, 2, 1, 5, F.FRONTIER),
    (Op.ADDMOD, 3, 1, 8, F.FRONTIER),
    (Op.MULMOD, 3, 1, 8, F.FRONTIER),
    (Op.EXP, 2, 1, 10, F.FRONTIER),
    (Op.SIGNEXTEND, 2, 1, 5, F.FRONTIER),
    (Op.LT, 2, 1, 3, F.FRONTIER),
    (Op.GT, 2, 1, 3, F.FRONTIER),
    (Op.SLT, 2, 1, 3, F.FRONTIER),
    (Op.SGT, 2, 1, 3, F.FRONTIER),
    (Op.EQ, 2, 1, 3, F.FRONTIER),
    (Op.ISZERO, 1, 1, 3, F.FRONTIER),
    (Op.AND, 2, 1, 3, F.FRONTIER),
    (Op.OR, 2, 1, 3, F.FRONTIER),
    (Op.XOR, 2, 1, 3, F.FRONTIER),
    (Op.NOT, 1, 1, 3, F.FRONTIER),
    (Op.BYTE, 2, 1, 3, F.FRONTIER),
    (Op.SHL, 2, 1, 3, F.CONSTANTINOPLE),
    (Op.SHR, 2, 1, 3, F.CONSTANTINOPLE),
    (Op.SAR, 2, 1, 3, F.CONSTANTINOPLE),
    (Op.CLZ, 1, 1, 5, F.OSAKA),
    (Op.KECCAK256, 2, 1, 30, F.FRONTIER),
    (Op.ADDRESS, 0, 1, 2, F.FRONTIER),
    (Op.BALANCE, 1, 1, 20, F.FRONTIER),
    (Op.ORIGIN, 0, 1, 2, F.FRONTIER),
    (Op.CALLER, 0, 1, 2, F.FRONTIER),
    (Op.CALLVALUE, 0, 1, 2, F.FRONTIER),
    (Op.CALLDATALOAD, 1, 1, 3, F.FRONTIER),
    (Op.CALLDATASIZE, 0, 1, 2, F.FRONTIER),
    (Op.CALLDATACOPY, 3, 0, 3, F.FRONTIER),
    (Op.CODESIZE, 0, 1, 2, F.FRONTIER),
    (Op.CODECOPY, 3, 0, 3, F.FRONTIER),
    (Op.GASPRICE, 0, 1, 2, F.FRONTIER),
    (Op.EXTCODESIZE, 1, 1, 20, F.FRONTIER),
    (Op.EXTCODECOPY, 4, 0, 20, F.FRONTIER),
    (Op.RETURNDATASIZE, 0, 1, 2, F.BYZANTIUM),
    (Op.RETURNDATACOPY, 3, 0, 3, F.BYZANTIUM),
    (Op.EXTCODEHASH, 1, 1, 400, F.CONSTANTINOPLE),
    (Op.BLOCKHASH, 1, 1, 20, F.FRONTIER),
    (Op.COINBASE, 0, 1, 2, F.FRONTIER),
    (Op.TIMESTAMP, 0, 1, 2, F.FRONTIER),
    (Op.NUMBER, 0, 1, 2, F.FRONTIER),
    (Op.PREVRANDAO, 0, 1, 2, F.FRONTIER),
    (Op.GASLIMIT, 0, 1, 2, F.FRONTIER),
    (Op.CHAINID, 0, 1, 2, F.ISTANBUL),
    (Op.SELFBALANCE, 0, 1, 5, F.ISTANBUL),
    (Op.BASEFEE, 0, 1, 2, F.LONDON),
    (Op.BLOBHASH, 1, 1, 3, F.CANCUN),
    (Op.BLOBBASEFEE, 0, 1, 2, F.CANCUN),
    (Op.POP, 1, 0, 2, F.FRONTIER),
    (Op.MLOAD, 1, 1, 3, F.FRONTIER),
    (Op.MSTORE, 2, 0, 3, F.FRONTIER),
    (Op.MSTORE8, 2, 0, 3, F.FRONTIER),
    (Op.SLOAD, 1, 1, 50, F.FRONTIER),
    (Op.SSTORE, 2, 0, 0, F.FRONTIER),
    (Op.JUMP, 1, 0, 8, F.FRONTIER),
    (Op.JUMPI, 2, 0, 10, F.FRONTIER),
    (Op.PC, 0, 1, 2, F.FRONTIER),
    (Op.MSIZE, 0, 1, 2, F.FRONTIER),
    (Op.GAS, 0, 1, 2, F.FRONTIER),
    (Op.JUMPDEST, 0, 0, 1, F.FRONTIER),
    (Op.TLOAD, 1, 1, 100, F.CANCUN),
    (Op.TSTORE, 2, 0, 100, F.CANCUN),
    (Op.MCOPY, 3, 0, 3, F.CANCUN),
    (Op.PUSH0, 0, 1, 2, F.SHANGHAI),
    (Op.CREATE, 3, 1, 32_000, F.FRONTIER),
    (Op.CALL, 7, 1, 40, F.FRONTIER),
    (Op.CALLCODE, 7, 1, 40, F.FRONTIER),
    (Op.RETURN, 2, 0, 0, F.FRONTIER),
    (Op.DELEGATECALL, 6, 1, 40, F.HOMESTEAD),
    (Op.CREATE2, 4, 1, 32_000, F.CONSTANTINOPLE),
    (Op.STATICCALL, 6, 1, 700, F.BYZANTIUM),
    (Op.REVERT, 2, 0, 0, F.BYZANTIUM),
    (Op.SELFDESTRUCT, 1, 0, 0, F.FRONTIER),
)
"""(opcode, items needed, items left, gas, first fork)."""


def _instructions() -> tuple[Instruction, ...]:
    rows = [
        Instruction(int(op), op.name, pops, pushes, gas, since)
        for op, pops, pushes, gas, since in _ROWS
    ]
    for n in range(1, 33):
        rows.append(Instruction(Op.PUSH0 + n, f"PUSH{n}", 0, 1, 3, F.FRONTIER, n))
    for n in range(1, 17):
        rows.append(Instruction(Op.DUP1 + n - 1, f"DUP{n}", n, n + 1, 3, F.FRONTIER))
        rows.append(Instruction(Op.SWAP1 + n - 1, f"SWAP{n}", n + 1, n + 1, 3, F.FRONTIER))
    for n in range(5):
        rows.append(Instruction(Op.LOG0 + n, f"LOG{n}", n + 2, 0, 375 + 375 * n, F.FRONTIER))
    return tuple(sorted(rows, key=lambda row: row.opcode))


INSTRUCTIONS = _instructions()
"""All instructions of all forks, by ascending opcode. INVALID is none of them."""

HALTING = frozenset({Op.STOP, Op.RETURN, Op.REVERT, Op.INVALID, Op.SELFDESTRUCT})
"""The call ends with them."""
CALLING = frozenset({Op.CREATE, Op.CREATE2, Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL})
"""They may start another frame."""
OBSERVING = frozenset(
    {
        Op.GAS, Op.SLOAD, Op.SSTORE, Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODECOPY, Op.EXTCODEHASH,
    }
)  # fmt: skip
"""They show the gas that is left, or what they do to the state depends on it."""
BLOCK_ENDS = HALTING | CALLING | OBSERVING | {Op.JUMP, Op.JUMPI}
"""A basic block ends after each of these: there, gas charged block by block is exact."""
