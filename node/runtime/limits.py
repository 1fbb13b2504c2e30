"""How much may wait at a driver, and what it has counted."""

from dataclasses import dataclass, field

MILLISECOND_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class DriverLimits:
    """How much waits, and for how long the loop is held."""

    portion_ns: int = 4 * MILLISECOND_NS
    """Turns run for about so long before the loop's other business is looked at."""
    peer_messages: int = 8_192
    """Messages of one peer that wait for their turn; with so many it is not read from."""
    peer_bytes: int = 16 << 20
    """Their bytes."""
    submissions: int = 16_384
    """Transactions of clients that wait for their turn; more are refused."""
    messages_per_submission: int = 4
    """After so many messages of peers a client's transaction has its turn."""
    jobs: int = 256
    """Computations that wait, from which on only their answers are taken."""
    workers: int = 1
    """Threads that compute; 0 to compute on the loop."""


@dataclass(slots=True)
class DriverFigures:
    """What a driver has done so far. Whoever makes metrics of it only reads."""

    turns: int = 0
    busy_ns: int = 0
    """Processor time of the loop's thread in turns and their effects."""
    portions: int = 0
    stalls: int = 0
    """Portions that ended because there was no room for what turns may cause."""
    work: dict[str, int] = field(default_factory=dict)
    """Units that turns have counted, by kind of cost."""
