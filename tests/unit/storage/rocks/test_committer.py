"""What a committer does with batches: order, groups, room, errors, ends."""

import gc
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import cast

import pytest

from primitives.errors import OrreryError
from primitives.ids import Token
from primitives.machine import Persisted, Record
from storage.rocks import (
    CommitLimits,
    Committer,
    CommitterStopped,
    Durability,
    RocksStore,
    StoreFailed,
    StoreFull,
    UnknownTable,
    profile,
)
from storage.rocks.log_sync import LogSync

TABLE = "consensus"
PATIENCE_S = 60.0
"""For what a disk does; nothing takes this long unless it hangs."""


class Heard:
    """What a listener was told."""

    def __init__(self) -> None:
        self.done: list[Persisted] = []
        self.calls: list[int] = []
        self.lost: list[Persisted] = []
        self.errors: list[OrreryError] = []

    def persisted(self, done: Sequence[Persisted]) -> None:
        self.done += done
        self.calls.append(len(done))

    def failed(self, error: OrreryError, lost: Sequence[Persisted]) -> None:
        self.errors.append(error)
        self.lost += lost

    def tokens(self) -> list[int]:
        return [int(each.token) for each in self.done]


class Scene:
    """A store, its committer, and a hand on the disk."""

    def __init__(self, path: Path, limits: CommitLimits | None = None) -> None:
        self.heard = Heard()
        self.store = RocksStore(path, profile("small"))
        self.committer = Committer(self.store, self.heard, limits)
        self.syncs = 0
        self.go = Event()
        self.go.set()
        self.error: Exception | None = None
        self.under_way = Event()
        self._logs = self.committer._logs
        hand = SimpleNamespace(sync=self._sync, close=self._logs.close)
        self.committer._logs = cast("LogSync", hand)

    def _sync(self) -> None:
        self.under_way.set()
        self.go.wait()
        if self.error is not None:
            raise self.error
        self.syncs += 1
        self._logs.sync()

    def submit(self, *numbers: int, value: bytes = b"v") -> None:
        for number in numbers:
            row = Record(TABLE, number.to_bytes(4, "big"), value)
            self.committer.submit("chain", Token(number), (row,))

    def submit_and_block(self, number: int) -> None:
        """Submit a batch and return while it is being synced, which goes on until `go`."""
        self.go.clear()
        self.under_way.clear()
        self.submit(number)
        assert self.under_way.wait(PATIENCE_S)

    def rows(self) -> list[int]:
        return [int.from_bytes(key, "big") for key, _ in self.store.scan(TABLE)]

    def close(self) -> None:
        self.go.set()
        self.committer.close()
        with suppress(StoreFull, StoreFailed):  # what was written and could not be synced
            self.store.close()


@pytest.fixture
def scene(tmp_path: Path):
    made = Scene(tmp_path / "store")
    yield made
    made.close()


def test_batches_are_acknowledged_in_order_and_are_there(scene: Scene) -> None:
    scene.submit(*range(200))
    assert scene.committer.drain(PATIENCE_S)
    assert scene.heard.tokens() == list(range(200))
    assert {each.origin for each in scene.heard.done} == {"chain"}
    assert scene.rows() == list(range(200))
    assert scene.store.durable == scene.store.written


def test_what_queues_up_during_a_sync_goes_with_the_next(scene: Scene) -> None:
    scene.submit_and_block(0)
    scene.submit(1, 2, 3, 4)
    assert scene.heard.calls == []
    assert scene.rows() == [0], "one batch is written and not synced at most"
    scene.go.set()
    assert scene.committer.drain(PATIENCE_S)
    assert scene.heard.calls == [1, 4]
    assert scene.syncs == 2
    seen = scene.committer.statistics()
    assert (seen.submitted, seen.durable, seen.groups) == (5, 5, 2)
    assert (seen.group_batches_max, seen.queued_batches_max) == (4, 5)
    assert (seen.rows, seen.bytes) == (5, 25)
    assert (seen.queued_batches, seen.queued_bytes) == (0, 0)
    assert seen.sync_ns_max <= seen.sync_ns


def test_a_group_ends_before_it_is_too_large(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "store", CommitLimits(group_bytes_max=30))
    scene.submit_and_block(0)
    scene.submit(1, 2, value=b"v" * 11)
    scene.submit(3, value=b"v" * 100)
    scene.submit(4)
    scene.go.set()
    assert scene.committer.drain(PATIENCE_S)
    assert scene.heard.calls == [1, 2, 1, 1]
    scene.close()


def test_of_several_values_for_a_row_the_last_stays(scene: Scene) -> None:
    scene.submit_and_block(0)
    for value in (b"1", b"2", b"3"):
        scene.submit(7, value=value)
    scene.go.set()
    assert scene.committer.drain(PATIENCE_S)
    assert scene.store.get(TABLE, (7).to_bytes(4, "big")) == b"3"


@pytest.mark.parametrize(
    "limits", [CommitLimits(queued_batches_max=3), CommitLimits(queued_bytes_max=15)]
)
def test_there_is_room_again_when_batches_are_durable(tmp_path: Path, limits: CommitLimits) -> None:
    scene = Scene(tmp_path / "store", limits)
    scene.submit_and_block(0)
    scene.submit(1)
    assert scene.committer.has_room
    assert scene.committer.wait_for_room(0)
    scene.submit(2)
    assert not scene.committer.has_room
    assert not scene.committer.wait_for_room(0.01)
    scene.submit(3)
    waiting = Thread(target=scene.committer.wait_for_room)
    waiting.start()
    scene.go.set()
    waiting.join(PATIENCE_S)
    assert not waiting.is_alive()
    assert scene.committer.has_room
    assert scene.committer.drain(PATIENCE_S)
    assert scene.heard.tokens() == [0, 1, 2, 3], "what is over the limit is taken all the same"
    seen = scene.committer.statistics()
    assert 1 <= seen.waits <= 2
    assert seen.wait_ns > 0
    scene.close()


@pytest.mark.parametrize(
    ("error", "leaf"),
    [
        (OSError(28, "No space left on device"), StoreFull),
        (OSError(5, "Input/output error"), StoreFailed),
    ],
)
def test_an_error_fails_all_that_waits_and_all_that_comes(
    scene: Scene, error: OSError, leaf: type[OrreryError]
) -> None:
    scene.submit(0)
    assert scene.committer.drain(PATIENCE_S)
    scene.submit_and_block(1)
    scene.submit(2, 3)
    scene.error = error
    waiting = Thread(target=scene.committer.close)
    waiting.start()
    scene.go.set()
    waiting.join(PATIENCE_S)
    assert scene.heard.tokens() == [0]
    assert [int(each.token) for each in scene.heard.lost] == [1, 2, 3]
    (told,) = scene.heard.errors
    assert type(told) is leaf
    assert error.strerror is not None
    assert error.strerror in str(told)
    assert scene.committer.error is told
    for refused in (
        lambda: scene.submit(4),
        scene.committer.drain,
        scene.committer.wait_for_room,
    ):
        with pytest.raises(CommitterStopped, match=error.strerror) as caught:
            refused()
        assert caught.value.__cause__ is told
    assert scene.syncs == 1
    assert scene.rows() == [0, 1], "what was not written before the error is not written after it"


def test_after_a_sync_that_failed_nobody_calls_anything_durable(scene: Scene) -> None:
    """A second sync would succeed: the pages of the lost batch count as clean."""
    scene.error = OSError(5, "Input/output error")
    scene.submit(1)
    with pytest.raises(CommitterStopped):
        scene.committer.drain(PATIENCE_S)
    durable = scene.store.durable
    for attempt in (
        lambda: scene.store.write([Record(TABLE, b"later", b"v")]),
        lambda: scene.store.discard([TABLE]),
        scene.store.sync,
        scene.store.close,
    ):
        with pytest.raises(StoreFailed, match="Input/output error"):
            attempt()
    assert scene.store.durable == durable < scene.store.written


def test_what_a_committer_writes_during_another_sync_is_not_durable_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RocksStore(tmp_path, replace(profile("small"), durability=Durability.WAL))
    store.write([Record(TABLE, b"1", b"v")])
    engine = store._engine
    assert engine is not None

    def overtaken(*, sync: bool) -> None:
        engine.flush_wal(sync=sync)
        store.write_unsynced(store.gathered([Record(TABLE, b"2", b"v")]))

    monkeypatch.setattr(store, "_engine", SimpleNamespace(flush_wal=overtaken, write=engine.write))
    store.sync()
    assert (store.durable, store.written) == (1, 2)
    monkeypatch.undo()
    store.close()


class Bailing(Heard):
    """A listener that raises when it is told of an end."""

    def failed(self, error: OrreryError, lost: Sequence[Persisted]) -> None:
        super().failed(error, lost)
        raise ValueError("a second mistake")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_waits_for_ever_where_the_listener_fails_at_the_end(scene: Scene) -> None:
    heard = scene.committer._listener = Bailing()
    scene.submit_and_block(1)
    scene.error = OSError(5, "Input/output error")
    seen: list[BaseException] = []

    def drain() -> None:
        try:
            scene.committer.drain()
        except CommitterStopped as error:
            seen.append(error)

    waiting = Thread(target=drain, daemon=True)
    waiting.start()
    waiting.join(0.05)
    scene.go.set()
    waiting.join(PATIENCE_S)
    assert not waiting.is_alive()
    assert len(seen) == len(heard.errors) == 1


def test_what_is_no_exception_stops_it_too(scene: Scene) -> None:
    """RocksDB's binding panics with a `BaseException`; the thread must not just be gone."""

    def bail(done: Sequence[Persisted]) -> None:
        raise SystemExit("bailed out")

    scene.heard.persisted = bail  # type: ignore[method-assign]
    scene.submit(1)
    with pytest.raises(CommitterStopped, match="bailed out"):
        scene.committer.drain(PATIENCE_S)
    with pytest.raises(CommitterStopped):
        scene.submit(2)


def test_a_table_that_does_not_exist_stops_it(scene: Scene) -> None:
    scene.committer.submit("chain", Token(1), (Record("other", b"k", b"v"),))
    with pytest.raises(CommitterStopped, match="other"):
        scene.committer.drain(PATIENCE_S)
    assert isinstance(scene.committer.error, UnknownTable)
    assert len(scene.heard.lost) == 1


def test_a_listener_that_fails_stops_it(scene: Scene) -> None:
    def refuse(done: Sequence[Persisted]) -> None:
        raise ValueError("a listener's mistake")

    scene.heard.persisted = refuse  # type: ignore[method-assign]
    scene.submit(1)
    with pytest.raises(CommitterStopped, match="a listener's mistake"):
        scene.committer.drain(PATIENCE_S)
    assert scene.heard.lost == []


def test_closing_makes_durable_what_waits(scene: Scene) -> None:
    scene.submit_and_block(0)
    scene.submit(1, 2)
    closing = Thread(target=scene.committer.close)
    closing.start()
    scene.go.set()
    closing.join(PATIENCE_S)
    assert scene.heard.tokens() == [0, 1, 2]
    with pytest.raises(CommitterStopped, match="closed"):
        scene.submit(3)
    scene.committer.close()


def test_others_write_between_two_batches(scene: Scene) -> None:
    scene.submit_and_block(0)
    other = Thread(target=scene.store.write, args=([Record(TABLE, b"zzzz", b"v")],))
    other.start()
    other.join(0.02)
    assert other.is_alive(), "no log may be begun before the end of the one before is synced"
    scene.go.set()
    other.join(PATIENCE_S)
    assert scene.store.get(TABLE, b"zzzz") == b"v"


def test_a_snapshot_beside_a_committer_is_of_one_moment(scene: Scene) -> None:
    """Each batch writes one number to rows in several families."""
    tables = ("chain.headers", "chain.blocks", "chain.receipts", "state.trie", "consensus")

    seen: set[bytes | None] = set()

    def write() -> None:
        # So long that the other thread has seen several moments, however seldom it has its turn.
        for number in count():
            if number >= 300 and len(seen) > 5:
                return
            rows = tuple(Record(table, b"row", b"%d" % number) for table in tables)
            scene.committer.submit("chain", Token(number), rows)
            scene.committer.drain(PATIENCE_S)

    writing = Thread(target=write)
    writing.start()
    while writing.is_alive():
        with scene.store.snapshot() as snapshot:
            values = {snapshot.get(table, b"row") for table in tables}
            values |= {dict(snapshot.scan(table)).get(b"row") for table in tables}
        assert len(values) == 1
        seen |= values


def test_it_leaves_no_descriptor_open(tmp_path: Path) -> None:
    gc.collect()  # What tests before this one have left would be closed meanwhile.
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - links, of which one is this list's
    for number in range(3):
        scene = Scene(tmp_path / str(number))
        scene.submit(1)
        scene.close()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
