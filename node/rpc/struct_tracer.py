"""A trace of every instruction, as go-ethereum's struct logger writes it.

An instruction is encoded when the next one begins: so a trace takes no more memory than its JSON,
and there is nothing left to encode at the end, which would keep the loop for a tenth of a second.
"""

from typing import Any

import msgspec

from contracts.frame import Frame
from contracts.halts import ExceptionalHalt
from contracts.opcodes import INSTRUCTIONS, Op
from contracts.sliced import SlicedResult
from node.rpc.call_errors import halt_text
from node.rpc.hexes import data_hex, word_hex
from node.rpc.trace_config import TraceConfig
from node.rpc.traced import TraceRoom
from primitives.ids import Address
from storage.reader import StateReader

_encode = msgspec.json.Encoder().encode
NAMES = {instruction.opcode: instruction.name for instruction in INSTRUCTIONS}

ENTRY_BYTES = 80
WORD_BYTES = 69
SLOT_BYTES = 138
"""In JSON, about: an entry without its lists, a word of memory, a slot with its value."""


class StructTracer:
    """Watches a transaction, and notes each instruction.

    Args:
        config: what is noted of it.
        room: for what is noted.
    """

    def __init__(self, config: TraceConfig, room: TraceRoom) -> None:
        self._config = config
        self._room = room
        self._pieces: list[bytes] = []
        """The instructions before."""
        self._entry: dict[str, Any] | None = None
        """Of the instruction that is running; None where nothing is noted any more."""
        self._gas = 0
        """Before it."""
        self._cost: int | None = None
        """Of a call, without what it gives back."""
        self._slot: tuple[int, int] = (0, 0)
        """Of the instruction's operands: slot, and the value to be stored."""
        self._storage: dict[Address, dict[str, str]] = {}

    def before(self, f: Frame, pc: int, op: int) -> None:
        """Note what there is before an instruction."""
        config = self._config
        self._write()
        if config.limit and len(self._pieces) >= config.limit:
            return
        self._gas, self._cost = f.gas, None
        entry: dict[str, Any] = {
            "pc": pc,
            "op": NAMES.get(op, "INVALID" if op == Op.INVALID else f"opcode {op:#x} not defined"),
            "gas": f.gas,
            "gasCost": 0,
            "depth": f.depth + 1,
        }
        size = ENTRY_BYTES
        if f.refund > 0:
            entry["refund"] = f.refund
        if config.with_stack:
            stack = entry["stack"] = [hex(item) for item in f.stack]
            size += sum(map(len, stack)) + 3 * len(stack)
        if config.with_memory and f.memory:
            memory = bytes(f.memory)
            entry["memory"] = [data_hex(memory[at : at + 32]) for at in range(0, len(memory), 32)]
            size += len(memory) // 32 * WORD_BYTES
        if config.with_return_data and f.return_data:
            entry["returnData"] = data_hex(f.return_data)
            size += 2 * len(f.return_data)
        if op in (Op.SLOAD, Op.SSTORE) and f.stack:
            self._slot = f.stack[-1], f.stack[-2] if len(f.stack) > 1 else 0
        self._entry = entry
        self._room.take(size)

    def on_call(self, f: Frame, gas: int, value: int, data: bytes) -> None:
        """Note what a call costs; what comes back of it is no part of that."""
        self._cost = self._gas - f.gas

    def after(self, f: Frame, pc: int, op: int) -> None:
        """Note what an instruction has cost, and the slot that it has shown."""
        entry = self._entry
        if entry is None:
            return
        entry["gasCost"] = self._gas - f.gas if self._cost is None else self._cost
        if op in (Op.SLOAD, Op.SSTORE) and self._config.with_storage:
            slot, value = self._slot
            if op == Op.SLOAD:
                value = f.stack[-1]
            known = self._storage.setdefault(f.address, {})
            known[word_hex(slot)] = word_hex(value)
            entry["storage"] = dict(known)
            self._room.take(SLOT_BYTES * len(known))

    def failed(self, f: Frame, pc: int, op: int, halt: ExceptionalHalt) -> None:
        """Note why an instruction has failed, and what it costs at least."""
        if self._entry is not None:
            row = f.evm.stepper.rows[op]
            self._entry["gasCost"] = 0 if row is None else row.gas
            self._entry["error"] = halt_text(type(halt).__name__)

    def ended(self, f: Frame) -> None:
        """Nothing is noted of a call's end."""

    def shown(self, found: SlicedResult, after: StateReader) -> dict[str, Any]:
        """Return the trace."""
        self._write()
        result = found.result
        return {
            "gas": result.gas_used,
            "failed": not result.succeeded,
            "returnValue": data_hex(result.output),
            "structLogs": msgspec.Raw(b"[" + b",".join(self._pieces) + b"]"),
        }

    def _write(self) -> None:
        if self._entry is not None:
            self._pieces.append(_encode(self._entry))
            self._entry = None
