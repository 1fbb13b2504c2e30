"""The rows of `orrery bench codec`: frames made, written and read, and what compression does.

All times are the least of some rounds. "out" is what a sender spends, "in" what a receiver does, in
processor time. Only what goes over a socket is wall time, because where the kernel's share of it
is booked differs: it goes over TCP on loopback to a process that cuts the frames apart.
"""

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from bench.codec_material import (
    WORKLOADS,
    block_of,
    mainnet,
    proposal,
    signed,
    small_messages,
    votes,
)
from bench.rows import measure
from consensus.messages import Prepare, PrePrepare
from network.codec import Codec, Kind
from network.compression.bodies import BodyCompressor
from network.compression.gzip_body import GzipBodies
from network.compression.lz4_body import Lz4Bodies
from network.compression.training import train
from network.compression.zstd_body import ZstdBodies
from network.frames import FrameReader
from network.messages import AnnounceTransactions, PooledTransactions
from primitives.machine import Message

Row = dict[str, Any]

MEBIBYTE = 1 << 20
ROUNDS = 7
FRAMES, JOINED = 20_000, 500
"""Votes that are written, and how many of them with one write."""
READ_BYTES = 256 * 1_024
TRANSACTIONS = 1_000
SAMPLES = 1_000
"""Small messages: as many to learn from, and as many others to try it on."""
MICRO, KILO, MEGA, PERCENT = 1e6, 1e3, 1e6, 100
KINDS: tuple[type[Message], ...] = (Prepare, PrePrepare, AnnounceTransactions, PooledTransactions)
ALGORITHMS: Mapping[str, Callable[[], BodyCompressor]] = MappingProxyType(
    {
        "gzip 6": partial(GzipBodies, 6),
        "zstd 1": partial(ZstdBodies, 1),
        "zstd 3": partial(ZstdBodies, 3),
        "zstd 19": partial(ZstdBodies, 19),
        "lz4": Lz4Bodies,
    }
)

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "part": "part",
        "what": "what",
        "plain_bytes": "bytes",
        "wire_percent": "wire %",
        "out_us": "out us",
        "in_us": "in us",
        "out_rate": "out",
        "in_rate": "in",
        "rate_unit": "",
    }
)


def bench_codec() -> dict[str, Any]:
    """Frames of votes and blocks, joined writes, compression of real and generated payloads."""
    rows: list[Row] = []
    for part in PARTS:
        rows += measure("bench.codec_row", {"part": part})["rows"]
    return {"rows": rows}


def run(part: str) -> dict[str, object]:
    """Return the rows of one of `PARTS`."""
    return {"rows": PARTS[part]()}


def timed(*calls: Callable[[], object], times: int) -> list[float]:
    """Return the seconds of one call of each, measured in turn."""
    least = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for at, call in enumerate(calls):
            start = time.process_time()
            for _ in range(times):
                call()
            least[at] = min(least[at], (time.process_time() - start) / times)
    return least


def table_row(
    part: str, what: str, size: float, seconds: Sequence[float], *, wire: float = 1.0, each: int = 1
) -> Row:
    """Return one row.

    Args:
        part: of the table.
        what: was measured.
        size: plain bytes of one item.
        seconds: for sending and for receiving `each` items.
        wire: sent bytes by plain bytes.
        each: how many items were measured at once.
    """
    out, back = (spent / each for spent in seconds)
    large = size > READ_BYTES or part == "compression"
    unit, scale = ("MB/s", size / MEGA) if large else ("k/s", 1 / KILO)
    return {
        "part": part,
        "what": what,
        "plain_bytes": round(size),
        "wire_percent": round(PERCENT * wire, 1),
        "out_us": round(MICRO * out, 2),
        "in_us": round(MICRO * back, 2),
        "out_rate": round(scale / out),
        "in_rate": round(scale / back),
        "rate_unit": unit,
    }


def codec() -> Codec:
    """Return a codec of what is measured, without narrow limits."""
    return Codec(KINDS, dict.fromkeys(KINDS, 16 * MEBIBYTE))


# ------------------------------------------------------------------ frames


def frame_rows() -> list[Row]:
    """Encode and decode one by one, and by the thousand."""
    table, many = codec(), votes(1_000)
    vote = many[0]
    frame, joined = table.encode(vote), table.encode_joined(many)
    size = len(frame)

    def read() -> None:
        reader = FrameReader(table)
        for found in reader.feed(joined):
            table.decode_plain(found.kind, found.body)

    def one_by_one() -> None:
        for each in many:
            table.encode(each)

    single = timed(lambda: table.encode(vote), lambda: table.decode(frame), times=20_000)
    calls = (
        one_by_one,
        lambda: table.encode_joined(many),
        read,
        lambda: FrameReader(table).feed(joined),
    )
    each_out, joined_out, joined_in, cut = timed(*calls, times=20)
    return [
        table_row("frames", "a vote", size, single),
        table_row(
            "frames", "1,000, made alone and decoded", size, (each_out, joined_in), each=1_000
        ),
        table_row("frames", "1,000, joined and only cut", size, (joined_out, cut), each=1_000),
        *block_rows(table),
    ]


def block_rows(table: Codec) -> list[Row]:
    """Encode and decode a frame of a mebibyte, whole and in the pieces that a socket gives."""
    message = block_of(MEBIBYTE)
    frame = table.encode(message)
    pieces = [frame[at : at + READ_BYTES] for at in range(0, len(frame), READ_BYTES)]

    def read() -> None:
        reader = FrameReader(table)
        for piece in pieces:
            for found in reader.feed(piece):
                table.decode_plain(found.kind, found.body)

    out, whole, pieced = timed(
        lambda: table.encode(message), lambda: table.decode(frame), read, times=50
    )
    return [
        table_row("frames", "a block of 1 MiB", len(frame), (out, whole)),
        table_row("frames", "the same, read in pieces", len(frame), (out, pieced)),
    ]


# ------------------------------------------------------------------ sockets


def socket_rows() -> list[Row]:
    """Write frames that are ready to a socket, one by one and joined."""
    table = codec()
    frames = [table.encode(each) for each in votes(FRAMES)]
    joined = [b"".join(frames[at : at + JOINED]) for at in range(0, FRAMES, JOINED)]

    def join() -> None:
        for at in range(0, FRAMES, JOINED):
            b"".join(frames[at : at + JOINED])

    (joining,) = timed(join, times=1)
    rows = []
    for what, writes, extra in (
        ("ready frames, a write for each", frames, 0.0),
        (f"ready frames, {JOINED} to a write", joined, joining),
    ):
        tries = [carry(table, writes) for _ in range(ROUNDS)]
        out, back = (min(each) for each in zip(*tries, strict=True))
        rows.append(table_row("socket", what, len(frames[0]), (out + extra, back), each=FRAMES))
    return rows


def carry(table: Codec, writes: Sequence[bytes]) -> tuple[float, float]:
    """Send to a process that reads and cuts; return the seconds that each of the two takes."""
    listener = socket.create_server(("127.0.0.1", 0))
    report_from, report_to = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with socket.create_connection(listener.getsockname()) as receiver:
                os.write(report_to, json.dumps(drain(table, receiver)).encode())
        finally:
            os._exit(0)
    os.close(report_to)
    sender, _ = listener.accept()
    sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with listener, sender:
        start = time.perf_counter()
        for data in writes:
            sender.sendall(data)
        spent = time.perf_counter() - start
    with os.fdopen(report_from) as report:
        cut, seconds = json.loads(report.read())
    os.waitpid(child, 0)
    assert cut == FRAMES, "every frame arrives"
    return spent, seconds


def drain(table: Codec, receiver: socket.socket) -> tuple[int, float]:
    """Read to the end; return how many frames came, and the seconds from the first to the last."""
    reader = FrameReader(table)
    count = len(reader.feed(receiver.recv(READ_BYTES)))
    start = time.perf_counter()
    while data := receiver.recv(READ_BYTES):
        count += len(reader.feed(data))
    return count, time.perf_counter() - start


# ------------------------------------------------------------------ compression


def compression_rows() -> list[Row]:
    """Compress proposals of generated and real blocks."""
    blocks = {f"{name}, {TRANSACTIONS:,}": signed(name, TRANSACTIONS) for name in WORKLOADS}
    blocks |= {f"{name}, {len(found):,}": found for name, found in mainnet().items()}
    table, rows = codec(), []
    for name, transactions in blocks.items():
        _, body = table.encode_body(proposal(transactions))
        for algorithm, make in ALGORITHMS.items():
            compressor = make()
            packed = compressor.compress(body)
            seconds = timed(
                partial(compressor.compress, body),
                partial(compressor.decompress, packed, len(body)),
                times=2,
            )
            wire = len(packed) / len(body)
            rows.append(
                table_row("compression", f"{name}: {algorithm}", len(body), seconds, wire=wire)
            )
    return rows


def dictionary_rows() -> list[Row]:
    """Compress small messages by themselves, and with what was learnt from others."""
    table, rows = codec(), []
    for name, messages in small_messages(2 * SAMPLES).items():
        encoded = [table.encode_body(each) for each in messages]
        learnt = train(kind_of(encoded), [body for _, body in encoded[:SAMPLES]])
        bodies = [body for _, body in encoded[SAMPLES:]]
        for what, compressor in (
            ("lz4", Lz4Bodies()),
            ("zstd 3", ZstdBodies(3)),
            ("zstd 3, dictionary", ZstdBodies(3, learnt.content)),
        ):
            rows.append(small_row(f"{name}: {what}", compressor, bodies))
    return rows


def kind_of(encoded: Sequence[tuple[Kind, bytes]]) -> str:
    """Return the name of the kind that all of them have."""
    return encoded[0][0].type.__name__


def small_row(what: str, compressor: BodyCompressor, bodies: Sequence[bytes]) -> Row:
    """Measure a compressor over many small bodies; those that it makes no shorter go plain."""
    packed = [compressor.compress(body) for body in bodies]
    both = list(zip(packed, bodies, strict=True))
    shorter = [(wire, len(body)) for wire, body in both if len(wire) < len(body)]
    sent = sum(min(len(wire), len(body)) for wire, body in both)

    def out() -> None:
        for body in bodies:
            compressor.compress(body)

    def back() -> None:
        for wire, size in shorter:
            compressor.decompress(wire, size)

    seconds = timed(out, back, times=2)
    total = sum(map(len, bodies))
    row = table_row(
        "dictionary", what, total / len(bodies), seconds, wire=sent / total, each=len(bodies)
    )
    if not shorter:
        row |= {"in_us": 0.0, "in_rate": 0}
    return row


PARTS: Mapping[str, Callable[[], list[Row]]] = MappingProxyType(
    {
        "frames": frame_rows,
        "socket": socket_rows,
        "compression": compression_rows,
        "dictionaries": dictionary_rows,
    }
)
"""What is measured, each in a process of its own."""

if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
