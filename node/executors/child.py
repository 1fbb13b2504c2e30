"""One worker process, as its coordinator sees it.

An edge. The process is started afresh (not forked), so it shares nothing that could be in use by
some thread at that moment, and it finds its orders on its standard input.
"""

import os
import subprocess
import sys
from collections.abc import Sequence

import msgspec

from node.executors.knowledge import Knowledge
from node.executors.wire import LENGTH_BYTES, Order, Report, frame, read_report
from primitives.errors import OrreryError

READ_BYTES = 1 << 18


class WorkerLost(OrreryError):
    """A worker process has ended, or said something that nobody understands."""


class Child:
    """A worker process, and what is known of it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "node.executors.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders = self._process.stdin
        self._reports = self._process.stdout
        self._buffer = bytearray()
        self.knowledge = Knowledge()
        self.jobs: list[int] = []
        """Indexes of the transactions that it is running."""
        self.task: int | None = None
        """Number of the task that it is doing."""
        self.is_torn = False
        """Whether an order was only sent in part; then nothing can be said to it any more."""
        self.told = 0
        """How much of the block's news it has been told."""

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def is_busy(self) -> bool:
        """Whether something is to come from it."""
        return bool(self.jobs) or self.task is not None or self.is_torn

    def fileno(self) -> int:
        """Return the descriptor to wait at for reports."""
        return self._reports.fileno()

    def send(self, order: Order) -> None:
        """Send an order. The worker reads whenever it has nothing else to do, so this ends.

        Raises:
            WorkerLost: the process is gone.
        """
        data = memoryview(frame(order))
        self.is_torn = True
        try:
            while data:
                data = data[os.write(self._orders.fileno(), data) :]
        except OSError as error:
            raise WorkerLost(f"worker {self.pid}: {error}") from error
        self.is_torn = False

    def receive(self) -> Sequence[Report]:
        """Return the reports that have come; at least some bytes of one must be there.

        Raises:
            WorkerLost: the process is gone, or talks nonsense.
        """
        data = os.read(self._reports.fileno(), READ_BYTES)
        if not data:
            raise WorkerLost(f"worker {self.pid} has ended")
        buffer = self._buffer
        buffer += data
        reports: list[Report] = []
        while len(buffer) >= LENGTH_BYTES:
            end = LENGTH_BYTES + int.from_bytes(buffer[:LENGTH_BYTES], "big")
            if len(buffer) < end:
                break
            try:
                reports.append(read_report(bytes(buffer[LENGTH_BYTES:end])))
            except msgspec.DecodeError as error:
                raise WorkerLost(f"worker {self.pid}: {error}") from error
            del buffer[:end]
        return reports

    def end(self) -> None:
        """End the process, whatever it is doing, and wait until it has ended."""
        self._orders.close()
        self._process.kill()
        self._process.wait()
        self._reports.close()
