"""Who works through tasks that know nothing of one another.

A task is bytes and so is its result, and what is done with it is named, not passed: a worker may be
another process.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from node.executors.recovery import recover_packed

RECOVER = "recover"
"""Recovers the senders of packed signatures."""

FUNCTIONS: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType({RECOVER: recover_packed})
"""What every worker can do with a task."""


class Pool(Protocol):
    """Works through independent tasks, several at a time if it has workers."""

    @property
    def workers(self) -> int:
        """How many tasks it does at a time; 0 if whoever asks does them himself."""
        ...

    def map(self, name: str, tasks: Iterable[bytes]) -> Sequence[bytes]:
        """Return the result of the function `name` for each task, in order.

        The first tasks may be under way while the last ones are still being made.
        """
        ...


class InlinePool:
    """Does every task at once: for virtual time, for tests, and for small batches."""

    __slots__ = ()

    @property
    def workers(self) -> int:
        """None: whoever asks does them himself."""
        return 0

    def map(self, name: str, tasks: Iterable[bytes]) -> Sequence[bytes]:
        """Return the result of the function `name` for each task, in order."""
        function = FUNCTIONS[name]
        return [function(task) for task in tasks]
