"""The log of a node: one line for each thing that somebody may want to know.

A line has a time, a level, a dotted name and fields; as JSON it is one object. Lines come from the
node's trace, from its transport and from the process. They are written by a thread of their own:
who reads standard error through a pipe may stop to read, and a node must not stop with him. What
finds no room is counted and left out, and so is what one kind has too much of; both are said.
"""

import contextlib
import json
import queue
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum, IntEnum
from pathlib import Path
from threading import Thread
from typing import IO, Literal

import msgspec

from node.settings import LogSettings
from primitives.machine import TraceEvent

SECOND_NS = 1_000_000_000
LINES_WAITING_MAX = 10_000
"""Lines that wait to be written; more are left out."""
BURST = 5
"""Seconds of its rate that a kind may use at once."""
TEXT_MAX = 500
"""Characters of one field that are written."""
HASH_SHOWN = 4
"""Bytes of a hash that a console line shows; JSON has all."""

Field = int | float | str | bytes | bool | None | list[int]
Form = Literal["console", "json"]


class Level(IntEnum):
    """How much somebody should care."""

    DEBUG = 0
    INFO = 1
    WARNING = 2
    ERROR = 3


class Line(msgspec.Struct, frozen=True):
    """One line, not written yet."""

    at_ns: int
    """Unix time."""
    level: Level
    name: str
    fields: Mapping[str, Field]


class Order(Enum):
    """What the writing thread is told between two lines."""

    REOPEN = "reopen"
    END = "end"


class Allowance:
    """What kinds of lines may still be written: a bucket for each, filled over time.

    Args:
        per_second: lines of one kind, on average.
    """

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._buckets: dict[str, tuple[int, float]] = {}
        self._left_out: dict[str, int] = {}

    def take(self, name: str, now_ns: int) -> tuple[bool, int]:
        """Return whether a line may be written, and how many of its kind were not before it."""
        most = float(BURST * self._per_second)
        last, held = self._buckets.get(name, (now_ns, most))
        # A clock that was set back must not silence a kind until it has caught up.
        held = min(most, held + max(0, now_ns - last) * self._per_second / SECOND_NS)
        if held < 1:
            self._buckets[name] = (now_ns, held)
            self._left_out[name] = self._left_out.get(name, 0) + 1
            return False, 0
        self._buckets[name] = (now_ns, held - 1)
        return True, self._left_out.pop(name, 0)

    def rest(self) -> Mapping[str, int]:
        """Return how many of each kind were not written since the last one that was."""
        rest, self._left_out = self._left_out, {}
        return rest


class Log:
    """Writes lines. Any thread may call it.

    Args:
        settings: level, form, rate.
        file: where to; standard error if None.
        clock: Unix nanoseconds.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(
        self,
        settings: LogSettings,
        file: Path | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.level = Level[settings.level.upper()]
        self.lost = 0
        """Lines that found no room."""
        self._form: Form = settings.form
        self._file = file
        self._clock = clock
        self._allowance = Allowance(settings.lines_per_second)
        self._waiting: queue.Queue[str | Order] = queue.Queue(LINES_WAITING_MAX)
        self._stream: IO[str] = _opened(file)
        self._thread = Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def write(self, level: Level, name: str, **fields: Field) -> None:
        """Write a line, if its level is wanted and its kind has not had too many."""
        if level < self.level:
            return
        now = self._clock()
        may, left_out = self._allowance.take(name, now)
        if not may:
            return
        if left_out:
            self._put(Line(now, level, name, {"left_out": left_out}))
        self._put(Line(now, level, name, fields))

    def insist(self, level: Level, name: str, **fields: Field) -> None:
        """Write a line however many there were: what explains an end is worth all of its lines."""
        if level >= self.level:
            self._put(Line(self._clock(), level, name, fields))

    def event(self, level: Level, event: TraceEvent) -> None:
        """Write a trace event, its fields as they are."""
        if level >= self.level:
            fields = {name: _field(value) for name, value in msgspec.structs.asdict(event).items()}
            self.write(level, event.name, **fields)

    def reopen(self) -> None:
        """Open the file anew: whoever rotates logs has moved the old one away."""
        self._offer(Order.REOPEN)

    def close(self) -> None:
        """Write what waits and how much was left out, if it can be written within a second."""
        for name, left_out in self._allowance.rest().items():
            self.insist(Level.ERROR, name, left_out=left_out)
        self._offer(Order.END)
        self._thread.join(1.0)

    def _put(self, line: Line) -> None:
        self._offer(format_line(line, self._form))

    def _offer(self, item: str | Order) -> None:
        try:
            self._waiting.put_nowait(item)
        except queue.Full:
            self.lost += 1

    def _write(self) -> None:
        lost = 0
        while (item := self._waiting.get()) is not Order.END:
            if item is Order.REOPEN:
                self._stream = _reopened(self._stream, self._file)
                continue
            try:
                self._stream.write(str(item))
                if self.lost > lost:
                    fields = {"lines": self.lost - lost}
                    line = Line(self._clock(), Level.WARNING, "log.lost", fields)
                    self._stream.write(format_line(line, self._form))
                    lost = self.lost
                if self._waiting.empty():
                    self._stream.flush()
            except (OSError, ValueError):
                # Nobody is there to be told that nothing can be told.
                self.lost += 1
        _flush(self._stream)
        if self._file is not None:
            with contextlib.suppress(OSError, ValueError):
                self._stream.close()


def format_line(line: Line, form: Form) -> str:
    """Return a line as text, with its end."""
    at = datetime.fromtimestamp(line.at_ns / SECOND_NS, UTC).isoformat("T", "milliseconds")
    at = at.replace("+00:00", "Z")
    level = line.level.name.lower()
    if form == "json":
        fields = {name: _plain(value) for name, value in line.fields.items()}
        record = {"at": at, "level": level, "event": line.name, **fields}
        return _printable(msgspec.json.encode(record).decode()) + "\n"
    shown = " ".join(f"{name}={_shown(value)}" for name, value in line.fields.items())
    return _printable(f"{at} {level:<7} {line.name:<28} {shown}".rstrip()) + "\n"


def _opened(file: Path | None) -> IO[str]:
    return sys.stderr if file is None else file.open("a", encoding="utf-8")


def _reopened(stream: IO[str], file: Path | None) -> IO[str]:
    """Return the stream anew; the old one if that fails, so that nothing is lost."""
    if file is None:
        return stream
    try:
        fresh = _opened(file)
    except OSError:
        return stream
    with contextlib.suppress(OSError, ValueError):
        stream.close()  # it may have lines that the disk has no room for
    return fresh


def _flush(stream: IO[str]) -> None:
    try:
        stream.flush()
    except (OSError, ValueError):
        return


def _field(value: object) -> Field:
    """Return what a line can carry of a trace event's field."""
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, str | bytes | bool | int | float) or value is None:
        return value
    return str(value)


def _plain(value: Field) -> object:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return _encodable(value[:TEXT_MAX]) if isinstance(value, str) else value


def _shown(value: Field) -> str:
    if isinstance(value, bytes):
        tail = "…" if len(value) > HASH_SHOWN else ""
        return f"0x{value[:HASH_SHOWN].hex()}{tail}"
    if not isinstance(value, str):
        return str(value).replace(" ", "")
    text = _encodable(value[:TEXT_MAX])
    plain = text.isprintable() and not any(character in text for character in ' "=')
    return text if plain and text else msgspec.json.encode(text).decode()


def _encodable(text: str) -> str:
    """Return text that UTF-8 has bytes for: file names may have some that it has not."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _printable(text: str) -> str:
    """Escape what would steer a terminal or turn its text around; JSON stays what it was."""
    if text.isprintable():
        return text
    return "".join([each if each.isprintable() else json.dumps(each)[1:-1] for each in text])
