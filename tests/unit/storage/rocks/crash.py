"""The crash test as a program: kill a writer, lose what was not synced, open, compare.

`python -m tests.unit.storage.rocks.crash DIRECTORY KILLS [SEED [FAULT]]`

A kill alone shows nothing about a missing fsync: the page cache outlives the process. So each log
is then cut to any length that is not below what was synced. What opens has to hold all blocks that
were called durable, and be exactly what some number of whole blocks leaves.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from storage.memory import MemoryStore
from storage.rocks import CHAIN_SCHEMA, Durability, RocksStore, profile
from storage.rocks.wal import log_files
from tests.unit.storage.rocks.blocks import block

BLOCKS_MAX = 40
PAUSE_SECONDS_MAX = 0.004
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

    def round(self, durability: Durability) -> None:
        """Let a child write, kill it, cut the logs, open the store and look.

        Raises:
            Lost: a durable block is missing, or part of a block is there.
        """
        reported, synced = self._killed_child(durability)
        for log in log_files(self.path):
            size, least = log.stat().st_size, synced.get(log.name, 0)
            kept = self.random.choice((least, size, self.random.randint(least, size)))
            os.truncate(log, kept)
            self.cut_bytes += size - kept
        with RocksStore(self.path, profile("small")) as store:
            self.torn += store.torn is not None
            self._compare(store, reported)

    def _killed_child(self, durability: Durability) -> tuple[int, dict[str, int]]:
        """Return the newest block called durable, and the synced bytes of the logs."""
        module = "tests.unit.storage.rocks.crash_child"
        command = [sys.executable, "-m", module, str(self.path), durability.value, self.fault]
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert child.stdout is not None
        first = b""
        try:
            for _ in range(self.random.randint(1, BLOCKS_MAX)):
                first = child.stdout.readline()
                if not first:
                    raise RuntimeError(f"the child ended by itself: {child.wait()}")
            time.sleep(self.random.uniform(0, PAUSE_SECONDS_MAX))
        finally:
            child.send_signal(signal.SIGKILL)
            rest = child.stdout.read()
            child.stdout.close()
            child.wait()
        whole = [line for line in (first + rest).split(b"\n")[:-1] if line]
        number, *sizes = whole[-1].decode().split()
        pairs = (each.split("=") for each in sizes)
        return int(number), {name: int(size) for name, size in pairs}

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
    for number in range(kills):
        test.round(DURABILITIES[number % len(DURABILITIES)])
    return test


if __name__ == "__main__":
    seed, fault = int((*sys.argv[3:], "0")[0]), (*sys.argv[4:], "none")[0]
    done = run(Path(sys.argv[1]), int(sys.argv[2]), seed, fault)
    sys.stdout.write(
        f"{sys.argv[2]} kills, {done.head} blocks, {done.cut_bytes} bytes cut, {done.torn} torn\n"
    )
