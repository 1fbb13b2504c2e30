"""How blocks are sent and bodies compressed in a drawn network."""

from typing import Any

from sim.fuzz.chance import Chance

COMPACT_PERCENT = 40
"""In so many runs of a hundred blocks are sent in compact form."""
COMPRESSED_PERCENT = 25
"""In so many, long bodies are compressed."""
THRESHOLDS = (64, 1_024)
"""Shortest bodies that are: nearly all, or the usual ones."""


def draw_packing(chance: Chance) -> dict[str, Any]:
    """Return keys of `[network]` with their values; none for whole blocks in plain bodies."""
    drawn: dict[str, Any] = {}
    if chance.hit(COMPACT_PERCENT):
        drawn |= {"blocks": "compact", "compact_mode": chance.pick(("high", "low"))}
    if chance.hit(COMPRESSED_PERCENT):
        drawn |= {
            "compression": chance.pick(("gzip", "zstd", "lz4")),
            "compression_level": None,
            "compression_threshold": chance.pick(THRESHOLDS),
        }
    return drawn
