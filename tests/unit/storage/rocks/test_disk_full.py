"""A disk that is full for real: a clean stop, a clear message, nothing lost, and it goes on."""

import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from primitives.machine import Record
from storage.rocks import CommitterStopped, Durability, RocksStore, StoreFull, profile
from tests.unit.storage.rocks.chain_node import ChainNode, Durable
from tests.unit.storage.rocks.crash_chain import ChainCrash
from tests.unit.storage.rocks.disks import CannotMount, fill, free, small_disk

BLOCKS_MAX = 3_000
ROOM = 700_000
"""Bytes that are left; the chain writes some ten kilobytes with each block."""


@contextmanager
def mounted(kind: str, place: Path, size_mib: int, inodes: int = 0) -> Iterator[Path]:
    place.mkdir(exist_ok=True)
    try:
        with small_disk(kind, place, size_mib, inodes) as disk:
            yield disk
    except CannotMount as error:
        pytest.skip(f"no file system can be mounted here: {error}")


def commit(node: ChainNode, blocks: int) -> None:
    for _ in range(blocks):
        node.step()


def commit_until_full(path: Path) -> Durable:
    """Commit blocks until the disk takes no more, and return what was called durable."""
    durable = Durable()
    node = ChainNode(path, durable)
    with pytest.raises(CommitterStopped, match=r"an earlier batch that failed: .*room on the disk"):
        commit(node, BLOCKS_MAX)
    assert isinstance(durable.error, StoreFull)
    assert re.search("No space left on device", str(durable.error))
    assert str(path) in str(durable.error)
    with suppress(StoreFull):  # what was to be archived finds no room now, either
        node.close()
    return durable


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_a_node_stops_on_a_full_disk_and_goes_on_with_room(tmp_path: Path, kind: str) -> None:
    with mounted(kind, tmp_path, 24) as disk:
        fill(disk, ROOM)
        node = disk / "node"
        check = ChainCrash(node, Random(1))
        durable = commit_until_full(node)
        assert durable.height > 5
        fill_rest(disk)
        with suppress(StoreFull):  # unless what the log holds finds room as tables
            ChainNode(node, Durable()).close()
        free(disk)
        check.look(durable.height, durable.vote)
        found = check.height
        again = Durable()
        chain = ChainNode(node, again)
        commit(chain, 30)
        chain.close()
        assert again.height == found + 30
        check.look(again.height, again.vote)


def fill_rest(disk: Path) -> None:
    """Take what is left after all."""
    with suppress(OSError), (disk / "rest").open("ab", buffering=0) as rest:
        while True:
            rest.write(bytes(4_096))


def test_a_store_without_inodes_left_stops_too(tmp_path: Path) -> None:
    with mounted("tmpfs", tmp_path, 24, inodes=60) as disk:
        node = disk / "node"
        check = ChainCrash(node, Random(1))
        durable = commit_until_full(node)
        assert durable.height > 5
        subprocess.run(["mount", "-o", "remount,nr_inodes=1000", disk], check=True)
        check.look(durable.height, durable.vote)


def write_on(store: RocksStore, written: list[int]) -> None:
    for number in range(10_000):
        store.write([Record("consensus", number.to_bytes(4, "big"), bytes(4_000))])
        written.append(number)


@pytest.mark.parametrize("durability", [Durability.FSYNC, Durability.GROUP, Durability.WAL])
def test_a_plain_store_says_the_same_at_each_write(tmp_path: Path, durability: Durability) -> None:
    with mounted("tmpfs", tmp_path, 4) as disk:
        options = replace(profile("small"), durability=durability)
        store = RocksStore(disk / "store", options)
        written: list[int] = []
        with pytest.raises(StoreFull, match="No space left"):
            write_on(store, written)
        for _ in range(2):
            with pytest.raises(StoreFull, match="No space left"):
                store.write([Record("consensus", b"more", b"row")])
        try:
            store.close()
        except StoreFull:
            assert durability is not Durability.FSYNC
        subprocess.run(["mount", "-o", "remount,size=40m", disk], check=True)
        with RocksStore(disk / "store", options) as store:
            rows = [int.from_bytes(key, "big") for key, _ in store.scan("consensus")]
            assert rows == written


LIMITED = """
import resource, sys
from pathlib import Path
from storage.rocks import CommitterStopped
from tests.unit.storage.rocks.chain_node import ChainNode, Durable
durable = Durable()
node = ChainNode(Path(sys.argv[1]), durable)
resource.setrlimit(getattr(resource, sys.argv[2]), (int(sys.argv[3]),) * 2)
try:
    while node.height < 3000:
        node.step()
except CommitterStopped:
    print(durable.height, durable.vote, type(durable.error).__name__, durable.error)
"""


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        (resource.RLIMIT_FSIZE, 60_000, "StoreFull .*File too large"),
        (resource.RLIMIT_NOFILE, 30, "StoreFailed .*Too many open files"),
    ],
)
def test_a_limit_of_the_process_stops_it_like_a_full_disk(
    tmp_path: Path, limit: int, value: int, words: str
) -> None:
    names = {resource.RLIMIT_FSIZE: "RLIMIT_FSIZE", resource.RLIMIT_NOFILE: "RLIMIT_NOFILE"}
    check = ChainCrash(tmp_path / "node", Random(1))
    command = [sys.executable, "-c", LIMITED, str(check.path), names[limit], str(value)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert re.search(words, done.stdout), done.stdout + done.stderr
    height, vote = done.stdout.split()[:2]
    assert int(height) > 2
    check.look(int(height), int(vote))
