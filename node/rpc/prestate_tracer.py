"""A trace of the state that a transaction looks at, as go-ethereum's `prestateTracer` writes it.

It has what executing the transaction again takes: accounts, code and slots as they were before it.
In diff mode it has only what the transaction has changed, as it was and as it is.

One thing is said better here than there: an account counts as gone if it is gone, and not because
it has run SELFDESTRUCT, which since EIP-6780 mostly leaves it.

Reference: go-ethereum eth/tracers/native/prestate.go.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from contracts.creation import salted_address
from contracts.delegation import designated
from contracts.frame import Frame
from contracts.halts import ExceptionalHalt
from contracts.instructions.environment import to_address
from contracts.opcodes import Op
from contracts.sliced import SlicedResult
from node.rpc.hexes import data_hex, quantity_hex, word_hex
from node.rpc.trace_config import TraceConfig
from node.rpc.traced import Traced, TraceRoom
from primitives.address import contract_address
from primitives.ids import Address
from primitives.transaction import recover_authority
from storage.account import ABSENT, Account, is_empty
from storage.reader import StateReader

SLOT_INSTRUCTIONS = frozenset({int(Op.SLOAD), int(Op.SSTORE)})
ACCOUNT_INSTRUCTIONS = frozenset(
    map(int, (Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODECOPY, Op.EXTCODEHASH, Op.SELFDESTRUCT))
)
"""Their topmost operand is an account."""
CALL_INSTRUCTIONS = frozenset(map(int, (Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL)))
"""The second operand is an account, whose code is run."""

ACCOUNT_BYTES = 120
SLOT_BYTES = 140
"""In JSON, about."""


class PrestateTracer:
    """Watches a transaction, and notes which accounts and slots it looks at.

    Args:
        config: what is shown of them.
        traced: the transaction.
        room: for what is noted.
    """

    def __init__(self, config: TraceConfig, traced: Traced, room: TraceRoom) -> None:
        self._config = config
        self._before = traced.before
        self._room = room
        self._slots: dict[Address, dict[int, int]] = {}
        """Of each account that was looked at: slots that were looked at, and what they held."""
        self._is_running = False
        self._salt: int | None = None
        """Of a creation that is about to start."""
        transaction, sender = traced.transaction, traced.sender
        to = transaction.to
        self._see(sender)
        self._see(contract_address(sender, transaction.nonce) if to is None else to)
        self._see(traced.fee_recipient)
        for each in transaction.authorizations:
            authority = recover_authority(each)
            if authority is not None:
                self._see(authority)

    def before(self, f: Frame, pc: int, op: int) -> None:
        """Note what an instruction is about to look at."""
        if not self._is_running:
            self._is_running = True
            self._see_delegate(f, f.address)
        stack = f.stack
        if op in SLOT_INSTRUCTIONS and stack:
            self._see_slot(f.address, stack[-1])
        elif op in ACCOUNT_INSTRUCTIONS and stack:
            self._see(to_address(stack[-1]))
        elif op in CALL_INSTRUCTIONS and len(stack) > 1:
            called = to_address(stack[-2])
            self._see(called)
            self._see_delegate(f, called)
        elif op == Op.CREATE:
            self._see(contract_address(f.address, f.state.nonce(f.address)))
        self._salt = stack[-4] if op == Op.CREATE2 and len(stack) > 3 else None

    def on_call(self, f: Frame, gas: int, value: int, data: bytes) -> None:
        """Note the account that a salted creation makes; others have been noted before."""
        if self._salt is not None:
            self._see(salted_address(f.address, self._salt, data))

    def after(self, f: Frame, pc: int, op: int) -> None:
        """Nothing is noted of what comes of an instruction."""

    def failed(self, f: Frame, pc: int, op: int, halt: ExceptionalHalt) -> None:
        """Nor of what comes of none."""

    def ended(self, f: Frame) -> None:
        """What a call that has failed has looked at, it has looked at."""

    def shown(self, found: SlicedResult, after: StateReader) -> dict[str, Any]:
        """Return the trace: accounts by address, or such before and after."""
        if self._config.diff_mode:
            return self._difference(after)
        return {
            data_hex(address): self._shape(self._before, account, self._slots[address])
            for address in sorted(self._slots)
            if self._is_shown(account := _account(self._before, address))
        }

    def _difference(self, after: StateReader) -> dict[str, Any]:
        was: dict[str, Any] = {}
        now: dict[str, Any] = {}
        for address in sorted(self._slots):
            old, new = _account(self._before, address), _account(after, address)
            slots = self._slots[address]
            held = {slot: after.slot(address, slot) for slot in slots}
            changed = {slot: value for slot, value in held.items() if value != slots[slot]}
            if old == new and not changed:
                continue
            is_gone = is_empty(new)
            if self._is_shown(old):
                kept = slots if is_gone else {slot: slots[slot] for slot in changed}
                was[data_hex(address)] = self._shape(self._before, old, _set(kept))
            if not is_gone:
                shape = self._shape(after, new, _set(changed))
                now[data_hex(address)] = {
                    name: value
                    for name, value in shape.items()
                    if name == "storage" or getattr(old, FIELDS[name]) != getattr(new, FIELDS[name])
                }
        return {"post": now, "pre": was}

    def _is_shown(self, account: Account) -> bool:
        return self._config.include_empty or not is_empty(account)

    def _shape(self, state: StateReader, account: Account, slots: dict[int, int]) -> dict[str, Any]:
        """Return an account; what is nothing is left out, but for the balance."""
        config = self._config
        shape: dict[str, Any] = {"balance": quantity_hex(account.balance)}
        code = b"" if config.disable_code else state.code(account.code_hash)
        if code:
            shape["code"] = data_hex(code)
        if account.nonce:
            shape["nonce"] = account.nonce
        if slots and not config.disable_storage:
            shape["storage"] = {word_hex(slot): word_hex(slots[slot]) for slot in sorted(slots)}
        return shape

    def _see(self, address: Address) -> None:
        if address not in self._slots:
            self._slots[address] = {}
            code = b"" if self._config.disable_code else self._code(address)
            self._room.take(ACCOUNT_BYTES + 2 * len(code))

    def _see_slot(self, address: Address, slot: int) -> None:
        self._see(address)
        slots = self._slots[address]
        if slot not in slots:
            slots[slot] = self._before.slot(address, slot)
            self._room.take(SLOT_BYTES)

    def _see_delegate(self, f: Frame, address: Address) -> None:
        """Note the account whose code an account runs (EIP-7702), as it is now."""
        delegate = designated(f.state.code(address))
        if delegate is not None:
            self._see(delegate)

    def _code(self, address: Address) -> bytes:
        return self._before.code(_account(self._before, address).code_hash)


FIELDS: Mapping[str, str] = MappingProxyType(
    {"balance": "balance", "nonce": "nonce", "code": "code_hash"}
)
"""What a field of the trace is to an account."""


def _account(state: StateReader, address: Address) -> Account:
    return state.account(address) or ABSENT


def _set(slots: dict[int, int]) -> dict[int, int]:
    return {slot: value for slot, value in slots.items() if value}
