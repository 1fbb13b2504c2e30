"""Bytes by subsystem: who holds how much, and how much it was at most.

Whoever holds bytes and knows their number registers a probe; nobody counts as it goes, so that
accounting costs nothing between two samples. A peak is therefore the most that any sample saw.

An `Accounting` is handed in: there is none of the process. No run may depend on what it says.
"""

from collections.abc import Callable

import msgspec

from primitives.errors import InvalidInput


class SubsystemBytes(msgspec.Struct, frozen=True):
    """One row of an accounting."""

    subsystem: str
    current: int
    """Bytes at the last sample."""
    peak: int
    """The most at any sample."""


class Accounting:
    """Asks the probes of subsystems for their bytes."""

    __slots__ = ("_current", "_peaks", "_probes")

    def __init__(self) -> None:
        self._probes: dict[str, Callable[[], int]] = {}
        self._current: dict[str, int] = {}
        self._peaks: dict[str, int] = {}

    def probe(self, subsystem: str, read: Callable[[], int]) -> None:
        """Register a subsystem.

        Args:
            subsystem: its name in rows and metrics.
            read: returns the bytes that it holds now.

        Raises:
            InvalidInput: the name is taken.
        """
        if subsystem in self._probes:
            raise InvalidInput("accounting.subsystem", "each name once", subsystem)
        self._probes[subsystem] = read

    def sample(self) -> tuple[SubsystemBytes, ...]:
        """Ask all probes, and return a row for each, in the order in which they were registered."""
        for subsystem, read in self._probes.items():
            count = self._current[subsystem] = read()
            self._peaks[subsystem] = max(count, self._peaks.get(subsystem, 0))
        return self.rows()

    def rows(self) -> tuple[SubsystemBytes, ...]:
        """Return the rows of the last sample; none of a subsystem that was in no sample."""
        return tuple(
            SubsystemBytes(subsystem, count, self._peaks[subsystem])
            for subsystem, count in self._current.items()
        )
