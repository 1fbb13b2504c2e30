"""How hard finding a block was before Paris.

Reference: Yellow Paper, section 4.3.4; EIP-100 (ommers of the parent count), EIP-3554 (the delay
that London brought).
"""

from primitives.header import EMPTY_OMMERS_HASH, Header

DIFFICULTY_MIN = 131_072
QUOTIENT = 2_048
"""One step up or down is this part of the parent's difficulty."""
SECONDS_PER_STEP = 9
STEPS_DOWN_MAX = 99
BOMB_DELAY = 9_700_000
"""Blocks by which the exponential part lags. Later forks before Paris put it off further, which
shows only in blocks above 9,900,000."""
BOMB_PERIOD = 100_000


def next_difficulty(timestamp: int, parent: Header) -> int:
    """Return the difficulty of the block on `parent`.

    Args:
        timestamp: of the block, in seconds.
        parent: the header below.
    """
    steps = 1 if parent.ommers_hash == EMPTY_OMMERS_HASH else 2
    steps -= (timestamp - parent.timestamp) // SECONDS_PER_STEP
    step = parent.difficulty // QUOTIENT
    difficulty = max(parent.difficulty + step * max(steps, -STEPS_DOWN_MAX), DIFFICULTY_MIN)
    period = max(parent.number + 1 - BOMB_DELAY, 0) // BOMB_PERIOD
    return difficulty + 2 ** (period - 2) if period > 1 else difficulty
