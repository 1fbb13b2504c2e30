"""Contracts of a few bytes, each for one thing that calls can do."""

from contracts.opcodes import Op
from primitives.genesis import GenesisContract
from primitives.ids import Address
from tests.unit.node.transfers import stranger

ECHO, REVERTING, LOOPING, INVALID, COUNTING, CALLING, SHOWING, HASHES, PAYING, EMITTING = (
    stranger(700 + number) for number in range(10)
)
TAKING_BACK, DEMANDING = stranger(710), stranger(711)
SHOWN = (
    Op.NUMBER, Op.TIMESTAMP, Op.BASEFEE, Op.COINBASE, Op.GASLIMIT, Op.PREVRANDAO, Op.BLOBBASEFEE,
    Op.GASPRICE, Op.ORIGIN, Op.CHAINID,
)  # fmt: skip
"""What `SHOWING` returns, a word for each."""


def call_code(target: Address, value: int = 0) -> bytes:
    """Call with all gas; revert if that fails."""
    code = bytes.fromhex("5f5f5f5f") + bytes([0x60, value, 0x73]) + target
    code += bytes.fromhex("5af115")
    end = len(code) + 4
    return code + bytes([0x60, end, Op.JUMPI, Op.STOP, Op.JUMPDEST, 0x5F, 0x5F, Op.REVERT])


def show_code() -> bytes:
    code = b""
    for place, op in enumerate(SHOWN):
        code += bytes([op, 0x61]) + (32 * place).to_bytes(2, "big") + bytes([Op.MSTORE])
    return code + bytes([0x61]) + (32 * len(SHOWN)).to_bytes(2, "big") + bytes([0x5F, Op.RETURN])


CONTRACTS = (
    GenesisContract(ECHO, bytes.fromhex("365f5f37365ff3")),
    GenesisContract(REVERTING, bytes.fromhex("365f5f37365ffd")),
    GenesisContract(LOOPING, bytes.fromhex("5b5f56")),
    GenesisContract(INVALID, bytes.fromhex("fe")),
    # Adds one to slot 0.
    GenesisContract(COUNTING, bytes.fromhex("5f54600101805f5500"), storage=((0, 7),)),
    GenesisContract(CALLING, call_code(COUNTING)),
    GenesisContract(SHOWING, show_code()),
    # The hash of the block whose number is given.
    GenesisContract(HASHES, bytes.fromhex("5f35405f5260205ff3")),
    GenesisContract(PAYING, call_code(stranger(800), value=3)),
    # LOG1 with the first word of the input as topic.
    GenesisContract(EMITTING, bytes.fromhex("5f355f5fa100")),
    # LOG0, then REVERT.
    GenesisContract(TAKING_BACK, bytes.fromhex("5f5fa05f5ffd")),
    # Reverts unless 500,000 gas are left; it uses next to nothing.
    GenesisContract(DEMANDING, bytes.fromhex("6207a1205a11600c575f5ffd5b00")),
)
