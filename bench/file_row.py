"""`orrery bench file-io`: pieces of a cold file, one at a time and in batches; archives end to end.

Before each round the file's pages are dropped from the page cache, and a sample of them is asked
for in a way that does not wait, to be sure: `cached` says how many of them were there all the same.
Rounds of all ways alternate, medians are taken. Times are on the clock: it is the disk that is
measured, and what is under it.
"""

import errno
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from statistics import median
from types import MappingProxyType
from typing import Any

from bench.rows import measure
from storage.files import Archive, ArchiveLimits, FileIO, PositionedFile, Zstandard
from storage.files.batches import Piece

MIB = 1 << 20
FILE_BYTES, PIECES, PIECE_BYTES = 1 << 30, 10_000, 4_096
ARCHIVE_BYTES, RECORD_BYTES, SYNCED_RECORDS = 128 * MIB, 20_000, 64
ROUNDS = 5
SAMPLE = 200
KIND = "chain.blocks"

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "pieces": "pieces",
        "wall_ms": "wall ms",
        "cpu_ms": "cpu ms",
        "mib_per_second": "MiB/s",
        "file_ratio": "ratio",
        "file_compared": "to",
        "cached": "cached",
    }
)
Way = Callable[[], object]


def bench_files() -> dict[str, Any]:
    """Random pieces of a cold file, and archives written, checked and read; against plain calls."""
    options = {"file_bytes": FILE_BYTES, "pieces": PIECES, "archive_bytes": ARCHIVE_BYTES}
    return measure("bench.file_row", options)


def run(file_bytes: int, pieces: int, archive_bytes: int, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return the rows.

    Args:
        file_bytes: of the file whose pieces are read.
        pieces: how many of 4 KiB each.
        archive_bytes: of payloads put into an archive.
        rounds: of each way.
    """
    with tempfile.TemporaryDirectory(prefix="orrery-bench-") as name:
        rows, refusal = _pieces(Path(name) / "file", file_bytes, pieces, rounds)
        rows += _archives(Path(name), archive_bytes, rounds)
    return {"rows": rows, "direct_refusal": refusal}


def _pieces(
    path: Path, file_bytes: int, count: int, rounds: int
) -> tuple[list[dict[str, Any]], str]:
    generator = Random(count)
    with path.open("wb") as made:
        for _ in range(0, file_bytes, MIB):
            made.write(generator.randbytes(MIB))
        os.fsync(made.fileno())
    places = generator.sample(range(file_bytes // PIECE_BYTES), count)
    wanted = [(place * PIECE_BYTES, PIECE_BYTES) for place in places]
    with FileIO() as files, PositionedFile(path) as plain, PositionedFile(path, direct=True) as raw:
        _check(files, plain, raw, wanted)

        ways: dict[str, Way] = {
            "one at a time": lambda: _read_singly(plain, wanted),
            "batched": lambda: _read(files, plain, wanted),
            "batched, O_DIRECT": lambda: _read(files, raw, wanted),
        }
        spent: dict[str, list[tuple[float, float]]] = {}
        cached = 0
        for _ in range(rounds):
            for name, way in ways.items():
                plain.forget()
                cached = max(cached, _cached(path, wanted[:SAMPLE]))
                spent.setdefault(f"{name}, cold", []).append(_timed(way))
            for name in ("one at a time", "batched"):
                ways[name]()  # warms it up, the gaps between neighbours too
                spent.setdefault(f"{name}, warm", []).append(_timed(ways[name]))
        refusal = raw.refusal
    size = count * PIECE_BYTES
    rows = [
        _row(name, count, size, rounds_of, spent[f"one at a time, {name.rpartition(' ')[2]}"])
        for name, rounds_of in spent.items()
    ]
    return [{**row, "cached": f"{cached}/{SAMPLE}"} for row in rows], refusal


def _read_singly(file: PositionedFile, wanted: Sequence[Piece]) -> list[bytes]:
    """Return all pieces, as a batch does."""
    return [file.read(offset, length) for offset, length in wanted]


def _read(files: FileIO, file: PositionedFile, wanted: Sequence[Piece]) -> None:
    files.read_many(file, wanted)


def _check(
    files: FileIO, plain: PositionedFile, raw: PositionedFile, wanted: Sequence[Piece]
) -> None:
    """Be sure that all ways read the same bytes."""
    some = wanted[:1_000]
    expected = [plain.read(*piece) for piece in some]
    for file in (plain, raw):
        if files.read_many(file, some) != expected:
            raise AssertionError("a batch has read other bytes than single reads")


def _cached(path: Path, sample: Sequence[Piece]) -> int:
    """Return how many pieces of a sample could be read without waiting for the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    found = 0
    try:
        for offset, length in sample:
            try:
                os.preadv(descriptor, [bytearray(length)], offset, os.RWF_NOWAIT)
                found += 1
            except OSError as error:
                if error.errno != errno.EAGAIN:
                    raise
    finally:
        os.close(descriptor)
    return found


def _archives(directory: Path, size: int, rounds: int) -> list[dict[str, Any]]:
    """Append, check and read an archive; beside plain writes and reads of as many bytes."""
    generator = Random(size)
    half = RECORD_BYTES // 2
    payloads = [generator.randbytes(half) + bytes(half) for _ in range(size // RECORD_BYTES)]
    spent: dict[str, list[tuple[float, float]]] = {}
    for turn in range(rounds):
        here = directory / str(turn)
        here.mkdir()
        for name, way in _archive_ways(here, payloads).items():
            spent.setdefault(name, []).append(_timed(way))
        for each in sorted(here.rglob("*"), reverse=True):
            each.unlink() if each.is_file() else each.rmdir()
    rows = []
    for name, rounds_of in spent.items():
        limit = "plain write" if "append" in name or "write" in name else "plain read"
        row = _row(name, len(payloads), size, rounds_of, spent[limit])
        rows.append({**row, "file_compared": limit, "cached": "-"})
    return rows


def _archive_ways(here: Path, payloads: list[bytes]) -> dict[str, Way]:
    limits = ArchiveLimits(records_max=1 << 20, bytes_max=64 * MIB)

    def plain_write() -> None:
        with (here / "plain").open("wb") as file:
            for payload in payloads:
                file.write(payload)
            file.flush()
            os.fsync(file.fileno())

    def plain_read() -> None:
        with (here / "plain").open("rb") as file:
            while file.read(MIB):
                pass

    def append(name: str, synced: int, packed: bool) -> None:
        compressor = Zstandard() if packed else None
        with Archive(here / name, (KIND,), limits, compressor=compressor) as archive:
            for number, payload in enumerate(payloads):
                archive.append(KIND, number, payload)
                if not (number + 1) % synced:
                    archive.sync()
            archive.roll_over()

    def verify() -> None:
        with Archive(here / "a", (KIND,), limits) as archive:
            if archive.verify():
                raise AssertionError("an archive that was written just now is damaged")

    def scan() -> None:
        with Archive(here / "a", (KIND,), limits) as archive:
            if sum(1 for _ in archive.scan(KIND)) != len(payloads):
                raise AssertionError("an archive lacks records")

    return {
        "plain write": plain_write,
        "archive append": lambda: append("a", len(payloads), packed=False),
        f"append, synced by {SYNCED_RECORDS}": lambda: append("b", SYNCED_RECORDS, packed=False),
        "append, zstandard": lambda: append("c", len(payloads), packed=True),
        "plain read": plain_read,
        "archive verify": verify,
        "archive scan": scan,
    }


def _timed(way: Way) -> tuple[float, float]:
    """Return seconds on the clock and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    way()
    return time.perf_counter() - wall, time.process_time() - cpu


def _row(
    name: str,
    count: int,
    size: int,
    spent: list[tuple[float, float]],
    compared: list[tuple[float, float]],
) -> dict[str, Any]:
    wall = median(each for each, _ in spent)
    return {
        "case": name,
        "pieces": count,
        "wall_ms": round(1e3 * wall, 1),
        "cpu_ms": round(1e3 * median(each for _, each in spent), 1),
        "mib_per_second": round(size / MIB / wall, 1),
        "file_ratio": round(median(each for each, _ in compared) / wall, 2),
        "file_compared": "one at a time",
        "wall_ms_all": [round(1e3 * each, 1) for each, _ in spent],
    }


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
