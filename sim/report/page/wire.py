"""What compact blocks and compression have saved: two tables."""

from collections.abc import Sequence

from sim.report.page import units
from sim.report.page.cards import card, table
from sim.report.page.markup import Markup
from sim.report.wire import CompactFigures, KindCompression


def compact_card(figures: CompactFigures | None) -> Markup | None:
    """Return what compact blocks came to; None for a run without."""
    if figures is None:
        return None
    heads = [(head, "number") for head in ("blocks", "at once", "whole", "held", "prefilled")]
    heads += [(head, "number") for head in ("full", "compact", "fetched", "saved")]
    row: list[Markup | str] = [
        units.count(figures.blocks),
        units.count(figures.at_once),
        units.count(figures.whole),
        f"{100 * figures.hit_rate:.1f} %",
        f"{100 * figures.prefilled_rate:.1f} %",
        units.size(figures.full_bytes),
        units.size(figures.compact_bytes),
        units.size(figures.fetched_bytes),
        f"{100 * figures.share_saved:.1f} %",
    ]
    note = (
        "Blocks that receivers put together from what they held. At once: nothing was missing, "
        "so no further round trip. Held and prefilled are shares of their transactions."
    )
    return card("Compact blocks", table(heads, [row]), note=note, wide=True, name="compact")


def compression_card(kinds: Sequence[KindCompression]) -> Markup | None:
    """Return what compression came to, by kind of message; None for a run without."""
    if not kinds:
        return None
    heads = [("message", "")]
    heads += [(head, "number") for head in ("copies", "plain", "sent", "of plain")]
    heads += [(head, "number") for head in ("compressing", "decompressing")]
    rows: list[list[Markup | str]] = [
        [
            each.kind,
            units.count(each.messages),
            units.size(each.plain_bytes),
            units.size(each.sent_bytes),
            f"{100 * each.ratio:.1f} %",
            units.seconds(each.compressing_seconds),
            units.seconds(each.decompressing_seconds),
        ]
        for each in kinds
    ]
    note = (
        "Kinds that are long enough, frame headers included. Times are of one core by the "
        "profile: a broadcast is compressed once, and decompressed by each receiver."
    )
    return card("Compression", table(heads, rows), note=note, wide=True, name="compression")
