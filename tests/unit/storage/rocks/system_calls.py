"""A log of system calls (strace's), and what it says about when files were durable."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

TRACED = "openat,write,fdatasync,fsync,unlink,unlinkat"
LINE = re.compile(r"(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)")
FILE = re.compile(r"[0-9]<([^<>]*)>")
CREATED = re.compile(r'"([^"]*)", [^"]*O_CREAT')
NAMED = re.compile(r'"([^"]*)"')
MARKER = re.compile(r'"ACKNOWLEDGED (\d+)')


class Call(NamedTuple):
    """One call, once it begins and once it ends."""

    thread: int
    name: str
    rest: str
    begins: bool
    ends: bool


class Broken(AssertionError):
    """Something was taken for durable that was not."""


def why_not() -> str:
    """Return why calls cannot be traced here, or ""."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "strace may not trace here"


def trace(program: str, arguments: Sequence[str], log: Path) -> None:
    """Run a Python program, and write its calls to a log."""
    command = ["strace", "-f", "-y", "-s", "40", "-e", f"trace={TRACED}", "-o", str(log)]
    traced = [*command, sys.executable, "-c", program, *arguments]
    subprocess.run(traced, check=True, stdout=subprocess.DEVNULL)


def calls(log: Path) -> Iterator[Call]:
    """Yield the calls in the order in which they began or ended."""
    held: dict[int, str] = {}
    for line in log.read_text(errors="replace").splitlines():
        found = LINE.match(line)
        if found is None:
            continue
        thread, name, rest = int(found[1]), found[2], found[3]
        if "resumed>" in line.split("(")[0]:
            yield Call(thread, name, held.pop(thread, "") + rest, begins=False, ends=True)
        elif rest.endswith("<unfinished ...>"):
            held[thread] = rest
            yield Call(thread, name, rest, begins=True, ends=False)
        else:
            yield Call(thread, name, rest, begins=True, ends=True)


@dataclass(slots=True)
class Disk:
    """Which bytes and names of a store's files are durable, as the calls tell.

    Names count as durable by syncs of the acknowledging thread alone: RocksDB syncs the directory,
    too, at times of its own.
    """

    directory: Path
    committer: int
    """The thread that acknowledges."""
    logs: set[str] = field(default_factory=set)
    """Those that are there."""
    nameless: set[str] = field(default_factory=set)
    """Logs whose names are not durable."""
    writes: dict[str, int] = field(default_factory=dict)
    """Writes to each file so far."""
    durable: dict[str, int] = field(default_factory=dict)
    """How many of them are durable."""
    written_by: dict[tuple[str, int], int] = field(default_factory=dict)
    """The last write of a thread to a file."""
    syncing: dict[int, tuple[str, int, set[str]]] = field(default_factory=dict)
    """A thread's sync under way: its file, and which writes or names will be durable then."""
    acknowledged: int = 0
    deleted: int = 0
    """Logs that were deleted."""

    def watch(self, call: Call) -> None:
        """Take note of a call.

        Raises:
            Broken: something is durable too late.
        """
        if call.name == "write" and call.begins:
            self._write(call)
        elif call.name == "openat" and call.ends and (made := CREATED.search(call.rest)):
            path = Path(made[1])
            if path.parent == self.directory and path.suffix == ".log":
                self.logs.add(path.name)
                self.nameless.add(path.name)
        elif call.name in ("fdatasync", "fsync"):
            self._sync(call)
        elif call.name in ("unlink", "unlinkat") and call.begins:
            self._delete(call)

    def _write(self, call: Call) -> None:
        if marker := MARKER.search(call.rest):
            self.acknowledged += 1
            self._expect_durable(self.logs, f"batch {marker[1]} was acknowledged")
            if late := sorted(self.logs & self.nameless):
                raise Broken(f"batch {marker[1]} was acknowledged before the name of {late}")
        name = self._file(call)
        if name is None:
            return
        if name in self.logs:
            self._expect_durable(self.logs - {name}, f"{name} was written")
        if name.startswith("MANIFEST"):
            self._expect_own_durable(call.thread, ".sst", f"{name} was written")
        self.writes[name] = self.written_by[name, call.thread] = self.writes.get(name, 0) + 1

    def _sync(self, call: Call) -> None:
        if call.begins:
            name = self._file(call) or ""
            named = not name and call.thread == self.committer and str(self.directory) in call.rest
            names = set(self.nameless) if named else set()
            self.syncing[call.thread] = (name, self.writes.get(name, 0), names)
        if call.ends:
            name, writes, names = self.syncing.pop(call.thread)
            self.durable[name] = max(writes, self.durable.get(name, 0))
            self.nameless -= names

    def _delete(self, call: Call) -> None:
        named = NAMED.search(call.rest)
        name = Path(named[1]).name if named else ""
        if name in self.logs:
            self._expect_own_durable(call.thread, "MANIFEST", f"{name} was deleted")
            self.logs.discard(name)
            self.deleted += 1

    def _expect_durable(self, names: set[str], event: str) -> None:
        late = [each for each in sorted(names) if self._is_dirty(each, self.writes.get(each, 0))]
        if late:
            raise Broken(f"{event} before bytes of {late} were durable")

    def _expect_own_durable(self, thread: int, part: str, event: str) -> None:
        """Expect that of what a thread has written to some files."""
        for (name, writer), write in self.written_by.items():
            if writer == thread and part in name and self._is_dirty(name, write):
                raise Broken(f"{event} before bytes of {name} were durable")

    def _is_dirty(self, name: str, write: int) -> bool:
        return self.durable.get(name, 0) < write

    def _file(self, call: Call) -> str | None:
        found = FILE.search(call.rest)
        path = Path(found[1]) if found else None
        return path.name if path is not None and path.parent == self.directory else None
