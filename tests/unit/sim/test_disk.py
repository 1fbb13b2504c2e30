"""What it costs to make a batch durable."""

import pytest

from primitives.machine import Record
from sim.hosts.disk import Disk, DiskSpec

SPEC = DiskSpec(latency_ns=100, fsync_ns=1_000, bytes_per_second=1_000_000_000)
"""One byte takes one nanosecond."""


def batch(size: int) -> tuple[Record, ...]:
    return (Record("rows", b"key!", bytes(size - 4)),)


def test_a_batch_takes_latency_transfer_and_sync() -> None:
    assert Disk(SPEC).write(5_000, batch(40)) == 5_000 + 100 + 40 + 1_000


def test_batches_queue() -> None:
    disk = Disk(SPEC)
    first = disk.write(0, batch(40))
    assert first == 1_140
    assert disk.write(10, batch(50)) == first + 1_150
    assert disk.write(9_000, batch(50)) == 9_000 + 1_150


def test_keys_and_values_are_written_and_deletions_by_their_key() -> None:
    disk = Disk(SPEC)
    records = (Record("rows", b"ab", b"cde"), Record("other", b"abcdef", None))
    assert disk.write(0, records) == 100 + 2 + 3 + 6 + 1_000
    assert disk.bytes_written == 11
    assert disk.syncs == 1


def test_an_empty_batch_is_synced_too() -> None:
    disk = Disk(SPEC)
    assert disk.write(0, ()) == 1_100
    assert (disk.bytes_written, disk.syncs) == (0, 1)


@pytest.mark.parametrize(
    ("rate", "transfer"), [(1_000_000_000, 1_000), (150_000_000, 6_666), (3_000_000_000, 333)]
)
def test_transfer_is_integer_arithmetic(rate: int, transfer: int) -> None:
    disk = Disk(DiskSpec(latency_ns=0, fsync_ns=0, bytes_per_second=rate))
    assert disk.write(0, batch(1_000)) == transfer
