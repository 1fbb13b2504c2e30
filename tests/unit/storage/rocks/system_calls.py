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
    subprocess.run([*command, sys.executable, "-c", program, *arguments], check=True)


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
    """Which bytes and names of a store's files are durable, as the calls tell."""

    directory: Path
    dirty: dict[str, int] = field(default_factory=dict)
    """Files with bytes that are not, and the thread that wrote them."""
    nameless: set[str] = field(default_factory=set)
    """Files whose names are not."""
    syncing: dict[int, tuple[str, set[str]]] = field(default_factory=dict)
    """A thread's sync under way: its file, and what will be durable when it ends."""
    acknowledged: int = 0
    logs: set[str] = field(default_factory=set)
    deleted: int = 0
    """Logs that were deleted."""

    def watch(self, call: Call) -> None:
        """Take note of a call.

        Raises:
            Broken: something is durable too late.
        """
        if call.name == "write":
            self._write(call)
        elif call.name == "openat" and call.ends and (made := CREATED.search(call.rest)):
            self._made(Path(made[1]))
        elif call.name in ("fdatasync", "fsync"):
            self._sync(call)
        elif call.name in ("unlink", "unlinkat") and call.begins:
            self._delete(call)

    def _made(self, path: Path) -> None:
        if path.parent == self.directory and path.suffix in (".log", ".sst"):
            self.nameless.add(path.name)
            if path.suffix == ".log":
                self.logs.add(path.name)

    def _write(self, call: Call) -> None:
        if call.begins and (marker := MARKER.search(call.rest)):
            self.acknowledged += 1
            self._expect_durable(self.logs, f"batch {marker[1]} was acknowledged")
        name = self._file(call)
        if name is None or not call.begins:
            return
        if name in self.logs:
            self._expect_durable(self.logs - {name}, f"{name} was written")
        if name.startswith("MANIFEST"):
            mine = {each for each, thread in self.dirty.items() if thread == call.thread}
            tables = {each for each in mine if each.endswith(".sst")}
            self._expect_durable(tables, f"{name} was written")
        self.dirty[name] = call.thread

    def _sync(self, call: Call) -> None:
        if call.begins:
            name = self._file(call)
            bytes_of = {name} if name in self.dirty else set()
            names = self.nameless if str(self.directory) in call.rest and name is None else ()
            self.syncing[call.thread] = ("" if name is None else name, {*bytes_of, *names})
        if call.ends:
            name, done = self.syncing.pop(call.thread)
            if name:
                self.dirty.pop(name, None)
            else:
                self.nameless -= done

    def _delete(self, call: Call) -> None:
        named = NAMED.search(call.rest)
        name = Path(named[1]).name if named else ""
        if name in self.logs:
            manifests = {each for each in self.dirty if each.startswith("MANIFEST")}
            self._expect_durable(manifests, f"{name} was deleted")
            self.logs.discard(name)
            self.dirty.pop(name, None)
            self.deleted += 1

    def _expect_durable(self, names: set[str], event: str) -> None:
        if late := sorted(names & self.dirty.keys()):
            raise Broken(f"{event} before bytes of {late} were durable")
        if late := sorted(names & self.nameless):
            raise Broken(f"{event} before the name of {late} was durable")

    def _file(self, call: Call) -> str | None:
        found = FILE.search(call.rest)
        path = Path(found[1]) if found else None
        return path.name if path is not None and path.parent == self.directory else None
