"""Batches made durable in order, by a thread of its own, while the protocol goes on.

A turn that persists must not stop the node for as long as the disk takes. RocksDB's own synced
write would: rocksdict holds the interpreter's lock meanwhile. So the thread writes without a sync,
which takes processor time only, and then syncs the logs itself (`LogSync`), which lets the others
run.

What queues up during a sync goes into one batch with the next one: many small batches cost one
sync then, and of several values for one row only the last is written. At most one batch is written
and not synced at any time. That bounds what a crash can leave to a torn end of the newest log, as
with `Durability.FSYNC`, so any other damage can be told from it when the store is opened.

After an error nothing is written any more: what the disk holds of the failed batch is unknown, and
a store that went on could acknowledge a later batch without an earlier one. Whoever has freed
space opens the store again and goes on from what it finds.

Reference: DESIGN section 2 (Durability); DeWitt et al., "Implementation Techniques for Main Memory
Database Systems" (SIGMOD'84), group commit; Rebello et al., "Can Applications Recover from fsync
Failures?" (ATC'20).
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from threading import Condition, Lock, Thread
from types import TracebackType
from typing import Protocol

import msgspec

from primitives.errors import OrreryError
from primitives.ids import Token
from primitives.machine import Persisted, Record
from storage.rocks.errors import CommitterStopped, translated
from storage.rocks.log_sync import LogSync
from storage.rocks.options import MEBIBYTE
from storage.rocks.store import RocksStore

BREATH_AFTER_NS = 500_000
BREATH_SECONDS = 50e-6
"""Between gathering a large batch and writing it, others get the interpreter: both together would
keep them from it for longer than either. Not to sleep at all would give it to nobody: the thread
takes it back before another one has woken up."""


class CommitListener(Protocol):
    """Who is told what became of batches. It is called on the committer's thread."""

    def persisted(self, done: Sequence[Persisted]) -> None:
        """Take note that these batches are durable; they come in the order of submission."""
        ...

    def failed(self, error: OrreryError, lost: Sequence[Persisted]) -> None:
        """Take note that these batches are not durable, and that no later one will be."""
        ...


@dataclass(frozen=True, slots=True)
class CommitLimits:
    """How much may wait, and how much goes together."""

    queued_bytes_max: int = 64 * MEBIBYTE
    """Bytes of keys and values that are not durable, beyond which there is no room."""
    queued_batches_max: int = 1_024
    """Batches that are not durable, beyond which there is no room."""
    group_bytes_max: int = MEBIBYTE
    """Bytes that go into one write together; a larger batch goes alone. RocksDB holds the
    interpreter's lock during a write, some 6 ms for a mebibyte of state rows."""


class CommitStatistics(msgspec.Struct, frozen=True):
    """What a committer has done since it began."""

    submitted: int
    """Batches taken."""
    durable: int
    """Batches acknowledged."""
    groups: int
    """Writes, and so syncs, that these took."""
    group_batches_max: int
    """Batches of the largest group."""
    rows: int
    """Rows in all batches that were written; of one row in several batches each counts."""
    bytes: int
    """Bytes of their keys and values."""
    queued_batches: int
    """Batches that are not durable now."""
    queued_bytes: int
    """Their bytes."""
    queued_batches_max: int
    """The most there ever were."""
    waits: int
    """How often a caller had to wait for room."""
    wait_ns: int
    """How long they waited, in ns."""
    gather_ns: int
    """Time spent on turning records into RocksDB's batches, and on preparing them, in ns."""
    write_ns: int
    """Time spent on writes without sync, in ns: the interpreter stood still."""
    sync_ns: int
    """Time spent on syncs, in ns."""
    sync_ns_max: int
    """The longest sync, in ns."""


class _Batch(msgspec.Struct, frozen=True):
    """One `Persist` that is not durable yet."""

    persisted: Persisted
    """What is said when it is."""
    records: Sequence[Record]
    bytes: int
    """Of keys and values."""


class Committer:
    """Writes batches to a store in order, makes them durable, and says so.

    Others may write to the store meanwhile, each waiting for the sync that is going on.

    Args:
        store: open; it stays the caller's to close, after the committer.
        listener: is told about every batch, once.
        limits: of what waits.
        prepare: called on the committer's thread with the records of a group; what it returns is
            written instead (`FrozenStore.freeze`, say). Its errors are those of the group.
    """

    def __init__(
        self,
        store: RocksStore,
        listener: CommitListener,
        limits: CommitLimits | None = None,
        prepare: Callable[[Iterable[Record]], Iterable[Record]] | None = None,
    ) -> None:
        self.limits = CommitLimits() if limits is None else limits
        self._store = store
        self._listener = listener
        self._prepare = prepare
        self._logs = LogSync(store.path)
        self._queue: deque[_Batch] = deque()
        """All that is not durable, in order; what is being written is at its front."""
        self._closing = False
        self._error: OrreryError | None = None
        self._count = _Counters()
        lock = Lock()
        self._arrived = Condition(lock)
        self._left = Condition(lock)
        self._thread = Thread(target=self._run, name=f"commit {store.path.name}", daemon=True)
        self._thread.start()

    def submit(self, core: str, token: Token, records: Sequence[Record]) -> int:
        """Queue one batch; the listener hears of it once it is durable, or never will be.

        It is taken even if there is no room: a `Persist` cannot be taken back. Ask `has_room`
        before the turn that may cause one.

        Args:
            core: whose `Persist` it is.
            token: its token.
            records: in their order; not changed afterwards.

        Returns:
            Bytes of its keys and values.

        Raises:
            CommitterStopped: it was closed, or an earlier batch has failed.
        """
        size = sum([len(record.key) + len(record.value or b"") for record in records])
        with self._arrived:
            self._refuse_if_over()
            self._queue.append(_Batch(Persisted(core, token), records, size))
            self._count.submit(size, len(self._queue))
            self._arrived.notify()
        return size

    @property
    def has_room(self) -> bool:
        """Whether less waits than the limits say. Another `persisted` may make it true again."""
        return (
            len(self._queue) < self.limits.queued_batches_max
            and self._count.queued_bytes < self.limits.queued_bytes_max
        )

    @property
    def error(self) -> OrreryError | None:
        """Why it has stopped, if an error was the reason."""
        return self._error

    def wait_for_room(self, timeout_seconds: float | None = None) -> bool:
        """Block until there is room, and say whether there is.

        Raises:
            CommitterStopped: there never will be.
        """
        with self._left:
            if not self.has_room:
                start = time.perf_counter_ns()
                self._left.wait_for(lambda: self.has_room or self._over(), timeout_seconds)
                self._count.wait(time.perf_counter_ns() - start)
            self._refuse_if_over()
            return self.has_room

    def drain(self, timeout_seconds: float | None = None) -> bool:
        """Block until all that was submitted is acknowledged, and say whether it is.

        Raises:
            CommitterStopped: a batch has failed.
        """
        with self._left:
            self._left.wait_for(lambda: not self._queue or self._over(), timeout_seconds)
            self._refuse_if_failed()
            return not self._queue

    def statistics(self) -> CommitStatistics:
        """Return what was done so far."""
        with self._left:
            return self._count.statistics(len(self._queue))

    def close(self) -> None:
        """Make durable what was submitted, then end; a second call does nothing.

        Errors have been told to the listener, and are not raised here.
        """
        with self._arrived:
            self._closing = True
            self._arrived.notify()
        self._thread.join()
        self._logs.close()

    def __enter__(self) -> "Committer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        """Commit group after group, until it is closed or one fails."""
        while group := self._next_group():
            try:
                self._commit(group)
                self._acknowledge(group)
            except BaseException as error:  # noqa: BLE001 - whatever it is, nothing may follow it
                self._fail(translated(self._store.path, error))
                return

    def _next_group(self) -> tuple[_Batch, ...]:
        """Return what is to be written next, once there is something; nothing at the end."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._queue or self._closing)
            return tuple(islice(self._queue, self._group_length()))

    def _group_length(self) -> int:
        length = total = 0
        for batch in self._queue:
            total += batch.bytes
            if length and total > self.limits.group_bytes_max:
                break
            length += 1
        return length

    def _commit(self, group: Sequence[_Batch]) -> None:
        start = time.perf_counter_ns()
        records: Iterable[Record] = chain.from_iterable(each.records for each in group)
        if self._prepare is not None:
            records = self._prepare(records)
        batch = self._store.gathered(records)
        gathered = time.perf_counter_ns()
        if gathered - start > BREATH_AFTER_NS:
            time.sleep(BREATH_SECONDS)
        with self._store.writing:
            begun = time.perf_counter_ns()
            self._store.write_unsynced(batch)
            written = time.perf_counter_ns()
            try:
                self._logs.sync()
            except OSError as error:
                self._store.refuse(translated(self._store.path, error))
                raise
            self._store.durable = self._store.written
            synced = time.perf_counter_ns()
        self._count.commit(group, gathered - start, written - begun, synced - written)

    def _acknowledge(self, group: Sequence[_Batch]) -> None:
        """Tell the listener, and only then make room: `drain` means that all was told."""
        try:
            self._listener.persisted([batch.persisted for batch in group])
        finally:
            with self._left:
                for batch in group:
                    self._queue.popleft()
                    self._count.queued_bytes -= batch.bytes
                self._left.notify_all()

    def _fail(self, error: OrreryError) -> None:
        with self._left:
            self._error = error
            lost = [batch.persisted for batch in self._queue]
            self._queue.clear()
            self._count.queued_bytes = 0
        try:
            self._listener.failed(error, lost)
        finally:
            with self._left:
                self._left.notify_all()

    def _over(self) -> bool:
        return self._closing or self._error is not None

    def _refuse_if_failed(self) -> None:
        if self._error is not None:
            reason = f"an earlier batch that failed: {self._error}"
            raise CommitterStopped(self._store.path, reason) from self._error

    def _refuse_if_over(self) -> None:
        self._refuse_if_failed()
        if self._closing:
            raise CommitterStopped(self._store.path, "it was closed")


@dataclass(slots=True)
class _Counters:
    """The statistics as they grow."""

    submitted: int = 0
    durable: int = 0
    groups: int = 0
    group_batches_max: int = 0
    rows: int = 0
    bytes: int = 0
    queued_bytes: int = 0
    queued_batches_max: int = 0
    waits: int = 0
    wait_ns: int = 0
    gather_ns: int = 0
    write_ns: int = 0
    sync_ns: int = 0
    sync_ns_max: int = 0

    def submit(self, size: int, depth: int) -> None:
        self.submitted += 1
        self.queued_bytes += size
        self.queued_batches_max = max(self.queued_batches_max, depth)

    def wait(self, spent_ns: int) -> None:
        self.waits += 1
        self.wait_ns += spent_ns

    def commit(self, group: Sequence[_Batch], gather_ns: int, write_ns: int, sync_ns: int) -> None:
        self.durable += len(group)
        self.groups += 1
        self.group_batches_max = max(self.group_batches_max, len(group))
        self.rows += sum(len(batch.records) for batch in group)
        self.bytes += sum(batch.bytes for batch in group)
        self.gather_ns += gather_ns
        self.write_ns += write_ns
        self.sync_ns += sync_ns
        self.sync_ns_max = max(self.sync_ns_max, sync_ns)

    def statistics(self, queued_batches: int) -> CommitStatistics:
        return CommitStatistics(queued_batches=queued_batches, **dict(self._items()))

    def _items(self) -> Iterator[tuple[str, int]]:
        return ((name, getattr(self, name)) for name in self.__slots__)
