"""What compression has saved and cost, by kind of message and direction.

Kinds whose bodies are never long enough to be compressed are not counted: votes should cost as
little as without.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class KindStatistics:
    """Counters of one kind in one direction."""

    frames: int = 0
    compressed: int = 0
    """Frames of those whose body was compressed."""
    plain_bytes: int = 0
    """Of bodies, before compression."""
    wire_bytes: int = 0
    """Of bodies, as they were sent."""
    nanoseconds: int = 0
    """Spent in compressing or decompressing, by the clock of whoever measures; else 0."""

    @property
    def ratio(self) -> float:
        """Sent bytes by plain bytes; 1.0 if there were none."""
        return self.wire_bytes / self.plain_bytes if self.plain_bytes else 1.0

    def count(self, plain: int, wire: int, nanoseconds: int, *, compressed: bool) -> None:
        """Add a frame."""
        self.frames += 1
        self.compressed += compressed
        self.plain_bytes += plain
        self.wire_bytes += wire
        self.nanoseconds += nanoseconds


class CompressionStatistics:
    """Counters of a node, or of one connection. Kinds are those of the codec, so they are few."""

    __slots__ = ("received", "sent")

    def __init__(self) -> None:
        self.sent: dict[str, KindStatistics] = {}
        self.received: dict[str, KindStatistics] = {}

    def of_sent(self, kind: str) -> KindStatistics:
        """Return the counters of a kind that is sent."""
        return self.sent.setdefault(kind, KindStatistics())

    def of_received(self, kind: str) -> KindStatistics:
        """Return the counters of a kind that is received."""
        return self.received.setdefault(kind, KindStatistics())
