"""A worker process: `python -m node.executors.worker`, told what to do over its standard input.

An edge. The process ends when its input does, so it cannot outlive whoever started it: the pipe
closes with that process, however that ends.
"""

import os
import signal
import sys
from typing import BinaryIO

from node.executors.warm import Session
from node.executors.wire import (
    LENGTH_BYTES,
    Answer,
    Order,
    Report,
    frame,
    read_order,
)


class Pipes:
    """The two ends that a worker has of its pipes.

    Args:
        orders: read.
        reports: written, unbuffered.
    """

    def __init__(self, orders: BinaryIO, reports: int) -> None:
        self._orders = orders
        self._reports = reports

    def read(self) -> Order | None:
        """Return the next order, or None when there will be none any more."""
        length = self._orders.read(LENGTH_BYTES)
        if len(length) < LENGTH_BYTES:
            return None
        size = int.from_bytes(length, "big")
        body = self._orders.read(size)
        return read_order(body) if len(body) == size else None

    def tell(self, report: Report) -> None:
        """Send a report."""
        data = memoryview(frame(report))
        while data:
            data = data[os.write(self._reports, data) :]

    def ask(self, question: Report) -> Answer:
        """Send a question and wait for the answer."""
        self.tell(question)
        answer = self.read()
        if not isinstance(answer, Answer):
            # Whoever was to answer is gone, or has turned to something else: nothing to do here.
            raise SystemExit(0)
        return answer


def main() -> None:
    """Do what comes in until nothing comes in any more."""
    # Ctrl-C goes to all processes of a terminal. Whoever started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reports = os.dup(sys.stdout.fileno())
    # What anybody prints must not get among the reports.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    pipes = Pipes(sys.stdin.buffer, reports)
    session = Session(pipes.ask, pipes.tell)
    try:
        while (order := pipes.read()) is not None:
            session.handle(order)
    except BrokenPipeError:
        pass


if __name__ == "__main__":
    main()
