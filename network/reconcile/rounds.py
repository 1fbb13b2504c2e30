"""What follows from the numbers of a round: names, places in cells, and how long a sketch is."""

from hashlib import sha256

from network.reconcile.sketch import CELL_BYTES, cells_for, element_name
from network.reconcile.state import Link, Round
from primitives.ids import Instant

SPREAD_ONE = 256
SPREAD_MAX = (1 << 16) - 1
ANNOUNCED_BYTES = 38
"""What one transaction takes in an announcement, about."""
LOST_MAX = 64
"""Announcements that were asked for and may be lost, of however few."""
NAMES = 255
"""In place of the number of a sketch, for the key of names."""


def key_of(salt: bytes, part: int) -> bytes:
    """Return what places elements in one sketch of a round, or names them: each another."""
    return sha256(salt + bytes([part])).digest()[:16]


def name_all(mine: Round) -> None:
    """Name the transactions of a round; of two with one name, one waits for another round."""
    key = key_of(mine.salt, NAMES)
    for transaction in list(mine.entries):
        short = element_name(key, transaction)
        if short in mine.names:
            del mine.entries[transaction]
        else:
            mine.names[short] = transaction


def owed_of(wanted: int) -> int:
    """Return how many announcements must follow where so many are asked for: half of many."""
    return max(0, min(wanted - LOST_MAX, (wanted + 1) // 2))


def is_free(now: Instant, link: Link) -> bool:
    """Tell whether a round may be begun with a peer."""
    if not link.asks or link.plain_until > now:
        return False
    return link.asked is None or link.asked.due <= now


def cells_between(here: int, there: int, spread: int) -> int:
    """Return how many cells a sketch should have; 0 where to announce all costs less."""
    if not here or not there:
        return 0
    expected = min(here + there, abs(here - there) + min(here, there) * spread // SPREAD_ONE)
    cells = cells_for(expected)
    return cells if cells * CELL_BYTES < (here + there - expected) * ANNOUNCED_BYTES else 0


def next_spread(before: int, difference: int, here: int, there: int) -> int:
    """Return what to expect next: halfway from before to what this round has shown."""
    smaller = min(here, there)
    if not smaller:
        return before
    shown = max(0, difference - abs(here - there)) * SPREAD_ONE // smaller
    return min(SPREAD_MAX, (before + shown + 1) // 2)
