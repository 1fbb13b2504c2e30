"""What the process does when it is sent a signal."""

import asyncio
import os
import signal
from collections.abc import Callable

from node.runtime.errors import ExitCode


class Signals:
    """SIGTERM and SIGINT ask the node to stop; the second one ends the process at once.

    At once means: without good-bye, as SIGKILL would. Nothing that the node has promised is lost.

    Args:
        loop: of the node.
        reopen: called on SIGHUP.
        end: ends the process with an exit code.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        reopen: Callable[[], None],
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._end = end
        self._stop: Callable[[str], None] | None = None
        self._asked = ""
        """Name of the first signal."""
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._on_signal, each)
        loop.add_signal_handler(signal.SIGHUP, reopen)

    def tell(self, stop: Callable[[str], None]) -> None:
        """Let something know the name of the first signal, also if that has come already."""
        self._stop = stop
        if self._asked:
            stop(self._asked)

    def _on_signal(self, number: signal.Signals) -> None:
        if self._asked:
            self._end(ExitCode.KILLED + number)
            return
        self._asked = number.name
        if self._stop is not None:
            self._stop(number.name)
