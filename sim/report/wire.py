"""What going over the wire in fewer bytes has saved a run, and what that took."""

from collections.abc import Iterable, Mapping

import msgspec

PICOSECONDS_PER_SECOND = 10**12


class CompactFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Blocks that came in compact form, at all nodes together."""

    blocks: int
    at_once: int
    """Those for which nothing had to be asked for: no further round trip."""
    whole: int
    """Those that had to be fetched whole in the end."""
    hit_rate: float
    """Share of their transactions that the receiver held."""
    prefilled_rate: float
    """Share that came with the form, because its sender thought that nobody holds them."""
    full_bytes: int
    """Of the blocks as they are."""
    compact_bytes: int
    """Of their compact forms."""
    fetched_bytes: int
    """Of the transactions and whole blocks that were asked for."""

    @property
    def share_saved(self) -> float:
        """Share of the blocks' bytes that did not have to come, below 1."""
        came = self.compact_bytes + self.fetched_bytes
        return 1 - came / self.full_bytes if self.full_bytes else 0.0


class KindCompression(msgspec.Struct, frozen=True, kw_only=True):
    """What compression did for messages of one kind, all copies counted."""

    kind: str
    messages: int
    plain_bytes: int
    """Of their frames without compression."""
    sent_bytes: int
    compressing_seconds: float = 0.0
    """Of one core at the profile's speed, all senders together: once for each broadcast."""
    decompressing_seconds: float = 0.0
    """Of all receivers together."""

    @property
    def ratio(self) -> float:
        """Sent bytes by plain bytes."""
        return self.sent_bytes / self.plain_bytes if self.plain_bytes else 1.0


Units = Mapping[tuple[str, str], int]
"""(kind of message, kind of work) to units of it."""


def added(parts: Iterable[Units]) -> Units:
    """Return the sums of several counts."""
    total: dict[tuple[str, str], int] = {}
    for part in parts:
        for name, units in part.items():
            total[name] = total.get(name, 0) + units
    return total


def compression_figures(
    traffic: Iterable[tuple[str, int, int, int]],
    closing: Units,
    opening: Units,
    costs_ps: Mapping[str, int],
) -> tuple[KindCompression, ...]:
    """Return the kinds that compression was tried on, the most plain bytes first.

    Args:
        traffic: kind, messages, bytes sent and bytes saved.
        closing: bytes that were compressed.
        opening: bytes that were decompressed.
        costs_ps: what a byte takes by kind of work, in picoseconds.
    """
    tried = dict.fromkeys([kind for kind, _ in (*closing, *opening)])
    found = [
        KindCompression(
            kind=kind,
            messages=count,
            plain_bytes=sent + saved,
            sent_bytes=sent,
            compressing_seconds=_seconds(kind, closing, costs_ps),
            decompressing_seconds=_seconds(kind, opening, costs_ps),
        )
        for kind, count, sent, saved in traffic
        if kind in tried
    ]
    return tuple(sorted(found, key=lambda each: (-each.plain_bytes, each.kind)))


def _seconds(kind: str, units: Units, costs_ps: Mapping[str, int]) -> float:
    total = sum([costs_ps[work] * n for (each, work), n in units.items() if each == kind])
    return total / PICOSECONDS_PER_SECOND
