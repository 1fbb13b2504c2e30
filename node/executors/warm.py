"""The inside of a worker process: what it knows of the state, and what it does with its orders.

A worker does not get the state, which may be large, but asks for the cells that it needs and keeps
them from block to block. It is told which of them change. Code it keeps by hash, for good, up to a
bound.
"""

from collections.abc import Callable, Collection
from contextlib import suppress

from contracts.context import BlockContext
from contracts.kzg import KzgVerifier
from node.execution_setting import BlockHashes, ExecutionEngine
from node.executors.pool import FUNCTIONS
from node.executors.versions import MultiVersion
from node.executors.wire import (
    Answer,
    AskCell,
    AskCode,
    AskStorage,
    BlockBegins,
    Cells,
    DoTask,
    JobsEnded,
    Order,
    Report,
    RunJobs,
    TaskDone,
    WireSetting,
    pack_end,
    pack_int,
    unpack_account,
    unpack_changes,
    unpack_int,
)
from node.executors.work import End, Job, try_transaction
from primitives.block_access_list import decode_access_list
from primitives.errors import InvalidEncoding
from primitives.fork import Fork
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import EMPTY_KECCAK
from primitives.kzg import CkzgVerifier
from primitives.transaction import InvalidTransaction, decode_transaction
from storage.account import Account
from storage.outcome import Outcome

CODE_BYTES_MAX = 64 * 1024 * 1024
"""Bytes of code that a worker keeps."""
REPORT_GAS = 1_000_000
"""A worker reports when it has used so much gas, or is done: others may wait for what it did."""

Ask = Callable[[Report], Answer]


class WarmState:
    """The state before a block, as far as a worker knows it; the rest is asked for.

    Args:
        ask: asks the coordinator.
    """

    __slots__ = ("_accounts", "_ask", "_code_bytes", "_codes", "_slots")

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._accounts: dict[Address, Account | None] = {}
        self._slots: dict[Address, dict[int, int]] = {}
        self._codes: dict[Hash32, bytes] = {EMPTY_KECCAK: b""}
        self._code_bytes = 0

    def account(self, address: Address) -> Account | None:
        """Return the account, or None when the address has none."""
        if address not in self._accounts:
            self.learn(self._ask(AskCell(address)).cells)
        return self._accounts[address]

    def slot(self, address: Address, slot: int) -> int:
        """Return the value of a storage slot; 0 when it is not set."""
        known = self._slots.get(address)
        if known is None or slot not in known:
            self.learn(self._ask(AskCell(address, pack_int(slot))).cells)
        return self._slots[address][slot]

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash.

        Raises:
            KeyError: there is none.
        """
        code = self._codes.get(code_hash)
        if code is None:
            code = self._ask(AskCode(code_hash)).code
            if code is None:
                raise KeyError(code_hash)
            self._keep(code_hash, code)
        return code

    def has_storage(self, address: Address, but: Collection[int] = ()) -> bool:
        """Whether any slot is set, others than those of `but`."""
        return self._ask(AskStorage(address, tuple([pack_int(slot) for slot in but]))).has_storage

    def learn(self, cells: Cells) -> None:
        """Keep cells."""
        for packed in cells.accounts:
            self._accounts[packed[0]] = unpack_account(packed)
        for address, slot, value in cells.slots:
            self._slots.setdefault(address, {})[unpack_int(slot)] = unpack_int(value)

    def forget(self, cells: Cells) -> None:
        """Drop cells."""
        for address, _ in cells.accounts:
            self._accounts.pop(address, None)
        for address, slot, _ in cells.slots:
            self._slots.get(address, {}).pop(unpack_int(slot), None)

    def forget_all(self) -> None:
        """Drop all cells; code stays."""
        self._accounts.clear()
        self._slots.clear()

    def _keep(self, code_hash: Hash32, code: bytes) -> None:
        if self._code_bytes + len(code) > CODE_BYTES_MAX:
            self._codes = {EMPTY_KECCAK: b""}
            self._code_bytes = 0
        self._codes[code_hash] = code
        self._code_bytes += len(code)


class Session:
    """One worker's part of the conversation.

    Args:
        ask: sends a question and returns the answer.
        tell: sends a report.
    """

    __slots__ = ("_context", "_engine", "_kzg", "_setting", "_state", "_tell", "_versions")

    def __init__(self, ask: Ask, tell: Callable[[Report], None]) -> None:
        self._tell = tell
        self._state = WarmState(ask)
        self._engine = ExecutionEngine()
        self._kzg: KzgVerifier | None = None
        self._setting: WireSetting | None = None
        self._context: BlockContext | None = None
        self._versions = MultiVersion(self._state)

    def handle(self, order: Order) -> None:
        """Do what the coordinator says, and report."""
        match order:
            case BlockBegins():
                self._begin(order)
            case RunJobs():
                self._run(order)
            case DoTask():
                self._tell(TaskDone(FUNCTIONS[order.name](order.task)))
            case Answer():
                raise AssertionError("an answer that nobody has asked for")

    def _begin(self, order: BlockBegins) -> None:
        state = self._state
        if order.forget_all:
            state.forget_all()
        state.forget(order.forget)
        state.learn(order.changed)
        self._setting = order.setting
        self._context = self._context_of(order.setting)
        self._versions = MultiVersion(state)
        if order.assumed:
            # It came from outside; if it is malformed, whoever checks the block will say so.
            with suppress(InvalidEncoding):
                self._versions.assume(decode_access_list(order.assumed))

    def _context_of(self, setting: WireSetting) -> BlockContext:
        if setting.verifies_kzg and self._kzg is None:
            self._kzg = CkzgVerifier()
        return BlockContext(
            fork=Fork(setting.fork),
            chain_id=setting.chain_id,
            number=setting.number,
            timestamp=setting.timestamp,
            fee_recipient=setting.fee_recipient,
            gas_limit=setting.gas_limit,
            base_fee=Wei(unpack_int(setting.base_fee)),
            prev_randao=setting.prev_randao,
            blob_base_fee=Wei(unpack_int(setting.blob_base_fee)),
            block_hash=BlockHashes(setting.number, setting.hashes),
            kzg=self._kzg if setting.verifies_kzg else None,
        )

    def _run(self, order: RunJobs) -> None:
        versions = self._versions
        self._state.learn(order.cells)
        for news in order.news:
            versions.record(news.index, Outcome((), unpack_changes(news.changes), (), ()))
        versions.expected.clear()
        for index in order.expected:
            versions.expect(index)
        ends: list[End] = []
        gas = 0
        for place, (index, raw, sender) in enumerate(order.jobs, 1):
            end = self._attempt(index, raw, sender)
            ends.append(end)
            gas += end.gas_used
            if gas >= REPORT_GAS or place == len(order.jobs):
                self._tell(JobsEnded(tuple([pack_end(each) for each in ends])))
                ends, gas = [], 0

    def _attempt(self, index: int, raw: bytes, sender: Address) -> End:
        setting, context = self._setting, self._context
        assert setting is not None, "a block is begun before it is run"
        assert context is not None
        try:
            job = Job(index, decode_transaction(raw, context.fork), sender)
        except InvalidTransaction:
            return End(index, None)
        evm = self._engine.evm(context.fork)
        view = self._versions.view(index)
        end = try_transaction(job, view, evm, context, setting.blob_gas_max)
        if end.blocked is None:
            self._versions.record(index, end.outcome)
        return end
