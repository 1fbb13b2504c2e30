"""In what the chain of a directory differs from the one that is asked for."""

from dataclasses import fields

from primitives.genesis import Genesis
from primitives.params import ChainParams

Difference = tuple[str, object, object]
"""What it is, what the one has, and what the other has."""


def difference(held: Genesis, asked: Genesis) -> Difference | None:
    """Return the first thing that differs, those that readers know from scenarios first."""
    ours, theirs = held.committee.size, asked.committee.size
    if ours != theirs:
        return "number of validators", ours, theirs
    for each in fields(ChainParams):
        one, other = getattr(held.params, each.name), getattr(asked.params, each.name)
        if one != other:
            return f"chain's {each.name}", _shown(one), _shown(other)
    for what, first, second in (
        ("accounts", dict(held.alloc), dict(asked.alloc)),
        ("contracts", held.contracts, asked.contracts),
    ):
        if first != second:
            same = len(first) == len(second)
            given = f"{len(second):,}, among them others" if same else f"{len(second):,}"
            return f"{what} at the chain's beginning,", f"{len(first):,}", given
    return None


def _shown(value: object) -> object:
    return "0x" + value.hex() if isinstance(value, bytes) else value
