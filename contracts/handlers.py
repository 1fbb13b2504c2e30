"""The handlers of a fork's instructions, by opcode."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from contracts.frame import End, Handler
from contracts.instructions import (
    arithmetic,
    bitwise,
    block as block_info,
    call,
    comparison,
    control,
    create,
    environment,
    keccak,
    log,
    memory,
    selfdestruct,
    stack,
    storage,
)
from contracts.opcodes import Op
from contracts.rules import Rules

_PLAIN: Mapping[int, Handler] = MappingProxyType(
    {
        **arithmetic.HANDLERS,
        **comparison.HANDLERS,
        **bitwise.HANDLERS,
        **keccak.HANDLERS,
        **environment.HANDLERS,
        **block_info.HANDLERS,
        **stack.HANDLERS,
        **memory.HANDLERS,
        **storage.HANDLERS,
    }
)
"""Instructions that are the same in all forks."""

_BY_RULES: Mapping[int, Callable[[Rules], Handler]] = MappingProxyType(
    {
        Op.EXP: arithmetic.make_exp,
        Op.BALANCE: environment.make_balance,
        Op.EXTCODESIZE: environment.make_extcodesize,
        Op.EXTCODECOPY: environment.make_extcodecopy,
        Op.EXTCODEHASH: environment.make_extcodehash,
        Op.SLOAD: storage.make_sload,
        Op.SSTORE: storage.make_sstore,
        Op.CREATE: create.make_create,
        Op.CREATE2: create.make_create2,
        Op.CALL: call.make_call,
        Op.CALLCODE: call.make_callcode,
        Op.DELEGATECALL: call.make_delegatecall,
        Op.STATICCALL: call.make_staticcall,
    }
)
"""Instructions whose price or effect has changed."""

_ENDS: Mapping[int, End] = MappingProxyType(
    {
        Op.STOP: control.stop,
        Op.RETURN: control.return_,
        Op.REVERT: control.revert,
        Op.INVALID: control.invalid,
    }
)
"""What ends a call."""


def handlers_for(rules: Rules) -> tuple[Handler | None, ...]:
    """Return the handlers of a fork by opcode; None for those with an immediate."""
    table: list[Handler | None] = [None] * 256
    for op, handler in _PLAIN.items():
        table[op] = handler
    for op, make in _BY_RULES.items():
        table[op] = make(rules)
    for n in range(1, 17):
        table[Op.DUP1 + n - 1] = stack.make_dup(n)
        table[Op.SWAP1 + n - 1] = stack.make_swap(n)
    table[Op.JUMPDEST] = control.jumpdest
    table[Op.PUSH0] = stack.make_push(0)
    for n in range(5):
        table[Op.LOG0 + n] = log.make_log(n)
    return tuple(table)


def ends_for(rules: Rules) -> Mapping[int, End]:
    """Return what ends a call, by opcode."""
    return MappingProxyType({**_ENDS, Op.SELFDESTRUCT: selfdestruct.make_selfdestruct(rules)})
