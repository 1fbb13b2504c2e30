"""A trace of the calls inside a transaction, as go-ethereum's `callTracer` writes it."""

from typing import Any

import msgspec

from contracts.calls import DEPTH_MAX
from contracts.frame import Frame
from contracts.halts import ExceptionalHalt
from contracts.instructions.environment import to_address
from contracts.opcodes import Op
from contracts.sliced import SlicedResult
from node.rpc.call_errors import REVERTED, halt_text, revert_reason
from node.rpc.call_tree import CallTree, OpenCall
from node.rpc.hexes import data_hex, quantity_hex
from node.rpc.trace_config import TraceConfig
from node.rpc.traced import Traced, TraceRoom
from primitives.address import contract_address
from primitives.ids import Address
from primitives.transaction import Transaction
from storage.reader import StateReader

CREATIONS = frozenset({int(Op.CREATE), int(Op.CREATE2)})
WITH_VALUE = frozenset({int(Op.CALL), int(Op.CALLCODE), int(Op.DELEGATECALL), *CREATIONS})
"""A delegated call has that of its caller."""
CALL_BYTES = 260
LOG_BYTES = 140
TOPIC_BYTES = 70
"""In JSON, about, without what they carry."""


class CallTracer:
    """Watches a transaction, and notes its calls.

    Args:
        config: what is noted of them.
        traced: the transaction.
        room: for what is noted.
    """

    def __init__(self, config: TraceConfig, traced: Traced, room: TraceRoom) -> None:
        self._config = config
        self._room = room
        root = OpenCall(_root(traced.transaction, traced.sender), traced.first_log)
        self._tree = CallTree(root, shows_inner=not config.only_top_call)
        self._log = traced.first_log
        """Index of the next log."""
        self._operands: list[int] = []
        """Of the instruction that is running, the last on top."""
        self._started: dict[str, Any] | None = None
        """The call that it has started."""
        self._gas = 0
        """Of the caller when the call's own was taken; and of the call."""
        self._given = 0
        self._balance = 0
        self._op = 0

    def before(self, f: Frame, pc: int, op: int) -> None:
        """Remember what the instruction works on."""
        if op >= Op.LOG0:
            self._op, self._operands, self._started = op, f.stack[-7:], None
            if op == Op.SELFDESTRUCT:
                self._balance = f.state.balance(f.address)

    def on_call(self, f: Frame, gas: int, value: int, data: bytes) -> None:
        """Note a call that is about to start."""
        self._gas, self._given = f.gas, gas
        if self._config.only_top_call:
            data = b""
        self._room.take(CALL_BYTES + 2 * len(data))
        node: dict[str, Any] = {
            "type": Op(self._op).name,
            "from": data_hex(f.address),
            "gas": quantity_hex(gas),
            "gasUsed": "0x0",
            "input": data_hex(data),
        }
        if self._op not in CREATIONS:
            node["to"] = data_hex(to_address(self._operands[-2]))
        if self._op in WITH_VALUE:
            node["value"] = quantity_hex(value)
        self._started = node

    def after(self, f: Frame, pc: int, op: int) -> None:
        """Note what came of an instruction: a call, a log, the end of a contract."""
        if op < Op.LOG0:
            return
        if op <= Op.LOG4:
            self._note_log(f, op)
        elif op == Op.SELFDESTRUCT:
            self._note_end(f)
        elif self._started is not None:
            self._note_call(f, op)

    def failed(self, f: Frame, pc: int, op: int, halt: ExceptionalHalt) -> None:
        """The call that the instruction stands in tells of it, when it has ended."""

    def ended(self, f: Frame) -> None:
        """Note how a call has ended; the outermost one is noted by `shown`."""
        if f.parent is None:
            return
        node = self._tree.last.fields
        node["gasUsed"] = quantity_hex(int(node["gas"], 16) - f.gas)
        self._end(f.output, f.failure, has_failed=f.has_failed)

    def shown(self, found: SlicedResult, after: StateReader) -> msgspec.Raw:
        """Return the trace."""
        result = found.result
        self._tree.last.fields["gasUsed"] = quantity_hex(result.gas_used)
        self._end(result.output, result.failure, has_failed=not result.succeeded)
        return self._tree.written()

    def _note_call(self, f: Frame, op: int) -> None:
        node, child = self._started, f.pending
        assert node is not None, "a call that has started"
        if child is not None:
            if child.created is not None:
                node["to"] = data_hex(child.created)
            self._tree.begin(OpenCall(node, self._log))
            return
        used = self._given - (f.gas - self._gas) if op not in CREATIONS else self._gas - f.gas
        node["gasUsed"] = quantity_hex(max(used, 0))
        if not f.stack[-1]:
            node["error"] = _refusal(f, op, used)
        elif f.return_data and not self._config.only_top_call:
            self._room.take(2 * len(f.return_data))
            node["output"] = data_hex(f.return_data)
        self._tree.add(node)

    def _end(self, output: bytes, failure: str | None, *, has_failed: bool) -> None:
        """Note how the last call has ended. What it wrote is forgotten if it failed."""
        call = self._tree.last
        node = call.fields
        if output and self._tree.is_shown:
            self._room.take(2 * len(output))
            node["output"] = data_hex(output)
        if has_failed:
            node["error"] = REVERTED if failure is None else halt_text(failure)
            if failure is None and (reason := revert_reason(output)) is not None:
                node["revertReason"] = reason
            if node["type"].startswith("CREATE"):
                node.pop("to", None)
            self._log = call.first_log
            self._tree.forget_logs()
        self._tree.end()

    def _note_log(self, f: Frame, op: int) -> None:
        if not self._config.with_log:
            return
        self._log += 1
        if not self._tree.is_shown:
            return
        offset, size = self._operands[-1], self._operands[-2]
        count = op - Op.LOG0
        topics = [self._operands[-3 - place] for place in range(count)]
        call = self._tree.last
        self._room.take(LOG_BYTES + TOPIC_BYTES * count + 2 * size)
        call.logs.append(
            {
                "address": data_hex(f.address),
                "topics": [f"0x{topic:064x}" for topic in topics],
                "data": data_hex(bytes(f.memory[offset : offset + size]) if size else b""),
                "index": quantity_hex(self._log - 1),
                "position": quantity_hex(call.calls),
            }
        )

    def _note_end(self, f: Frame) -> None:
        self._tree.add(
            {
                "type": "SELFDESTRUCT",
                "from": data_hex(f.address),
                "to": data_hex(to_address(self._operands[-1])),
                "value": quantity_hex(self._balance),
                "gas": "0x0",
                "gasUsed": "0x0",
                "input": "0x",
            }
        )


def _root(transaction: Transaction, sender: Address) -> dict[str, Any]:
    to = transaction.to
    created = contract_address(sender, transaction.nonce) if to is None else to
    return {
        "type": "CREATE" if to is None else "CALL",
        "from": data_hex(sender),
        "to": data_hex(created),
        "value": quantity_hex(transaction.value),
        "gas": quantity_hex(transaction.gas_limit),
        "gasUsed": "0x0",
        "input": data_hex(transaction.data),
    }


def _refusal(f: Frame, op: int, used: int) -> str:
    """Return why a call that needed no frame has failed."""
    if f.depth >= DEPTH_MAX:
        return "max call depth exceeded"
    if used and op in CREATIONS:
        return "contract address collision"
    return "precompiled contract failed" if used else "insufficient balance for transfer"
