"""What two nodes say to one another to learn which transactions only one of them knows of.

One asks for a sketch of what the other has to announce, takes away its own, and finds what the two
do not share. It announces what the other lacks and names what it lacks itself, which the other
announces. Names are of `network.reconcile.sketch`, with a key that is drawn for each round.

Reference: BIP 330 (`reqrecon`, `sketch`, `reqsketchext`, `reconcildiff`); the sketch is another.
There the key is the link's; two transactions that it gives one name would stay unseen for ever.
"""

from typing import Annotated

import msgspec

from network.messages import Natural
from network.reconcile.sketch import CELL_BYTES, CELLS_MAX, NAME_BYTES
from primitives.machine import Message

RECONCILE_VERSION = 1
"""Of these messages, as handshakes agree on it."""
SALT_BYTES = 8
WANTED_MAX = 8_192
"""Most elements that can be asked for in one round."""


class AskSketch(Message, frozen=True, gc=False):
    """Begins a round."""

    core = "reconcile"

    round: Natural
    """Numbers the asker's rounds with this peer, from anywhere."""
    salt: Annotated[bytes, msgspec.Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]
    """Drawn for this round: names and cells of elements follow from it."""
    count: Natural
    """How many transactions the asker has to announce to the receiver."""
    spread: Annotated[int, msgspec.Meta(ge=0, le=(1 << 16) - 1)]
    """How much of the smaller set the other is expected to lack, in 1/256."""


class SketchOf(Message, frozen=True, gc=False):
    """Answers `AskSketch`, and `AskMore` with another sketch of the same set.

    Without cells if they cost more than the announcements they save: then each announces all that
    it has.
    """

    core = "reconcile"

    round: Natural
    count: Natural
    """How many transactions are in it."""
    cells: Annotated[bytes, msgspec.Meta(max_length=CELLS_MAX * CELL_BYTES)]


class AskMore(Message, frozen=True, gc=False):
    """Asks for a second sketch: the first one had too few cells."""

    core = "reconcile"

    round: Natural


class Differences(Message, frozen=True, gc=False):
    """Ends a round."""

    core = "reconcile"

    round: Natural
    found: bool
    """Whether the sketches told the difference. If not, each announces all that it has."""
    wanted: Annotated[bytes, msgspec.Meta(max_length=WANTED_MAX * NAME_BYTES)]
    """Names of what the asker lacks, one after another."""


LIMITS: dict[type[Message], int] = {
    AskSketch: 96,
    SketchOf: 128 * 1024,
    AskMore: 64,
    Differences: 64 * 1024,
}
"""Longest body of each kind in bytes; a frame that claims more is refused unread."""
