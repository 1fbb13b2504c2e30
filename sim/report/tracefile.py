"""The trace file: one JSON object a line, compressed with zstandard.

    {"at_ns":1203944,"node":3,"event":"consensus.prepared","fields":{"view":0,"sequence":1,...}}

Bytes are "0x..." hex. The file is written while the run goes on and flushed in blocks, so that
what a killed run leaves can be read up to its last whole block. The same run gives the same bytes.
"""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import msgspec
import zstandard

from primitives.errors import InvalidEncoding
from primitives.machine import TraceEvent
from sim.trace import Delivery, Observation, Traffic

TRAFFIC, DELIVERY = "trace.traffic", "trace.delivery"
"""Names of the lines of the trace's second and third level."""

FLUSH_LINES = 10_000
"""Lines after which everything so far is readable in the file."""

_LEVEL = 6
_CHUNK_BYTES = 16 << 10


class TraceLine(msgspec.Struct, frozen=True):
    """One line of a trace file."""

    at_ns: int
    node: int
    event: str
    fields: dict[str, Any] = {}
    """The event's fields; bytes as "0x" hex, tuples as lists."""


class TraceWriter:
    """Writes observations to a trace file as they come."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        self._stream = compressor.stream_writer(self._file)
        self._encoder = msgspec.json.Encoder()
        self._names: dict[type[TraceEvent], tuple[str, ...]] = {}
        self.lines = 0
        """Lines written so far."""

    def observe(self, observation: Observation) -> None:
        """Append one observation."""
        event = observation.event
        names = self._names.get(type(event))
        if names is None:
            names = self._names[type(event)] = type(event).__struct_fields__
        fields = {name: plain_value(getattr(event, name)) for name in names}
        self._write(observation.at_ns, observation.node, event.name, fields)

    def traffic(self, sent: Traffic) -> None:
        """Append what one broadcast or send put on the wire."""
        fields: dict[str, object] = {"kind": sent.kind, "count": sent.count, "bytes": sent.bytes}
        if sent.saved:
            fields["saved"] = sent.saved
        self._write(sent.at_ns, sent.node, TRAFFIC, fields)

    def delivery(self, delivered: Delivery) -> None:
        """Append one message that has reached an inbox."""
        fields = {"kind": delivered.kind, "sender": delivered.sender}
        self._write(delivered.at_ns, delivered.receiver, DELIVERY, fields)

    def _write(self, at_ns: int, node: int, event: str, fields: dict[str, object]) -> None:
        line = {"at_ns": at_ns, "node": node, "event": event, "fields": fields}
        self._stream.write(self._encoder.encode(line) + b"\n")
        self.lines += 1
        if self.lines % FLUSH_LINES == 0:
            self._stream.flush(zstandard.FLUSH_BLOCK)
            self._file.flush()

    def close(self) -> None:
        """End the file. A second call does nothing."""
        if not self._file.closed:
            self._stream.flush(zstandard.FLUSH_FRAME)
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def plain_value(value: object) -> object:
    """Return `value` with bytes as "0x" hex and tuples as lists, at any depth."""
    if type(value) is bytes:
        return "0x" + value.hex()
    if isinstance(value, tuple | list):
        return [plain_value(item) for item in value]
    return value


def read_trace(path: Path) -> Iterator[TraceLine]:
    """Yield the lines of a trace file in order.

    Raises:
        InvalidEncoding: the file is not zstandard, ends early (after the lines that are whole were
            yielded, as in the directory of a killed run) or holds a line of another form. Names
            file and line.
    """
    decoder = msgspec.json.Decoder(TraceLine)
    number = 1
    with path.open("rb") as file:
        try:
            for line in _lines(file):
                yield decoder.decode(line)
                number += 1
        except (zstandard.ZstdError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidEncoding(
                f"{path}: line {number}", "one trace record as JSON", error
            ) from error
        except _CutOff as tail:
            raise InvalidEncoding(
                f"{path}: line {number}", "the end of a whole trace file", tail
            ) from tail


class _CutOff(Exception):
    """The file ends before its frame does, or inside a line."""


def _lines(file: BinaryIO) -> Iterator[bytes]:
    frame = zstandard.ZstdDecompressor().decompressobj()
    rest = b""
    while not frame.eof and (chunk := file.read(_CHUNK_BYTES)):
        *lines, rest = (rest + frame.decompress(chunk)).split(b"\n")
        yield from lines
    if not frame.eof:
        raise _CutOff("a file that was cut off")
    if rest:
        raise _CutOff(f"{len(rest)} bytes of an unfinished line")
