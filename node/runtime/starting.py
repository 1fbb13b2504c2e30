"""Ctrl-C before a program has come so far that it cares for signals itself.

To import what a node needs takes a second and more. Nothing is there yet that could be left half
done: the process ends at once, says so in a line, and shows no traceback of an import. So whatever
begins a program imports little itself: this module, and what it begins with by name.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT
"""Exit code after Ctrl-C, as shells report it."""


def run_command(module: str, arguments: Sequence[str] | None, told: str) -> int:
    """Import a module and run its `main`; return the exit code.

    Args:
        module: has a `main` that takes arguments and returns an exit code.
        arguments: for it; those of the process if None.
        told: what is said if Ctrl-C comes too early.
    """
    try:
        with ending_at_once(told):
            command = import_module(module)
        return int(command.main(arguments))
    except KeyboardInterrupt:
        print(f"\n{told}", file=sys.stderr)  # noqa: T201
        return INTERRUPTED


@contextmanager
def ending_at_once(told: str) -> Iterator[None]:
    """Let Ctrl-C end the process here and now, with a line.

    An exception would not do: an import that meets one within a callback shows it and goes on.
    Whoever ignores the signal, or has a handler for it, keeps that.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        os.write(2, f"\n{told}\n".encode())
        os._exit(INTERRUPTED)

    before = signal.getsignal(signal.SIGINT)
    is_ours = threading.current_thread() is threading.main_thread()
    if before is not signal.default_int_handler or not is_ours:
        yield
        return
    signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
