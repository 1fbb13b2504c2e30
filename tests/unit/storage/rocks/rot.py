"""Flip a bit anywhere in a node's files, and see whether wrong rows are ever served.

`python -m tests.unit.storage.rocks.rot DIRECTORY FLIPS [SEED]` prints a table of file kinds.

Each flip is made in a copy of a node directory as a kill leaves it: tables, logs, the files that
RocksDB names its parts by, an archive with sealed files and an open one, a snapshot of the state.
Then all is opened and every row is read, one by one and in order. An error that names the file is
what should come. A byte in which nothing is kept may pass, but only if every row is right.
"""

import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from primitives.errors import OrreryError
from storage.files import SnapshotFile, write_snapshot
from storage.files.frozen import FROZEN_TABLES
from storage.rocks import CHAIN_SCHEMA, CorruptStore, RocksStore, StoreError
from tests.unit.storage.rocks.chain_node import (
    ARCHIVE,
    OPTIONS,
    STORE,
    ChainNode,
    Durable,
    opened_frozen,
)

BLOCKS = 150
SNAPSHOT = "state.snapshot"
SNAPSHOT_TABLES = ("state.accounts", "state.storage", "state.code", "state.head")
TABLES = tuple(table.name for table in CHAIN_SCHEMA.tables)
KINDS = {
    "table": f"{STORE}/*.sst",
    "log": f"{STORE}/*.log",
    "manifest": f"{STORE}/MANIFEST-*",
    "CURRENT": f"{STORE}/CURRENT",
    "IDENTITY": f"{STORE}/IDENTITY",
    "OPTIONS": f"{STORE}/OPTIONS-*",
    "rocksdict-config": f"{STORE}/rocksdict-config.json",
    "archive, sealed": f"{ARCHIVE}/*.archive",
    "archive, open": f"{ARCHIVE}/*.archive",
    "state snapshot": SNAPSHOT,
}
"""Patterns of the files of each kind; of an archive the last file is open, the others sealed."""
NAMED, UNNAMED, TORN, HARMLESS = "named", "unnamed", "torn", "harmless"
Contents = dict[str, list[tuple[bytes, bytes]]]


class Served(AssertionError):
    """Wrong rows were served, or durable ones were missing without a word."""


@dataclass(slots=True)
class Rot:
    """A node directory, what it holds, and what became of flips.

    Args:
        path: an empty directory; `original` in it is the node's.
        random: decides where.
    """

    path: Path
    random: Random
    contents: Contents = field(default_factory=dict)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    """How the flips of each kind ended."""

    def prepare(self) -> None:
        """Commit a chain, and keep its directory as it is while the node still runs."""
        node = ChainNode(self.path / "node", Durable())
        for number in range(BLOCKS):
            node.step()
            if number == BLOCKS - 40:
                node.committer.drain()
                node.store.compact()
        node.committer.drain()
        write_snapshot(self.path / "node" / SNAPSHOT, SNAPSHOT_TABLES, node.store.scan)
        shutil.copytree(self.path / "node", self.path / "original")
        node.close()
        self.contents = read_all(self._copy())
        assert sum(len(rows) for rows in self.contents.values()) > 500

    def flip(self, kind: str) -> None:
        """Flip one bit of one file of a kind, look, and count what came of it.

        Raises:
            Served: rows were wrong.
        """
        copy = self._copy()
        files = sorted(path for path in copy.glob(KINDS[kind]) if path.stat().st_size)
        if kind.startswith("archive"):
            files = files[-1:] if kind.endswith("open") else files[:-1]
        file = self.random.choice(files)
        content = bytearray(file.read_bytes())
        offset = self.random.randrange(len(content))
        content[offset] ^= 1 << self.random.randrange(8)
        file.write_bytes(content)
        where = f"{file.relative_to(copy)}, byte {offset} of {len(content)}"
        self.counts.setdefault(kind, Counter())[self._outcome(copy, file.name, where)] += 1

    def _copy(self) -> Path:
        copy = self.path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        return shutil.copytree(self.path / "original", copy)

    def _outcome(self, copy: Path, name: str, where: str) -> str:
        try:
            found = read_all(copy, torn_is_named=True)
        except Torn:
            return TORN
        except CorruptStore as error:
            return NAMED if name in str(error) else UNNAMED
        except OrreryError as error:
            return NAMED if name in str(error) else UNNAMED
        for table, rows in self.contents.items():
            if found[table] != rows:
                raise Served(f"{where}: {table} is not what was written")
        return HARMLESS

    def rows(self) -> Iterator[tuple[str, int, int, int, int, int]]:
        """Yield (kind, flips, named, unnamed, taken for a torn end, harmless)."""
        for kind, found in self.counts.items():
            counted = (found[NAMED], found[UNNAMED], found[TORN], found[HARMLESS])
            yield (kind, sum(counted), *counted)


class Torn(Exception):
    """The end of a log was said to be torn; what was behind is gone, and that is told."""


def read_all(path: Path, *, torn_is_named: bool = False) -> Contents:
    """Return every row of a node directory, read in order and one by one, frozen ones too.

    Raises:
        StoreError: damage was met.
        Torn: the store says that it lost the end of a log, and that is asked for.
    """
    contents: Contents = {}
    with SnapshotFile(path / SNAPSHOT) as snapshot:
        for damage in snapshot.verify():
            raise damage
        contents |= {f"snapshot {each}": list(snapshot.rows(each)) for each in snapshot.tables}
    store = RocksStore(path / STORE, OPTIONS)
    try:
        if store.torn is not None and torn_is_named:
            raise Torn
        for table in TABLES:
            rows = list(store.scan(table))
            single = [(key, store.get(table, key)) for key, _ in rows]
            if single != rows:
                raise Served(f"{table}: rows in order and rows one by one differ")
            contents[table] = rows
        with opened_frozen(store, path) as frozen:
            for damage in frozen.verify():
                raise damage
            contents |= {f"frozen {each}": list(frozen.scan(each)) for each in FROZEN_TABLES}
    finally:
        with suppress(StoreError):  # a merge in the background has met the damage, too
            store.close()
    return contents


def run(path: Path, flips: int, seed: int) -> Rot:
    """Flip so many bits of each kind of file."""
    rot = Rot(path, Random(seed))
    rot.prepare()
    for kind in KINDS:
        for _ in range(flips):
            rot.flip(kind)
    return rot


def printed(rot: Rot) -> str:
    """Return the counts as a table."""
    lines = [f"{'file':<18}{'flips':>7}{'named':>7}{'unnamed':>9}{'torn':>6}{'harmless':>10}"]
    lines += [
        f"{kind:<18}{flips:>7}{named:>7}{unnamed:>9}{torn:>6}{harmless:>10}"
        for kind, flips, named, unnamed, torn, harmless in rot.rows()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    seed = int((*sys.argv[3:], "0")[0])
    sys.stdout.write(printed(run(Path(sys.argv[1]), int(sys.argv[2]), seed)))
