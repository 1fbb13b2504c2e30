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
        stop: is told the signal's name, once.
        reopen: called on SIGHUP.
        end: ends the process with an exit code.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        stop: Callable[[str], None],
        reopen: Callable[[], None],
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._stop = stop
        self._end = end
        self._asked = False
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._on_signal, each)
        loop.add_signal_handler(signal.SIGHUP, reopen)

    def _on_signal(self, number: signal.Signals) -> None:
        if self._asked:
            self._end(ExitCode.KILLED + number)
            return
        self._asked = True
        self._stop(number.name)
