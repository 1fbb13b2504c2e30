"""What distinguishes one fork from another, as data: one rule set for all of them."""

import msgspec

from contracts import gas
from contracts.opcodes import INSTRUCTIONS, Instruction, Op
from primitives.fork import Fork

_CALLS = (Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL)

PRICE_CHANGES: tuple[tuple[Fork, tuple[tuple[Op, int], ...]], ...] = (
    (
        Fork.TANGERINE_WHISTLE,  # EIP-150
        (
            (Op.SLOAD, 200),
            (Op.BALANCE, 400),
            (Op.EXTCODESIZE, 700),
            (Op.EXTCODECOPY, 700),
            (Op.CALL, 700),
            (Op.CALLCODE, 700),
            (Op.DELEGATECALL, 700),
            (Op.SELFDESTRUCT, 5_000),
        ),
    ),
    (
        Fork.ISTANBUL,  # EIP-1884
        ((Op.SLOAD, 800), (Op.BALANCE, 700), (Op.EXTCODEHASH, 700)),
    ),
    (
        Fork.BERLIN,  # EIP-2929: what is cold costs more on top
        (
            (Op.SLOAD, gas.WARM_ACCESS),
            (Op.BALANCE, gas.WARM_ACCESS),
            (Op.EXTCODESIZE, gas.WARM_ACCESS),
            (Op.EXTCODECOPY, gas.WARM_ACCESS),
            (Op.EXTCODEHASH, gas.WARM_ACCESS),
            *((op, gas.WARM_ACCESS) for op in _CALLS),
        ),
    ),
)
"""Prices that a fork changed, whatever the operands are."""


class StorageRules(msgspec.Struct, frozen=True, gc=False):
    """What SSTORE costs."""

    is_net: bool
    """Metered against the value before the transaction (EIP-1283, EIP-2200)."""
    same: int
    """Nothing is changed, or what was changed already is changed again."""
    set: int
    reset: int
    clear_refund: int
    gas_min: int
    """There must be more gas left than this (EIP-2200), or -1."""


class Rules(msgspec.Struct, frozen=True, gc=False):
    """The rules of one fork. Numbers of EIPs say where each comes from."""

    fork: Fork
    instructions: tuple[Instruction | None, ...]
    """By opcode, 256 of them; None is an invalid instruction."""
    storage: StorageRules
    exp_byte: int
    refund_divisor: int
    selfdestruct_refund: int
    has_warmth: bool
    """EIP-2929."""
    has_call_reserve: bool
    """A call may ask for more gas than there is, and gets all but a 64th (EIP-150)."""
    clears_empty: bool
    """Touched empty accounts go, and value makes an account new (EIP-161)."""
    touches_empty: bool
    """A call without value touches its target. From Paris on no account is empty (EIP-7523)."""
    code_bytes_max: int | None
    """EIP-170."""
    deposit_must_be_paid: bool
    """Too little gas to store code is a failure, not a contract without code (EIP-2)."""
    refuses_prefix: bool
    """EIP-3541."""
    meters_initcode: bool
    """EIP-3860."""
    warms_fee_recipient: bool
    """EIP-3651."""
    keeps_destroyed: bool
    """SELFDESTRUCT only moves value, except in the transaction of creation (EIP-6780)."""
    has_delegation: bool
    """EIP-7702."""


def rules_for(fork: Fork) -> Rules:
    """Return the rules of a fork."""
    return Rules(
        fork=fork,
        instructions=_instructions(fork),
        storage=_storage_rules(fork),
        exp_byte=gas.EXP_BYTE if fork >= Fork.SPURIOUS_DRAGON else gas.EXP_BYTE_FRONTIER,
        refund_divisor=(
            gas.REFUND_DIVISOR if fork >= Fork.LONDON else gas.REFUND_DIVISOR_BEFORE_LONDON
        ),
        selfdestruct_refund=gas.SELFDESTRUCT_REFUND if fork < Fork.LONDON else 0,
        has_warmth=fork >= Fork.BERLIN,
        has_call_reserve=fork >= Fork.TANGERINE_WHISTLE,
        clears_empty=fork >= Fork.SPURIOUS_DRAGON,
        touches_empty=fork < Fork.PARIS,
        code_bytes_max=gas.CODE_BYTES_MAX if fork >= Fork.SPURIOUS_DRAGON else None,
        deposit_must_be_paid=fork >= Fork.HOMESTEAD,
        refuses_prefix=fork >= Fork.LONDON,
        meters_initcode=fork >= Fork.SHANGHAI,
        warms_fee_recipient=fork >= Fork.SHANGHAI,
        keeps_destroyed=fork >= Fork.CANCUN,
        has_delegation=fork >= Fork.PRAGUE,
    )


def _instructions(fork: Fork) -> tuple[Instruction | None, ...]:
    table: list[Instruction | None] = [None] * 256
    for instruction in INSTRUCTIONS:
        if instruction.since <= fork:
            table[instruction.opcode] = instruction
    for since, prices in PRICE_CHANGES:
        for op, price in prices if since <= fork else ():
            instruction_now = table[op]
            if instruction_now is not None:
                table[op] = msgspec.structs.replace(instruction_now, gas=price)
    return tuple(table)


def _storage_rules(fork: Fork) -> StorageRules:
    set_, reset = gas.STORAGE_SET, gas.STORAGE_RESET
    refund = gas.STORAGE_CLEAR_REFUND
    if fork >= Fork.BERLIN:
        refund = gas.STORAGE_CLEAR_REFUND_LONDON if fork >= Fork.LONDON else refund
        same, reset, gas_min = gas.WARM_ACCESS, reset - gas.COLD_SLOT, gas.CALL_STIPEND
    elif fork == Fork.ISTANBUL:
        same, gas_min = 800, gas.CALL_STIPEND
    elif fork == Fork.CONSTANTINOPLE:
        same, gas_min = 200, -1
    else:
        same, gas_min = reset, -1
    is_net = fork >= Fork.ISTANBUL or fork == Fork.CONSTANTINOPLE
    return StorageRules(is_net, same, set_, reset, refund, gas_min)
