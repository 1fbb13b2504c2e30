"""One node's process: started, struck, stopped, and never left behind.

Whoever has started processes must end them, also when he is killed himself. On Linux the kernel
sees to it: a node asks at its start to be killed when its parent dies (PR_SET_PDEATHSIG). It has
a session of its own, so that the Ctrl-C of a terminal reaches its parent alone, who then ends
the nodes in order.

Reference: prctl(2), PR_SET_PDEATHSIG; setsid(2).
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
TAIL_BYTES = 16_384
"""How much of the end of a log is looked at for its last lines."""


class NodeProcess:
    """The process of one node, again and again the same one.

    Args:
        number: of the node.
        command: what runs it.
        log: takes what it writes, behind what is there.
        environment: its variables; those of this process if None.
    """

    def __init__(
        self,
        number: int,
        command: Sequence[str],
        log: Path,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.number = number
        self.lives = 0
        """How often it was started."""
        self.stopped = False
        """Whether it was sent SIGSTOP and no SIGCONT since."""
        self._command = tuple(command)
        self._log = log
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._life_from = 0
        """Where in the log the words of this life begin."""

    @property
    def pid(self) -> int | None:
        """Of the running process; None while there is none."""
        return self._process.pid if self._process and self.is_up else None

    @property
    def is_up(self) -> bool:
        """Whether there is a process, be it stopped or not."""
        return self._process is not None and self._process.returncode is None

    @property
    def exit_code(self) -> int | None:
        """What the last process has ended with, negative for a signal; None while one runs."""
        return None if self._process is None else self._process.returncode

    async def start(self) -> None:
        """Start the process, unless it runs."""
        if self.is_up:
            return
        self.stopped = False
        with self._log.open("ab") as log:
            self._life_from = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
                preexec_fn=_dies_with_parent(),
            )
        self.lives += 1

    async def ended(self) -> int:
        """Wait until the process has ended; return what with, negative for a signal."""
        assert self._process is not None, f"node {self.number} was never started"
        return await self._process.wait()

    def send(self, number: signal.Signals) -> bool:
        """Send a signal; False if there is no process that could take it."""
        if not self.is_up or self._process is None:
            return False
        if number in (signal.SIGSTOP, signal.SIGCONT):
            self.stopped = number is signal.SIGSTOP
        try:
            self._process.send_signal(number)
        except ProcessLookupError:
            return False
        return True

    async def kill(self) -> bool:
        """Kill the process as a crash does, and wait until it is gone; False if none ran."""
        if not self.send(signal.SIGKILL):
            return False
        await self.ended()
        return True

    async def finish(self, patience_s: float) -> bool:
        """Ask the process to end, and kill it if it does not.

        Args:
            patience_s: seconds that it may take.

        Returns:
            Whether it has ended by itself, or there was none.
        """
        if not self.is_up:
            return True
        self.send(signal.SIGTERM)
        # A stopped process takes nothing else before it goes on.
        self.send(signal.SIGCONT)
        try:
            # `wait_for` of Python 3.11 swallows a cancel that meets the end of what it waits for.
            async with asyncio.timeout(patience_s):
                await self.ended()
        except TimeoutError:
            await self.kill()
            return False
        return True

    def last_lines(self, count: int) -> list[str]:
        """Return the last lines that it has logged in this life, oldest first."""
        try:
            with self._log.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(self._life_from, size - TAIL_BYTES))
                text = log.read().decode("utf-8", "replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()][-count:]


def _dies_with_parent() -> Callable[[], None] | None:
    """Return what a new process does before it becomes a node; None where nothing is to do."""
    if sys.platform != "linux":
        return None
    # Loaded here: between fork and exec a process must not take locks that others may hold.
    library = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask() -> None:
        library.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # It died before the question.
            os.kill(os.getpid(), signal.SIGKILL)

    return ask
