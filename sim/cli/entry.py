"""Parse the command line, run the command, turn mistakes into messages and exit codes.

Nothing heavy is imported before the command is known, so that `orrery --help` answers at once.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from enum import IntEnum
from importlib import import_module

from sim.cli.parser import build_parser

COMMANDS = {
    "run": "sim.cli.run",
    "test": "sim.cli.suite",
    "fuzz": "sim.cli.fuzz",
    "calibrate": "sim.calibrate",
    "bench": "bench.command",
    "graph": "sim.cli.graph",
    "verify-certificate": "sim.cli.verify_certificate",
    "load": "sim.cli.load",
    "store": "sim.cli.store",
    "up": "sim.cli.up",
}
"""Module of each command; it has a function `command(arguments) -> int`."""


class Exit(IntEnum):
    """What the exit code says."""

    OK = 0
    FAILED = 1
    """An expectation failed or a checker objected."""
    BAD_INPUT = 2
    """The command line, a file or a directory is wrong; nothing ran."""
    INTERRUPTED = 130
    """Ctrl-C, as shells report it: 128 + SIGINT."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        argv: arguments without the program's name; those of the process if None.
    """
    arguments = build_parser().parse_args(argv)
    try:
        # To import a command takes long enough for somebody to think better of it.
        return _run(arguments)
    except KeyboardInterrupt:
        print("\norrery: interrupted; there is no result", file=sys.stderr)
        return Exit.INTERRUPTED


def _run(arguments: Namespace) -> int:
    try:
        module = import_module(COMMANDS[arguments.command])
    except ModuleNotFoundError as error:
        if error.name is None or not COMMANDS[arguments.command].startswith(error.name):
            raise
        return _refuse(f"`orrery {arguments.command}` is not part of this installation")
    return _guarded(module.command, arguments)


def _guarded(command: object, arguments: object) -> int:
    from primitives.errors import OrreryError  # noqa: PLC0415

    assert callable(command)
    try:
        return int(command(arguments))
    except OrreryError as error:
        return _refuse(str(error))
    except BrokenPipeError:
        # Whoever read our output has had enough: `orrery run ... | head`.
        # What is left in the buffer must not fail once more when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK


def _refuse(message: str) -> int:
    for line in message.splitlines():
        print(f"orrery: {line}", file=sys.stderr)
    return Exit.BAD_INPUT
