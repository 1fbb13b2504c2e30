"""What a check yields, and the findings that several checks share."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from node.settings.mistakes import Path, listed, nearest_name, shown
from primitives.ids import Duration
from primitives.units import format_duration


class Finding(NamedTuple):
    """A mistake that does not know its file and line yet."""

    path: Path
    expected: str
    found: str
    nearest: str | None = None


def unknown_name(path: Path, name: str, known: Iterable[str]) -> Finding:
    """Return the finding for a name that is not one of `known`."""
    names = list(known)
    return Finding(path, f"one of {listed(names)}", shown(name), nearest_name(name, names))


def unknown_nodes(path: Path, nodes: Iterable[int], count: int) -> Iterator[Finding]:
    """Yield a finding for the first node number that does not exist."""
    for node in nodes:
        if node >= count:
            yield Finding(path, f"a node number from 0 to {count - 1}", str(node))
            return


def repeated(values: Sequence[object]) -> object | None:
    """Return the first value that came before, or None."""
    seen: list[object] = []
    for value in values:
        if value in seen:
            return value
        seen.append(value)
    return None


def span(nanoseconds: int) -> str:
    """Write a duration for a message."""
    return format_duration(Duration(nanoseconds))
