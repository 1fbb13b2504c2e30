"""Rows of `orrery bench memory`: what each way to save memory or copies gains, beside none.

Each row compares the plain way with the one that is meant to be better, on the same input and in
turns; the least processor time counts. `kept` says whether the product uses it. What it does not
use stands here only, so that anybody can see why (docs/adr/0023-what-pays-in-memory.md).
"""

import json
import mmap
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import msgspec

from bench.cache_levels_row import MATERIALS
from bench.rows import measure
from bench.wan_row import scenario
from network.codec import HEADER_BYTES, VIEW_BYTES_MIN, Codec
from primitives import rlp
from primitives.buffers import BufferPool
from primitives.machine import Message
from sim.assembly import build_world
from sim.contracts.artifact import load_artifact
from sim.memory import account_for
from sim.run import rare_collections
from sim.store_meter import resident_bytes
from storage.cache import Lz4
from storage.memory import MemoryStore

Row = dict[str, Any]

KIBIBYTE, MEBIBYTE = 1 << 10, 1 << 20
ROUNDS = 7
TRANSACTION_BYTES = 110
BLOCK_TRANSACTIONS = 1_000
BLOB_BYTES, BLOBS = 131_072, 6
FRAMES = (1, 20, 100, 1_000)
"""Sizes of frames, in kB."""
BUFFERS = (4 * KIBIBYTE, 64 * KIBIBYTE, MEBIBYTE)
NETWORK = {"nodes": 50, "batch": 500, "rate": 3_000, "seconds": 2}
CONTRACTS = ("Token", "Pair", "Mill", "Shelves", "Collectible")
VALUES = 1_000
GAIN_MIN = 0.9
"""Packing is worth a thought where values come down to less than this part of their size."""

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "part": "part",
        "what": "what",
        "plain": "plain",
        "better": "with it",
        "unit": "unit",
        "gain": "plain / with",
        "kept": "kept",
    }
)


def bench_memory() -> dict[str, Any]:
    """Pools, arenas, views, interning, compression: what each saves."""
    parts = [measure("bench.memory_row", {"part": part})["rows"] for part in PARTS]
    return {"rows": [*(row for rows in parts for row in rows), *interning_rows(NETWORK)]}


def run(part: str) -> dict[str, object]:
    """Return the rows of one of `PARTS`."""
    return {"rows": PARTS[part]()}


def pair(part: str, what: str, plain: float, better: float, unit: str, kept: str) -> Row:
    """Return one row."""
    return {
        "part": part,
        "what": what,
        "plain": round(plain, 3),
        "better": round(better, 3),
        "unit": unit,
        "gain": round(plain / better, 2),
        "kept": kept,
    }


def timed(
    plain: Callable[[], object], better: Callable[[], object], times: int
) -> tuple[float, float]:
    """Return the microseconds of one call of each."""
    least = [float("inf")] * 2
    for _ in range(ROUNDS):
        for at, call in enumerate((plain, better)):
            start = time.process_time()
            for _ in range(times):
                call()
            least[at] = min(least[at], (time.process_time() - start) / times * 1e6)
    return least[0], least[1]


# ------------------------------------------------------------------ pools and arenas


class Vote(msgspec.Struct, frozen=True):
    """An object as it flows."""

    view: int
    digest: bytes
    node: int


class Reused(msgspec.Struct):
    """The same, to be filled again."""

    view: int
    digest: bytes
    node: int


class ObjectPool:
    """The least that a pool of objects must do: a factory and a limit."""

    __slots__ = ("_idle", "_limit", "_make")

    def __init__(self, make: Callable[[], Reused], limit: int) -> None:
        self._idle: list[Reused] = []
        self._limit = limit
        self._make = make

    def take(self) -> Reused:
        """Lend an object."""
        return self._idle.pop() if self._idle else self._make()

    def release(self, lent: Reused) -> None:
        """Take it back."""
        if len(self._idle) < self._limit:
            self._idle.append(lent)


def object_rows() -> list[Row]:
    """Make a message, or fill one again."""
    digest, pool = bytes(32), ObjectPool(lambda: Reused(0, b"", 0), 16)

    def filled() -> None:
        vote = pool.take()
        vote.view, vote.digest, vote.node = 1, digest, 2
        pool.release(vote)

    plain, better = timed(lambda: Vote(1, digest, 2), filled, 100_000)
    return [pair("object pool", "a message of three fields", plain, better, "us", "no")]


def arena_rows() -> list[Row]:
    """Make a block's buffers one by one, or cut them out of one piece."""
    memory = bytearray(BLOCK_TRANSACTIONS * TRANSACTION_BYTES)

    def one_by_one() -> None:
        for _ in range(BLOCK_TRANSACTIONS):
            bytearray(TRANSACTION_BYTES)

    def cut() -> None:
        whole = memoryview(memory)
        for at in range(0, len(memory), TRANSACTION_BYTES):
            whole[at : at + TRANSACTION_BYTES]

    plain, better = timed(one_by_one, cut, 100)
    part = memoryview(memory)[:TRANSACTION_BYTES]
    sizes = sys.getsizeof(memory[:TRANSACTION_BYTES]), sys.getsizeof(part) + TRANSACTION_BYTES
    return [
        pair("arena", f"{BLOCK_TRANSACTIONS:,} buffers of a block", plain, better, "us", "no"),
        pair("arena", f"one of {TRANSACTION_BYTES} bytes", *sizes, "bytes", "no"),
    ]


def buffer_rows() -> list[Row]:
    """Map aligned memory and fill it, or borrow it."""
    rows = []
    for size in BUFFERS:
        content, pool = bytes(size), BufferPool((size,), 4 * size)

        def fresh(content: bytes = content) -> None:
            memory = mmap.mmap(-1, len(content))
            memory[:] = content

        def borrowed(content: bytes = content, pool: BufferPool = pool) -> None:
            with pool.borrow(len(content)) as view:
                view[:] = content

        times = timed(fresh, borrowed, 500)
        rows.append(pair("buffer pool", f"{size // KIBIBYTE} KiB, filled", *times, "us", "yes"))
    return rows


# ------------------------------------------------------------------ views


class BlockBody(Message, frozen=True, gc=False):
    """As many transactions as the bench likes."""

    transactions: tuple[bytes, ...]


def view_rows() -> list[Row]:
    """Decode frames, bodies of blocks and blobs from copies or from views."""
    codec = Codec((BlockBody,), {BlockBody: 16 * MEBIBYTE})
    rows = []
    for size in FRAMES:
        count = size * 1_000 // TRANSACTION_BYTES
        frame = codec.encode(BlockBody((bytes(TRANSACTION_BYTES),) * count))
        times = timed(
            partial(decode_copy, codec, frame),
            partial(decode_view, codec, frame),
            max(20, 5_000 // size),
        )
        kept = "yes" if len(frame) > VIEW_BYTES_MIN else "no"
        rows.append(pair("view", f"frame of {size} kB, checked", *times, "us", kept))
    for what, item, count in (
        ("body of a block", bytes(TRANSACTION_BYTES), BLOCK_TRANSACTIONS),
        ("blobs of a block", bytes(BLOB_BYTES), BLOBS),
    ):
        body = rlp.encode([item] * count)
        times = timed(partial(rlp.decode, body), partial(decoded_view, body), 20)
        rows.append(pair("view", f"RLP, {what}, as bytes in the end", *times, "us", "no"))
    return rows


def decode_copy(codec: Codec, frame: bytes) -> Message:
    """Decode a frame whose body is copied out of it."""
    return codec.decode_body(codec.decode_header(frame), frame[HEADER_BYTES:])


def decode_view(codec: Codec, frame: bytes) -> Message:
    """Decode a frame whose body is looked at where it is."""
    return codec.decode_body(codec.decode_header(frame), memoryview(frame)[HEADER_BYTES:])


def decoded_view(body: bytes) -> list[bytes]:
    """Decode a list by views, and make bytes of the items: what is hashed or keyed must be."""
    items = rlp.decode(memoryview(body))  # type: ignore[arg-type]
    return [bytes(item) for item in items]  # type: ignore[arg-type]


# ------------------------------------------------------------------ compression


def compression_rows() -> list[Row]:
    """Sizes of what a second level of a cache holds, plain and packed."""
    random, rows = Random(1), []
    values = {
        f"encoded {name}": [each.kind.encode(each.make(random)) for _ in range(VALUES)]
        for name, each in MATERIALS.items()
    }
    values["workloads' contracts"] = [load_artifact(name).runtime_code for name in CONTRACTS]
    if mainnet := mainnet_codes():
        values["mainnet's contracts"] = mainnet
    packer = Lz4(0)
    for name, plain in values.items():
        packed = [packer.compress(value) for value in plain]
        size = sum(map(len, plain)) / len(plain), sum(map(len, packed)) / len(packed)
        took = timed(
            partial(all_of, packer.compress, plain), partial(all_of, packer.decompress, packed), 3
        )
        down, up = (each / len(plain) for each in took)
        kept = "option" if size[1] < GAIN_MIN * size[0] else "no"
        what = f"{name}, {down:.1f} us down, {up:.1f} up"
        rows.append(pair("lz4", what, *size, "bytes", kept))
    return rows


def all_of(call: Callable[[bytes], bytes], values: list[bytes]) -> None:
    """Call it with each of the values."""
    for value in values:
        call(value)


def mainnet_codes() -> list[bytes]:
    """Return the contracts that the public test blocks call, if those are there."""
    directory = Path(os.environ.get("ORRERY_VECTORS", "../shared/vectors")) / "blocks"
    codes: dict[bytes, None] = {}
    for path in sorted(directory.glob("*/bytecodes.json")):
        found = json.loads(path.read_text())
        for text in found.values() if isinstance(found, dict) else found:
            codes[bytes.fromhex(text.removeprefix("0x"))] = None
    return [code for code in codes if code]


# ------------------------------------------------------------------ interning and accounting


def interning_rows(network: Mapping[str, int]) -> list[Row]:
    """The memory of one network whose nodes share equal rows, and of one whose nodes don't."""
    plain, shared = (
        measure("bench.memory_row", {"network": dict(network), "interning": interning})
        for interning in (False, True)
    )
    what = f"{network['nodes']} nodes, blocks of {network['batch']}"
    peaks = plain["peak_bytes"] / MEBIBYTE, shared["peak_bytes"] / MEBIBYTE
    return [
        pair("interning", f"{what}, peak", *peaks, "MiB", "yes"),
        pair(
            "accounting",
            "the run, and one sample of it",
            shared["seconds"],
            shared["sample"],
            "s",
            "yes",
        ),
    ]


def network_memory(network: Mapping[str, int], interning: bool) -> Row:
    """Run a network; return processor seconds, peak bytes and the seconds of one sample."""
    plan = scenario(**network)
    world = build_world(plan, seed=1)
    if not interning:
        for host in world.kernel.hosts:
            assert isinstance(host.store, MemoryStore)
            host.store.interning = None
    start = time.process_time()
    with rare_collections():
        world.run_until(plan.duration)
    took = time.process_time() - start
    accounting, start = account_for(world), time.process_time()
    rows = accounting.sample()
    return {
        "seconds": took,
        "sample": time.process_time() - start,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE,
        "resident_bytes": resident_bytes(),
        "subsystems": {row.subsystem: row.current for row in rows},
        "digest": world.trace.digest(),
    }


PARTS: Mapping[str, Callable[[], list[Row]]] = MappingProxyType(
    {
        "objects": object_rows,
        "arena": arena_rows,
        "buffers": buffer_rows,
        "views": view_rows,
        "compression": compression_rows,
    }
)


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    print(json.dumps(network_memory(**options) if "network" in options else run(**options)))
