"""How often keys were asked for lately, estimated in a few bits for each.

A count-min sketch: each key has one counter in each row, and the least of them is an upper bound
of its count. Counters end at 15. After a fixed number of additions all are halved, so that
what was popular once is forgotten.

Nothing here depends on Python's `hash`, which differs from process to process: a key becomes
its CRC-32, and each row multiplies that with an odd number of its own and takes the high bits.
A CRC is easily made to collide on purpose; who does so spoils the hit rate of keys that nobody
else asks for.

Reference: Cormode, Muthukrishnan, "An improved data stream summary", 2005; Einziger, Friedman,
Manes, "TinyLFU", ACM TOS 2017, section 3 (the halving).
"""

from zlib import crc32

COUNT_MAX = 15
SAMPLE_FACTOR = 10
"""Additions between two halvings, for each key that the sketch was made for."""
WIDTH_MIN, WIDTH_MAX = 1 << 6, 1 << 20
"""Counters in a row."""
WORD_BITS = 64
WORD_MASK = (1 << WORD_BITS) - 1
MULTIPLIERS = (
    0x9E3779B97F4A7C15,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0xD6E8FEB86659FD93,
)
"""One for each row: odd, and otherwise as good as random."""
HALVES = bytes(value // 2 for value in range(256))


class Sketch:
    """Estimated counts.

    Args:
        keys: how many keys are to be told apart; memory grows with it, up to 4 MiB.
    """

    __slots__ = ("_additions", "_rows", "_sample", "_shift")

    def __init__(self, keys: int) -> None:
        width = min(max(WIDTH_MIN, 1 << (keys - 1).bit_length()), WIDTH_MAX)
        self._shift = WORD_BITS - (width.bit_length() - 1)
        self._rows = [bytearray(width) for _ in MULTIPLIERS]
        self._sample = SAMPLE_FACTOR * min(max(keys, WIDTH_MIN), WIDTH_MAX)
        self._additions = 0

    def places(self, key: bytes) -> list[int]:
        """Return the index of a key's counter in each row."""
        code, shift = crc32(key) + 1, self._shift
        return [((code * factor) & WORD_MASK) >> shift for factor in MULTIPLIERS]

    def add(self, key: bytes, requests: int) -> None:
        """Count some requests for a key; at least one."""
        for row, place in zip(self._rows, self.places(key), strict=True):
            count = row[place] + requests
            row[place] = min(COUNT_MAX, count)
        self._additions += requests
        if self._additions >= self._sample:
            self._rows = [row.translate(HALVES) for row in self._rows]
            self._additions //= 2

    def count(self, key: bytes) -> int:
        """Return the estimate, 0..15; never less than the truth since the last halving."""
        return min(row[place] for row, place in zip(self._rows, self.places(key), strict=True))
