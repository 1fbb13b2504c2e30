"""Measuring one configuration in a process of its own, so that its peak memory is its own."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from primitives.errors import OrreryError


class BenchFailed(OrreryError):
    """A measured process did not end as it should."""

    def __init__(self, module: str, output: str) -> None:
        super().__init__(f"python -m {module} failed:\n{output}")


def measure(module: str, options: Mapping[str, object]) -> dict[str, Any]:
    """Run `python -m module OPTIONS` and return the JSON object that it prints.

    Args:
        module: has a `main` that reads one JSON argument and prints one JSON object.
        options: the argument.

    Raises:
        BenchFailed: the process failed; its output is in the message.
    """
    command = [sys.executable, "-P", "-m", module, json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchFailed(module, done.stderr or done.stdout)
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row
