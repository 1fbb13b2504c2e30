"""What instructions learn of the call, of accounts and of their code."""

from collections.abc import Mapping
from types import MappingProxyType

from contracts.frame import Frame, Handler
from contracts.halts import ReturnDataOutOfBounds
from contracts.instructions.memory import copy_in
from contracts.opcodes import Op
from contracts.rules import Rules
from contracts.warmth import pay_account_access
from primitives.ids import Address

ADDRESS_MASK = 2**160 - 1


def to_address(item: int) -> Address:
    """Return the address in the low 20 bytes of a stack item."""
    return Address((item & ADDRESS_MASK).to_bytes(20, "big"))


def address(s: list[int], f: Frame) -> None:
    """ADDRESS."""
    s.append(int.from_bytes(f.address, "big"))


def origin(s: list[int], f: Frame) -> None:
    """ORIGIN."""
    s.append(int.from_bytes(f.transaction.origin, "big"))


def caller(s: list[int], f: Frame) -> None:
    """CALLER."""
    s.append(int.from_bytes(f.caller, "big"))


def callvalue(s: list[int], f: Frame) -> None:
    """CALLVALUE."""
    s.append(f.value)


def calldataload(s: list[int], f: Frame) -> None:
    """CALLDATALOAD; zeros behind the end."""
    offset = s[-1]
    word = f.data[offset : offset + 32]
    if len(word) < 32:
        word = word.ljust(32, b"\0")
    s[-1] = int.from_bytes(word, "big")


def calldatasize(s: list[int], f: Frame) -> None:
    """CALLDATASIZE."""
    s.append(len(f.data))


def calldatacopy(s: list[int], f: Frame) -> None:
    """CALLDATACOPY."""
    copy_in(f, s.pop(), s.pop(), s.pop(), f.data)


def codesize(s: list[int], f: Frame) -> None:
    """CODESIZE."""
    s.append(len(f.program.code))


def codecopy(s: list[int], f: Frame) -> None:
    """CODECOPY."""
    copy_in(f, s.pop(), s.pop(), s.pop(), f.program.code)


def gasprice(s: list[int], f: Frame) -> None:
    """GASPRICE."""
    s.append(f.transaction.gas_price)


def returndatasize(s: list[int], f: Frame) -> None:
    """RETURNDATASIZE (EIP-211)."""
    s.append(len(f.return_data))


def returndatacopy(s: list[int], f: Frame) -> None:
    """RETURNDATACOPY; reading past the end is a failure (EIP-211)."""
    target, source, size = s.pop(), s.pop(), s.pop()
    if source + size > len(f.return_data):
        raise ReturnDataOutOfBounds
    copy_in(f, target, source, size, f.return_data)


def selfbalance(s: list[int], f: Frame) -> None:
    """SELFBALANCE (EIP-1884)."""
    s.append(f.state.balance(f.address))


def blobhash(s: list[int], f: Frame) -> None:
    """BLOBHASH; zero where the transaction has no such blob (EIP-4844)."""
    hashes = f.transaction.blob_hashes
    index = s[-1]
    s[-1] = int.from_bytes(hashes[index], "big") if index < len(hashes) else 0


def gas(s: list[int], f: Frame) -> None:
    """GAS: it ends its block, so all that is charged has run."""
    s.append(f.gas)


def make_balance(rules: Rules) -> Handler:
    """Return BALANCE."""

    def balance(s: list[int], f: Frame) -> None:
        target = to_address(s[-1])
        if has_warmth:
            pay_account_access(f, target)
        s[-1] = f.state.balance(target)

    has_warmth = rules.has_warmth
    return balance


def make_extcodesize(rules: Rules) -> Handler:
    """Return EXTCODESIZE; a delegation counts as its own 23 bytes (EIP-7702)."""

    def extcodesize(s: list[int], f: Frame) -> None:
        target = to_address(s[-1])
        if has_warmth:
            pay_account_access(f, target)
        s[-1] = len(f.state.code(target))

    has_warmth = rules.has_warmth
    return extcodesize


def make_extcodecopy(rules: Rules) -> Handler:
    """Return EXTCODECOPY."""

    def extcodecopy(s: list[int], f: Frame) -> None:
        target = to_address(s.pop())
        place, source, size = s.pop(), s.pop(), s.pop()
        f.charge(3 * ((size + 31) >> 5))
        f.touch_memory(place, size)
        if has_warmth:
            pay_account_access(f, target)
        code = f.state.code(target)
        if size:
            f.memory[place : place + size] = code[source : source + size].ljust(size, b"\0")

    has_warmth = rules.has_warmth
    return extcodecopy


def make_extcodehash(rules: Rules) -> Handler:
    """Return EXTCODEHASH; zero for what is empty (EIP-1052)."""

    def extcodehash(s: list[int], f: Frame) -> None:
        target = to_address(s[-1])
        if has_warmth:
            pay_account_access(f, target)
        if f.state.is_empty(target):
            s[-1] = 0
        else:
            s[-1] = int.from_bytes(f.state.code_hash(target), "big")

    has_warmth = rules.has_warmth
    return extcodehash


HANDLERS: Mapping[int, Handler] = MappingProxyType(
    {
        Op.ADDRESS: address,
        Op.ORIGIN: origin,
        Op.CALLER: caller,
        Op.CALLVALUE: callvalue,
        Op.CALLDATALOAD: calldataload,
        Op.CALLDATASIZE: calldatasize,
        Op.CALLDATACOPY: calldatacopy,
        Op.CODESIZE: codesize,
        Op.CODECOPY: codecopy,
        Op.GASPRICE: gasprice,
        Op.RETURNDATASIZE: returndatasize,
        Op.RETURNDATACOPY: returndatacopy,
        Op.SELFBALANCE: selfbalance,
        Op.BLOBHASH: blobhash,
        Op.GAS: gas,
    }
)
