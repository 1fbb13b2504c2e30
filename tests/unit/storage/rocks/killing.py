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
        os.fdatasync = self._bytes(self._fdatasync)
        os.fsync = self._bytes(self._fsync)

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
                return
            size = os.fstat(descriptor).st_size
            call(descriptor)
            self.sizes[path.name] = size

        return sync

    def state(self) -> str:
        """Return what is synced so far, of files whose names are, as JSON."""
        growing = [name for name in sorted(self.names) if name.endswith(GROWING)]
        return json.dumps({name: self.sizes.get(name, 0) for name in growing})


def serve(main: Callable[[list[str]], None]) -> None:
    """Fork for each line of arguments on stdin, and say when the fork has ended.

    A fork does not have to import anything again.
    """
    for line in sys.stdin:
        if not os.fork():
            try:
                os.write(1, f"pid {os.getpid()}\n".encode())
                main(json.loads(line))
            finally:
                os._exit(1)
        _, status = os.wait()
        os.write(1, f"end {status}\n".encode())


class Writers:
    """A process that forks writers, one after another, to be killed.

    Args:
        module: calls `serve`.
    """

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def killed(self, arguments: list[str], random: Random, reports_max: int) -> str:
        """Start a writer, kill it some time after its first reports, and return its last one."""
        reader, writer = self._process.stdout, self._process.stdin
        assert reader is not None
        assert writer is not None
        writer.write(json.dumps(arguments).encode() + b"\n")
        writer.flush()
        process = int(reader.readline().split()[1])
        last = b""
        for _ in range(random.randint(1, reports_max)):
            last = reader.readline()
            if last.startswith(b"end") or not last:
                raise RuntimeError(f"the writer ended by itself: {last!r}")
        time.sleep(random.uniform(0, PAUSE_SECONDS_MAX))
        os.kill(process, signal.SIGKILL)
        while not (line := reader.readline()).startswith(b"end"):
            last = line
        return last.decode()

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
