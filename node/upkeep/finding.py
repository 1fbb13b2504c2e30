"""What somebody who looks through a store finds, and what he says on the way."""

from collections.abc import Callable

import msgspec

from primitives.errors import InvalidInput
from storage.store import MalformedRow

Watch = Callable[[str, int], None]
"""Told what is being looked at and how many rows of it have been: for a progress bar."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that is not as it should be, or that a reader should know."""

    place: str
    """The file or the table."""
    key: str
    """Of the row: a height, or the key's bytes; nothing for a whole file or table."""
    expected: str
    found: str
    is_damage: bool = True
    """Whether the store is not whole; else it is, but this was not looked at, or has a reason."""

    def __str__(self) -> str:
        """Return it as one line."""
        place = f"{self.place} {self.key}" if self.key else self.place
        return f"{place}: expected {self.expected}, found {self.found}"


def note(place: str, expected: str, found: str) -> Finding:
    """Return a finding that is no damage."""
    return Finding(place, "", expected, found, is_damage=False)


def faulty(table: str, key: str, error: InvalidInput) -> Finding:
    """Return what an error says about a row."""
    if isinstance(error, MalformedRow):
        return Finding(table, key, error.expected, str(error.actual))
    return Finding(table, key, f"{error.where}: {error.expected}", str(error.actual))


def ignore(_: str, __: int) -> None:
    """Watch nothing."""
