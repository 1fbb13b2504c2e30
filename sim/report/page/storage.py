"""What the nodes made durable, and how much there was of it as the chain grew."""

from sim.report.page import units
from sim.report.page.cards import card, table
from sim.report.page.markup import Markup
from sim.report.storage import StorageFigures

MARKS_SHOWN = 12


def storage_card(storage: StorageFigures | None) -> Markup | None:
    """Return the tables; None for a run in which nothing was made durable."""
    if storage is None:
        return None
    figures: list[list[Markup | str]] = [
        ["batches, each synced", units.count(storage.batches)],
        ["bytes in them", units.size(storage.written_bytes)],
        ["from handover to durable, mean", units.seconds(storage.sync_seconds_mean)],
        ["the longest", units.seconds(storage.sync_seconds_max)],
        ["rows at the end", units.count(storage.rows)],
        ["bytes of them", units.size(storage.row_bytes)],
    ]
    if storage.files is not None:
        written = units.significant(storage.files.write_amplification)
        figures += [
            ["bytes of files", units.size(storage.files.file_bytes)],
            ["bytes written for each byte of a batch", written],
        ]
    return card(
        f"Storage: {storage.engine}, {storage.state}" if storage.engine else "Storage",
        table([("all nodes together", ""), ("", "number")], figures),
        _marks(storage),
        note="Batches and times are virtual. Files, their bytes and memory are those of the "
        "machine that ran this, and differ from run to run.",
        wide=True,
        name="storage",
    )


def _marks(storage: StorageFigures) -> Markup | None:
    """Return some of the marks, the last among them."""
    if not storage.marks:
        return None
    step = -(-len(storage.marks) // MARKS_SHOWN)
    heads = [("virtual time", "number"), ("height", "number")]
    heads += [("bytes of files", "number"), ("memory of the process", "number")]
    rows: list[list[Markup | str]] = [
        [
            units.seconds(mark.at_seconds),
            units.count(mark.height),
            units.size(mark.file_bytes) if mark.file_bytes else "none",
            units.size(mark.process_bytes),
        ]
        for mark in storage.marks[::-1][::step][::-1]
    ]
    return table(heads, rows)
