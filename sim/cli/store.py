"""`orrery store ACTION PATH`."""

import sys
from argparse import Namespace
from importlib import import_module
from pathlib import Path

from primitives.errors import InvalidInput
from sim.cli.entry import Exit
from storage.store import DamagedStore

ACTIONS = {
    "check": "sim.cli.store_check",
    "stats": "sim.cli.store_stats",
    "compact": "sim.cli.store_shrink",
    "prune": "sim.cli.store_shrink",
    "export": "sim.cli.store_export",
    "import": "sim.cli.store_import",
}
"""Module of each action; it has a function `command(arguments) -> int`."""


def command(arguments: Namespace) -> int:
    """Run one action and return its exit code."""
    module = import_module(ACTIONS[arguments.action])
    arguments.path = store_in(arguments.path)
    try:
        return int(module.command(arguments))
    except DamagedStore as error:
        print(f"orrery: {error}", file=sys.stderr)
        return Exit.FAILED
    except BrokenPipeError:
        raise
    except OSError as error:
        where = str(error.filename or arguments.path)
        reason = error.strerror or str(error)
        raise InvalidInput(where, "what can be read, or written to", reason) from error


def store_in(path: Path) -> Path:
    """Return the store that a path means: its own directory, or one in a live node's data."""
    return path / "store" if (path / "node.json").is_file() else path
