"""Killing a process that writes, at random instants, and losing what it did not sync.

A kill alone shows nothing about a missing fsync: the page cache outlives the process. So the
process says which bytes it had synced (`Synced` counts the calls, not what the code believes), and
afterwards its files are cut to any length that is not below that.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from types import TracebackType

PAUSE_SECONDS_MAX = 0.004
GROWING = (".log", ".archive")
"""Suffixes of the files that are cut."""


class Synced:
    """Counts what is synced in this process: bytes of files, and names in directories.

    Args:
        directories: what is in them now has survived the last crash, and is durable.
    """

    def __init__(self, *directories: Path) -> None:
        self.sizes: dict[str, int] = {}
        """Synced bytes of each file, by name."""
        self.names: set[str] = set()
        """Files whose names are synced."""
        for directory in directories:
            self.count(directory)
        self._fdatasync, self._fsync = os.fdatasync, os.fsync
        os.fdatasync = self._bytes(self._fdatasync)  # type: ignore[assignment]
        os.fsync = self._bytes(self._fsync)  # type: ignore[assignment]

    def count(self, directory: Path) -> None:
        """Count what is in a directory as durable."""
        if directory.exists():
            self.sizes |= {path.name: path.stat().st_size for path in directory.iterdir()}
            self.names |= self.sizes.keys()

    def _bytes(self, call: Callable[[int], None]) -> Callable[[int], None]:
        def sync(descriptor: int) -> None:
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            if path.is_dir():
                names = {each.name for each in path.iterdir()}
                call(descriptor)
                self.names |= names
            else:
                size = os.fstat(descriptor).st_size
                call(descriptor)
                self.sizes[path.name] = size
            self._report()

        return sync

    def _report(self) -> None:
        """Say so at once: what is written afterwards may rely on it."""
        growing = [name for name in sorted(self.names) if name.endswith(GROWING)]
        report("synced", json.dumps({name: self.sizes.get(name, 0) for name in growing}))


def report(kind: str, text: str) -> None:
    """Tell whoever will kill this process something; the last of each kind counts."""
    os.write(1, f"{kind} {text}\n".encode())


def serve(main: Callable[[list[str]], None]) -> None:
    """Fork for each line of arguments on stdin, and say when the fork has ended.

    A fork does not have to import anything again.
    """
    for line in sys.stdin:
        if not os.fork():
            try:
                report("pid", str(os.getpid()))
                main(json.loads(line))
            finally:
                os._exit(1)
        _, status = os.wait()
        report("end", str(status))


class Writers:
    """A process that forks writers, one after another, to be killed.

    Args:
        module: calls `serve`.
    """

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def killed(
        self, arguments: list[str], random: Random, reports_max: int
    ) -> tuple[list[int], dict[str, int]]:
        """Start a writer, and kill it some time after its first reports.

        Returns:
            The numbers that it called durable last, and the synced bytes by file.
        """
        reader, writer = self._process.stdout, self._process.stdin
        assert reader is not None
        assert writer is not None
        writer.write(json.dumps(arguments).encode() + b"\n")
        writer.flush()
        last: dict[str, str] = {}

        def read() -> str:
            kind, text = reader.readline().decode().split(" ", 1)
            last[kind] = text
            return kind

        reports = random.randint(1, reports_max)
        while reports:
            kind = read()
            if kind == "end":
                raise RuntimeError(f"the writer ended by itself: {last['end']}")
            reports -= kind == "durable"
        time.sleep(random.uniform(0, PAUSE_SECONDS_MAX))
        os.kill(int(last["pid"]), signal.SIGKILL)
        while read() != "end":
            pass
        return [int(each) for each in last["durable"].split()], json.loads(last.get("synced", "{}"))

    def __enter__(self) -> "Writers":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def lose_unsynced(files: Iterable[Path], synced: dict[str, int], random: Random) -> int:
    """Cut files to any length from what was synced; remove some whose names were not.

    Args:
        files: that only grow.
        synced: bytes by name, of files whose names are synced.
        random: decides.

    Returns:
        Bytes lost.
    """
    lost = 0
    for path in files:
        size = path.stat().st_size
        if path.name not in synced and random.random() < 0.5:
            path.unlink()
            lost += size
            continue
        least = min(size, synced.get(path.name, 0))
        kept = random.choice((least, size, random.randint(least, size)))
        os.truncate(path, kept)
        lost += size - kept
    return lost
