"""The crash test as a program: kill a chain's writer, lose what was not synced, open, compare.

`python -m tests.unit.storage.rocks.crash_chain DIRECTORY KILLS [SEED [FAULT]]`

What opens has to hold all blocks and votes that were called durable, and be exactly what some
number of whole blocks leaves: the rows of the state and of its trie, recomputed here from the
beginning, the states before, and every block either in its tables or in the archive.
"""

import sys
from pathlib import Path
from random import Random

from primitives.ids import Hash32
from storage.commitment import empty_state_trie, update_state_trie
from storage.files.frozen import FROZEN_TABLES, FrozenStore
from storage.flat import DiskState, HistoricState, read_head
from storage.rocks import RocksStore, StoreError
from storage.rocks.wal import log_files
from storage.state import StateLayer
from storage.stored_trie import TABLE as TRIE, trie_records
from tests.unit.storage.rocks.chain import (
    BY_HEIGHT,
    CONSENSUS,
    KEPT,
    VOTE,
    changes_of,
    digest_of,
    filler,
    key_of,
)
from tests.unit.storage.rocks.chain_node import ARCHIVE, OPTIONS, STORE, opened_frozen
from tests.unit.storage.rocks.killing import Writers, lose_unsynced

REPORTS_MAX = 30


class Lost(AssertionError):
    """A store broke its promise."""


class ChainCrash:
    """A chain whose writer is killed again and again, and what its store has to hold.

    Args:
        path: an empty directory, or none yet.
        random: decides when to kill, and what is lost.
        fault: of the writer ("none" for none).
    """

    def __init__(self, path: Path, random: Random, fault: str = "none") -> None:
        self.path, self.random, self.fault = path, random, fault
        path.mkdir(exist_ok=True)
        self.height = 0
        """The newest block found when the store was last opened."""
        self.lost_bytes = 0
        """Bytes cut off files so far."""
        self.torn = 0
        """How often the store or the archive said that an end was torn."""
        self.logs = 0
        """The newest log's number."""
        self.archive_files = 0
        """Files of the archive."""
        self._state = StateLayer(None, {})
        self._roots: dict[int, Hash32] = {0: self._state.root()}

    def round(self, writers: Writers) -> None:
        """Let a writer commit, kill it, lose what was not synced, open the store and look.

        Raises:
            Lost: something durable is missing, or part of a block is there.
        """
        arguments = [str(self.path), self.fault]
        (height, vote), synced = writers.killed(arguments, self.random, REPORTS_MAX)
        logs = log_files(self.path / STORE)
        files = [*logs, *sorted((self.path / ARCHIVE).glob("*.archive"))]
        self.lost_bytes += lose_unsynced(files, synced, self.random)
        self.logs = max([self.logs, *(int(log.stem) for log in logs)])
        self.archive_files = len(files) - len(logs)
        self.look(height, vote)

    def look(self, height: int, vote: int) -> None:
        """Open the store and compare all of it.

        Args:
            height: of the last block that was called durable.
            vote: the last one that was.

        Raises:
            Lost: something durable is missing, or part of a block is there.
        """
        try:
            with RocksStore(self.path / STORE, OPTIONS) as store:
                self.torn += store.torn is not None
                self._compare(store, height, vote)
                with opened_frozen(store, self.path) as frozen:
                    self.torn += frozen.torn is not None
                    self._compare_blocks(store, frozen)
        except StoreError as error:
            raise Lost(f"it does not open: {error}") from error

    def _compare(self, store: RocksStore, reported: int, vote: int) -> None:
        head = read_head(store)
        height = 0 if head is None else head.height
        if height < max(reported, self.height):
            raise Lost(f"block {reported} was called durable, the store ends at {height}")
        if int.from_bytes(store.get(CONSENSUS, VOTE) or b"", "big") < max(vote, height):
            raise Lost(f"the vote of {max(vote, height)} was called durable")
        while self.height < height:
            self.height += 1
            self._state = StateLayer(self._state, changes_of(self.height, self._state))
            self._roots[self.height] = self._state.root()
        if head is None:
            return
        if (head.digest, head.state_root) != (digest_of(height), self._state.root()):
            raise Lost(f"the head row is not that of block {height}")
        self._compare_state(store)
        past = self.random.randint(max(0, height - KEPT), height)
        if HistoricState(store, past).trie().root != self._roots[past]:
            raise Lost(f"the state of {past} is not what it was")

    def _compare_state(self, store: RocksStore) -> None:
        """Compare accounts, slots, codes and every node of the trie with what was recomputed."""
        found, wanted = DiskState(store).everything(), self._state.everything()
        if found != wanted:
            raise Lost(f"the flat state is not what {self.height} whole blocks leave")
        rebuilt = update_state_trie(empty_state_trie(), found)
        rows = [(each.key, each.value) for each in trie_records(empty_state_trie(), rebuilt)]
        if list(store.scan(TRIE)) != sorted(rows):
            raise Lost(f"the trie is not that of the state after {self.height} blocks")
        if rebuilt.root != self._roots[self.height]:
            raise Lost("the state root differs")

    def _compare_blocks(self, store: RocksStore, frozen: FrozenStore) -> None:
        """See that the last blocks have their rows, and older ones stand in the archive, whole."""
        height = self.height
        if store.get(CONSENSUS, b"delivered") != (key_of(height) if height else None):
            raise Lost("the consensus rows are not those of the head")
        lowest = max(1, height - KEPT + 1)
        for table in BY_HEIGHT:
            rows = [(key_of(n), filler(table, n)) for n in range(lowest, height + 1)]
            if list(store.scan(table)) != rows:
                raise Lost(f"{table} is not what {height} whole blocks leave")
            if table in FROZEN_TABLES:
                every = [*((key_of(n), filler(table, n)) for n in range(1, lowest)), *rows]
                if list(frozen.scan(table)) != every:
                    raise Lost(f"{table} is not whole with what is in the archive")


def run(path: Path, kills: int, seed: int, fault: str = "none") -> ChainCrash:
    """Kill a chain's writer some times."""
    test = ChainCrash(path, Random(seed), fault)
    with Writers("tests.unit.storage.rocks.crash_chain_child") as writers:
        for _ in range(kills):
            test.round(writers)
    return test


if __name__ == "__main__":
    seed, fault = int((*sys.argv[3:], "0")[0]), (*sys.argv[4:], "none")[0]
    done = run(Path(sys.argv[1]), int(sys.argv[2]), seed, fault)
    sys.stdout.write(
        f"{sys.argv[2]} kills, {done.height} blocks, {done.logs} numbers of files, "
        f"{done.archive_files} archive files, {done.lost_bytes} bytes lost, {done.torn} torn ends\n"
    )
