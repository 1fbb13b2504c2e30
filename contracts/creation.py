"""Creating a contract: from the address to the code that is kept."""

from contracts.calls import DEPTH_MAX
from contracts.delegation import PREFIX
from contracts.frame import Frame
from contracts.gas import CALL_GAS_DIVISOR, CODE_DEPOSIT_BYTE
from contracts.halts import CodeTooLarge, InvalidCodePrefix, OutOfGas
from contracts.state import State
from primitives.address import contract_address
from primitives.ids import Address
from primitives.keccak import keccak256

NONCE_LIMIT = 2**64 - 1
"""A nonce that cannot be counted up any more (EIP-2681)."""
CREATE2_PREFIX = b"\xff"


def salted_address(creator: Address, salt: int, initcode: bytes) -> Address:
    """Return the address that CREATE2 gives (EIP-1014)."""
    parts = CREATE2_PREFIX + creator + salt.to_bytes(32, "big") + keccak256(initcode)
    return Address(keccak256(parts)[12:])


def is_taken(state: State, address: Address) -> bool:
    """Whether a contract cannot be created there (EIP-684, EIP-7610)."""
    return bool(state.nonce(address) or state.code(address) or state.has_storage(address))


def can_pay(state: State, address: Address, amount: int) -> bool:
    """Whether an account has `amount` wei, without looking at the balance itself."""
    if not state.take_balance(address, amount):
        return False
    state.add_balance(address, amount)
    return True


def start_creation(f: Frame, s: list[int], value: int, initcode: bytes, salt: int | None) -> None:
    """Leave the frame that creates a contract `pending`, or push 0 if it cannot start.

    Args:
        f: the creator.
        s: its stack.
        value: wei for the new contract.
        initcode: the code that returns the contract's code.
        salt: of CREATE2; None: the address follows from the nonce.
    """
    state = f.state
    f.return_data = b""
    gas = f.gas
    if f.evm.rules.has_call_reserve:
        gas -= gas // CALL_GAS_DIVISOR
    if f.evm.watcher is not None:
        f.evm.watcher.on_call(f, gas, value, initcode)
    if f.depth >= DEPTH_MAX:
        s.append(0)
        return
    if value and not can_pay(state, f.address, value):
        s.append(0)
        return
    nonce = state.nonce(f.address)
    if nonce >= NONCE_LIMIT:
        s.append(0)
        return
    f.gas -= gas
    if salt is None:
        address = contract_address(f.address, nonce)
    else:
        address = salted_address(f.address, salt, initcode)
    state.warm_address(address)
    state.set_nonce(f.address, nonce + 1)
    if is_taken(state, address):
        s.append(0)
        return
    child = Frame(
        f.world, f.evm.initcode_program(initcode), f.address, address, gas, value, b"",
        state.snapshot(),
    )  # fmt: skip
    child.created = address
    child.parent = f
    child.depth = f.depth + 1
    begin_creation(child)
    f.pending = child


def begin_creation(f: Frame) -> None:
    """Make the account of a frame that creates, and give it its value."""
    state, address = f.state, f.address
    state.begin_contract(address)
    if f.evm.rules.clears_empty:
        state.set_nonce(address, 1)
    if f.value:
        state.take_balance(f.caller, f.value)
        state.add_balance(address, f.value)


def finish_creation(f: Frame) -> None:
    """Keep what the initcode returned as the contract's code.

    Raises:
        ExceptionalHalt: the code is refused, or cannot be paid.

    Reference: EIP-170, EIP-3541; EIP-2 for what happens without the gas.
    """
    rules, code = f.evm.rules, f.output
    if rules.refuses_prefix and code[:1] == PREFIX[:1]:
        raise InvalidCodePrefix
    if rules.code_bytes_max is not None and len(code) > rules.code_bytes_max:
        raise CodeTooLarge
    left = f.gas - CODE_DEPOSIT_BYTE * len(code)
    if left < 0:
        if rules.deposit_must_be_paid:
            raise OutOfGas
        return
    f.gas = left
    f.state.set_code(f.address, code)
