"""Runs code on a naive state, for tests of single rules."""

from collections.abc import Mapping

from contracts.context import BlockContext, TransactionContext
from contracts.evm import Evm
from contracts.frame import Frame
from contracts.machine import run
from primitives.fork import LATEST, Fork
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from tests.unit.contracts.naive_state import NaiveAccount, NaiveState

HERE = Address(b"\xaa" * 20)
"""Where the code under test stands."""
OTHER = Address(b"\xbb" * 20)
ORIGIN = Address(b"\x0f" * 20)
FEE_RECIPIENT = Address(b"\xfe" * 20)
GAS = 1_000_000


def push(value: int, size: int = 0) -> str:
    """Return the hexadecimal code that pushes a value, with at least `size` bytes."""
    size = max(1, size, (value.bit_length() + 7) // 8)
    return f"{0x5F + size:02x}" + value.to_bytes(size, "big").hex()


def pushes(*values: int) -> str:
    """Return code that pushes values so that the first is on top."""
    return "".join(push(value) for value in reversed(values))


def block_of(fork: Fork = LATEST) -> BlockContext:
    """Return a block whose fields are all different."""
    return BlockContext(
        fork=fork,
        chain_id=1,
        number=300,
        timestamp=1_000,
        fee_recipient=FEE_RECIPIENT,
        gas_limit=Gas(30_000_000),
        base_fee=Wei(7),
        prev_randao=Hash32(b"\x33" * 32),
        blob_base_fee=Wei(3),
        block_hash=lambda number: keccak256(str(number).encode()),
    )


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def execute(
    code: str,
    *,
    fork: Fork = LATEST,
    gas: int = GAS,
    data: bytes = b"",
    value: int = 0,
    balance: int = 1_000,
    storage: Mapping[int, int] | None = None,
    others: Mapping[Address, NaiveAccount] | None = None,
    state: NaiveState | None = None,
    evm: Evm | None = None,
    is_static: bool = False,
) -> Frame:
    """Run code given as hexadecimal digits at `HERE`; what it did is in the frame."""
    if state is None:
        own = NaiveAccount(1, balance, bytes.fromhex(code), dict(storage or {}))
        state = NaiveState({HERE: own, **(others or {})})
    evm = evm or Evm(fork)
    program = evm.program_of(state, HERE) or evm.initcode_program(b"")
    context = TransactionContext(ORIGIN, Wei(9), (Hash32(b"\x01" * 32), Hash32(b"\x02" * 32)))
    world = evm, state, block_of(fork), context
    frame = Frame(world, program, ORIGIN, HERE, gas, value, data)
    frame.is_static = is_static
    state.warm_address(HERE)
    frame.mark = state.snapshot()
    run(frame)
    return frame


def used(frame: Frame, gas: int = GAS) -> int:
    """Return the gas that a frame has used."""
    return gas - frame.gas


def contract(code: str, **fields: int) -> NaiveAccount:
    """Return an account with code."""
    return NaiveAccount(1, fields.get("balance", 0), bytes.fromhex(code), {})
