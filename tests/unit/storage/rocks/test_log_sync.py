"""Syncing RocksDB's logs from outside: what its system calls show."""

import os
from pathlib import Path

import pytest

from storage.rocks.log_sync import LogSync
from tests.unit.storage.rocks.system_calls import MARKER, Broken, Disk, calls, trace, why_not

COMMITS = """
import os, sys
from dataclasses import replace
from pathlib import Path
from storage.rocks import Committer, Durability, RocksStore, profile
from storage.rocks.log_sync import LogSync
from tests.unit.storage.rocks.blocks import block

class Told:
    def persisted(self, done):
        os.write(1, b"ACKNOWLEDGED %d" % done[-1].token)
    def failed(self, error, lost):
        raise error

FAULTS = {
    "none": lambda: None,
    "skips-fsync": lambda: setattr(LogSync, "_sync_log", lambda self, name: None),
    "skips-directory": lambda: setattr(os, "fsync", lambda descriptor: None),
    "two-unsynced": lambda: setattr(Committer, "_commit", twice),
}

def twice(self, group):
    for batch in group:
        self._store.write_unsynced(self._store.gathered(batch.records))
    self._logs.sync()

FAULTS[sys.argv[2]]()
options = replace(
    profile("small"), write_buffer_bytes=48 << 10, write_buffers_total_bytes=0,
    durability=Durability.FSYNC,
)
with RocksStore(Path(sys.argv[1]), options) as store:
    os.write(1, b"BEGINS")
    with Committer(store, Told()) as committer:
        for number in range(1, int(sys.argv[3])):
            committer.submit("chain", number, block(number))
            if number % 3:
                committer.drain()
"""
traced = pytest.mark.skipif(bool(why_not()), reason=why_not() or "calls can be traced")


def watched(tmp_path: Path, fault: str) -> Disk:
    directory = tmp_path / "store"
    trace(COMMITS, [str(directory), fault, "150"], tmp_path / "calls")
    seen = list(calls(tmp_path / "calls"))
    begin = next(at for at, call in enumerate(seen) if '"BEGINS' in call.rest)
    committer = next(call.thread for call in seen if MARKER.search(call.rest))
    disk = Disk(directory, committer)
    for call in seen[begin:]:
        disk.watch(call)
    return disk


@traced
def test_nothing_is_acknowledged_before_bytes_and_names_are_durable(tmp_path: Path) -> None:
    disk = watched(tmp_path, "none")
    assert disk.acknowledged > 50
    assert len(disk.logs) + disk.deleted > 5, "logs were begun"
    assert disk.deleted, "logs were deleted"


@traced
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("skips-fsync", "acknowledged before bytes of"),
        ("skips-directory", "acknowledged before the name of"),
        ("two-unsynced", "was written before bytes of"),
    ],
)
def test_a_sync_that_is_left_out_is_found(tmp_path: Path, fault: str, words: str) -> None:
    with pytest.raises(Broken, match=words):
        watched(tmp_path, fault)


class Recorder:
    """Stands for the calls that sync, and notes for which file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, str]] = []
        for name in ("fsync", "fdatasync"):
            monkeypatch.setattr(os, name, self._call(name))

    def _call(self, name: str):
        def noted(descriptor: int) -> None:
            self.calls.append((name, Path(f"/proc/self/fd/{descriptor}").readlink().name))

        return noted


def test_logs_are_synced_oldest_first_and_new_names_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Recorder(monkeypatch)
    for name in ("000007.log", "000012.log", "000009.sst", "LOG"):
        (tmp_path / name).write_bytes(b"x")
    logs = LogSync(tmp_path)
    logs.sync()
    name = tmp_path.name
    first = [("fdatasync", "000007.log"), ("fsync", name), ("fdatasync", "000012.log")]
    assert seen.calls == [*first, ("fsync", name)]
    seen.calls.clear()
    logs.sync()
    assert seen.calls == [("fdatasync", "000012.log")], "what was written to an old log is synced"
    (tmp_path / "000100.log").write_bytes(b"x")
    (tmp_path / "000012.log").unlink()
    seen.calls.clear()
    logs.sync()
    assert seen.calls == [("fdatasync", "000100.log"), ("fsync", name)]
    assert (logs.log_syncs, logs.directory_syncs) == (4, 3)
    logs.close()
    logs.close()


def test_a_log_that_vanishes_while_it_looks_needs_no_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = LogSync(tmp_path)
    monkeypatch.setattr(logs.__class__, "_logs_from", lambda self, least: [(5, "000005.log")])
    logs.sync()
    assert logs.log_syncs == 0
    logs.close()
