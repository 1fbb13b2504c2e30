"""Worker processes: for code that holds the interpreter, which is all of a virtual machine.

An edge. A coordinator hands out work and answers what workers ask; all that decides anything is in
`warm`, `knowledge` and the plans. A worker that dies is noticed by its closed pipe. What it was
doing is then done where the result is needed, and for the next block there is another one.
"""

import selectors
from collections.abc import Iterable, Sequence
from types import TracebackType

from contracts.context import BlockContext
from node.execution_setting import BlockHashes
from node.executors.child import Child, WorkerLost
from node.executors.knowledge import Cell, Layers, cells_of_keys
from node.executors.pool import FUNCTIONS
from node.executors.versions import MultiVersion
from node.executors.wire import (
    Answer,
    AskCell,
    AskCode,
    AskStorage,
    BlockBegins,
    DoTask,
    JobsEnded,
    News,
    Order,
    Report,
    RunJobs,
    TaskDone,
    WireEnd,
    WireSetting,
    pack_int,
    unpack_end,
    unpack_int,
)
from node.executors.work import BlockWork, End
from primitives.block_access_list import encode_access_list
from primitives.ids import Gas, Hash32
from storage.changes import StateChanges

RESTARTS_MAX = 16
"""Workers that are started in the place of others. If so many die, something is wrong with them,
and the pool goes on with those it has, in the end with none."""
HINTED_CELLS_MAX = 64
"""Hinted cells that go along with a transaction. Hints come from strangers."""


class ProcessPool:
    """A pool of worker processes; both a `Pool` and a `Backend`. Use it in a `with`, or close it.

    Args:
        workers: processes, at least 1. They are started when there is something to do.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._children: dict[int, Child] = {}
        """Those that live, by the number of their place."""
        self._started = 0
        self._selector = selectors.DefaultSelector()
        self._layers = Layers()
        self._work: BlockWork | None = None
        self._versions: MultiVersion | None = None
        self._news: list[tuple[Child, News]] = []
        """What transactions of the block have changed, and by whom it is known."""
        self._ends: list[End] = []
        """Attempts that have ended and were not told of yet."""
        self._results: dict[int, bytes] = {}
        """Of the tasks of the present batch."""

    @property
    def workers(self) -> int:
        """How many attempts or tasks it makes at a time."""
        return self._workers

    @property
    def pids(self) -> Sequence[int]:
        """Process ids of the workers that there are at the moment."""
        return [child.pid for child in self._children.values()]

    def follow(self, block: Hash32, parent: Hash32, changes: StateChanges) -> None:
        """Learn of a block, so that workers can follow the chain with little to be told.

        Args:
            block: its hash.
            parent: its parent's hash.
            changes: what it changed over its parent's state.
        """
        self._layers.add(block, parent, changes)

    def map(self, name: str, tasks: Iterable[bytes]) -> Sequence[bytes]:
        """Return the result of the function `name` for each task, in order."""
        self._make_ready()
        self._results = {}
        given: list[bytes] = []
        for number, task in enumerate(tasks):
            given.append(task)
            while self._children and not self.idle():
                self._collect()
            for place in self.idle()[:1]:
                child = self._children[place]
                child.task = number
                self._send(child, DoTask(name, task))
        while any(child.is_busy for child in self._children.values()):
            self._collect()
        results, function = self._results, FUNCTIONS[name]
        return [
            results[number] if number in results else function(task)
            for number, task in enumerate(given)
        ]

    def begin(self, work: BlockWork, versions: MultiVersion) -> None:
        """Turn to a block."""
        self._make_ready()
        self._work, self._versions = work, versions
        self._news, self._ends = [], []
        setting = wire_setting(work.setting.context, work.setting.blob_gas_max)
        assumed = encode_access_list(work.assumed) if work.assumed else b""
        for child in list(self._children.values()):
            child.told = 0
            update = child.knowledge.turn_to(work, self._layers)
            cells = update.forget_all, update.forget, update.changed
            self._send(child, BlockBegins(setting, *cells, assumed))

    def idle(self) -> Sequence[int]:
        """Return the workers that have nothing to do."""
        return [place for place, child in self._children.items() if not child.is_busy]

    def start(self, worker: int, indexes: Sequence[int]) -> None:
        """Let an idle worker run transactions one after the other."""
        child, work, versions = self._children[worker], self._work, self._versions
        assert work is not None, "a block is begun before it is run"
        assert versions is not None
        child.jobs = list(indexes)
        batch = [(index, work.transactions[index]) for index in indexes]
        order = RunJobs(
            tuple([(index, each.raw, each.sender) for index, each in batch]),
            child.knowledge.needed(
                [cell for index in indexes for cell in likely_cells(work, index)]
            ),
            tuple([news for teller, news in self._news[child.told :] if teller is not child]),
            tuple(versions.expected),
        )
        child.told = len(self._news)
        self._send(child, order)

    def wait(self) -> Sequence[End]:
        """Return attempts that have ended; wait for one. Nothing if none is under way."""
        while not self._ends and any(child.is_busy for child in self._children.values()):
            self._collect()
        ends, self._ends = self._ends, []
        return ends

    def close(self) -> None:
        """End all workers."""
        for child in list(self._children.values()):
            self._remove(child)
        self._selector.close()

    def __enter__(self) -> "ProcessPool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _make_ready(self) -> None:
        """Start workers that are missing, and those anew that were left in the middle of work."""
        for child in list(self._children.values()):
            if child.is_busy:
                self._remove(child)
        for place in range(self._workers):
            if place not in self._children and self._started < self._workers + RESTARTS_MAX:
                child = self._children[place] = Child()
                self._started += 1
                self._selector.register(child, selectors.EVENT_READ)

    def _collect(self) -> None:
        """Wait until a worker has something to say, and hear all that have."""
        for key, _ in self._selector.select():
            child = key.fileobj
            assert isinstance(child, Child)
            try:
                for report in child.receive():
                    self._hear(child, report)
            except WorkerLost:
                self._lose(child)

    def _hear(self, child: Child, report: Report) -> None:
        match report:
            case JobsEnded():
                for packed in report.ends:
                    self._note(child, packed)
            case TaskDone():
                assert child.task is not None, "a result that nobody has asked for"
                self._results[child.task] = report.result
                child.task = None
            case AskCell() | AskCode() | AskStorage():
                self._send(child, self._answer(child, report))

    def _note(self, child: Child, packed: WireEnd) -> None:
        """Take in how an attempt has ended."""
        versions = self._versions
        assert versions is not None
        end = unpack_end(packed)
        child.jobs.remove(end.index)
        if end.blocked is None:
            versions.record(end.index, end.outcome)
            self._news.append((child, News(end.index, packed.changes)))
        self._ends.append(end)

    def _answer(self, child: Child, question: AskCell | AskCode | AskStorage) -> Answer:
        assert self._work is not None, "a block is begun before it is run"
        base = self._work.base
        match question:
            case AskCell():
                slot = None if question.slot is None else unpack_int(question.slot)
                return Answer(child.knowledge.answer(question.address, slot))
            case AskCode():
                try:
                    return Answer(code=base.code(question.code_hash))
                except KeyError:
                    return Answer()
            case AskStorage():
                but = [unpack_int(slot) for slot in question.but]
                return Answer(has_storage=base.has_storage(question.address, but))

    def _send(self, child: Child, order: Order) -> None:
        try:
            child.send(order)
        except WorkerLost:
            self._lose(child)

    def _lose(self, child: Child) -> None:
        """Go on without a worker: what it was doing has given nothing."""
        for index in child.jobs:
            if self._versions is not None:
                self._versions.record(index, None)
            self._ends.append(End(index, None))
        self._remove(child)

    def _remove(self, child: Child) -> None:
        self._children = {
            place: each for place, each in self._children.items() if each is not child
        }
        self._selector.unregister(child)
        child.end()


def wire_setting(context: BlockContext, blob_gas_max: Gas) -> WireSetting:
    """Return a block's setting as it travels."""
    hashes = context.block_hash
    return WireSetting(
        int(context.fork),
        context.chain_id,
        context.number,
        context.timestamp,
        context.fee_recipient,
        context.gas_limit,
        pack_int(context.base_fee),
        context.prev_randao,
        pack_int(context.blob_base_fee),
        hashes.hashes if isinstance(hashes, BlockHashes) else (),
        blob_gas_max,
        context.kzg is not None,
    )


def likely_cells(work: BlockWork, index: int) -> Sequence[Cell]:
    """Return the cells that a transaction will probably look at."""
    transaction = work.transactions[index]
    cells: list[Cell] = [(transaction.sender, None), (work.setting.context.fee_recipient, None)]
    if transaction.to is not None:
        cells.append((transaction.to, None))
    if work.hint is not None:
        accesses = work.hint.accesses[index]
        keys = (*accesses.reads, *accesses.writes, *accesses.deltas)
        cells += cells_of_keys(keys[:HINTED_CELLS_MAX])
    return cells
