"""CREATE and CREATE2."""

from contracts.creation import start_creation
from contracts.frame import Frame, Handler
from contracts.gas import INITCODE_BYTES_MAX, INITCODE_WORD, KECCAK_WORD
from contracts.halts import InitcodeTooLarge, WriteInStaticContext
from contracts.rules import Rules


def make_create(rules: Rules) -> Handler:
    """Return CREATE."""
    word_gas = INITCODE_WORD if rules.meters_initcode else 0

    def create(s: list[int], f: Frame) -> None:
        value, offset, size = s.pop(), s.pop(), s.pop()
        initcode = _read_initcode(f, offset, size, word_gas, rules)
        start_creation(f, s, value, initcode, None)

    return create


def make_create2(rules: Rules) -> Handler:
    """Return CREATE2, which pays for hashing the initcode (EIP-1014)."""
    word_gas = KECCAK_WORD + (INITCODE_WORD if rules.meters_initcode else 0)

    def create2(s: list[int], f: Frame) -> None:
        value, offset, size, salt = s.pop(), s.pop(), s.pop(), s.pop()
        initcode = _read_initcode(f, offset, size, word_gas, rules)
        start_creation(f, s, value, initcode, salt)

    return create2


def _read_initcode(f: Frame, offset: int, size: int, word_gas: int, rules: Rules) -> bytes:
    if f.is_static:
        raise WriteInStaticContext
    if rules.meters_initcode and size > INITCODE_BYTES_MAX:
        raise InitcodeTooLarge
    f.charge(word_gas * ((size + 31) >> 5))
    f.touch_memory(offset, size)
    return bytes(f.memory[offset : offset + size]) if size else b""
