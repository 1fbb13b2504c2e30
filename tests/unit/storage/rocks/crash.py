"""The crash test as a program: kill a writer, lose what was not synced, open, compare.

`python -m tests.unit.storage.rocks.crash DIRECTORY KILLS [SEED [FAULT]]`

This is about the store's own levels of durability; `crash_chain` is about a node's commits. What
opens has to hold all blocks that were called durable, and be exactly what some number of whole
blocks leaves.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from storage.memory import MemoryStore
from storage.rocks import CHAIN_SCHEMA, Durability, RocksStore, profile
from storage.rocks.wal import log_files
from tests.unit.storage.rocks.blocks import block
from tests.unit.storage.rocks.killing import Writers, lose_unsynced

REPORTS_MAX = 40
DURABILITIES = (Durability.FSYNC, Durability.GROUP)


class Lost(AssertionError):
    """A store broke its promise."""


@dataclass(slots=True)
class CrashTest:
    """A store that is killed again and again, and what it has to hold."""

    path: Path
    random: Random
    fault: str = "none"
    head: int = 0
    """The newest block found when it was last opened."""
    expected: MemoryStore = field(default_factory=MemoryStore)
    """What blocks up to `head` leave."""
    cut_bytes: int = 0
    """Bytes cut off logs so far."""
    torn: int = 0
    """How often the store said that a log's end was torn."""

    def round(self, writers: Writers, durability: Durability) -> None:
        """Let a writer write, kill it, cut the logs, open the store and look.

        Raises:
            Lost: a durable block is missing, or part of a block is there.
        """
        arguments = [str(self.path), durability.value, self.fault]
        (reported,), synced = writers.killed(arguments, self.random, REPORTS_MAX)
        logs = log_files(self.path)
        # RocksDB syncs names by itself, unseen: no log may vanish.
        least = {log.name: 0 for log in logs} | synced
        self.cut_bytes += lose_unsynced(logs, least, self.random)
        with RocksStore(self.path, profile("small")) as store:
            self.torn += store.torn is not None
            self._compare(store, reported)

    def _compare(self, store: RocksStore, reported: int) -> None:
        head = int.from_bytes(store.get("chain.snapshot", b"head") or b"", "big")
        if head < reported:
            raise Lost(f"block {reported} was called durable, the store ends at {head}")
        for number in range(self.head + 1, head + 1):
            self.expected.write(block(number))
        self.head = head
        for table in CHAIN_SCHEMA.tables:
            found, wanted = list(store.scan(table.name)), list(self.expected.scan(table.name))
            if found != wanted:
                raise Lost(f"{table.name} is not what {head} whole blocks leave")


def run(path: Path, kills: int, seed: int, fault: str = "none") -> CrashTest:
    """Kill a store's writer some times, under both synced levels in turn."""
    test = CrashTest(path, Random(seed), fault)
    with Writers("tests.unit.storage.rocks.crash_child") as writers:
        for number in range(kills):
            test.round(writers, DURABILITIES[number % len(DURABILITIES)])
    return test


if __name__ == "__main__":
    seed, fault = int((*sys.argv[3:], "0")[0]), (*sys.argv[4:], "none")[0]
    done = run(Path(sys.argv[1]), int(sys.argv[2]), seed, fault)
    sys.stdout.write(
        f"{sys.argv[2]} kills, {done.head} blocks, {done.cut_bytes} bytes cut, {done.torn} torn\n"
    )
