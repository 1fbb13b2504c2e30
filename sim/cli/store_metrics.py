"""The figures of a store as Prometheus reads them: families `storage_*` without timestamps.

Reference: OpenMetrics 1.0.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from node.upkeep.rows import TableRows
from storage.rocks.shape import LevelShape

Labels = tuple[tuple[str, str], ...]
Samples = Iterable[tuple[Labels, float]]


class Figures(Protocol):
    """What is shown of a store; `sim.cli.store_stats.Stats`."""

    @property
    def path(self) -> str:
        """Its directory."""
        ...

    @property
    def tables(self) -> tuple[TableRows, ...]:
        """Rows by table."""
        ...

    @property
    def levels(self) -> tuple[LevelShape, ...]:
        """Tables by family and level."""
        ...

    @property
    def table_file_bytes(self) -> int:
        """Bytes of table files."""
        ...

    @property
    def log_bytes(self) -> int:
        """Bytes of write-ahead logs."""
        ...

    @property
    def archive_bytes(self) -> int:
        """Bytes of archive files."""
        ...

    @property
    def write_amplification(self) -> float | None:
        """Bytes on the disk for each byte of rows."""
        ...


def openmetrics(stats: Figures) -> str:
    """Return the exposition of a store's figures."""
    store: Labels = (("store", stats.path),)
    lines = [
        *_family(
            "storage_rows",
            "Rows in a table.",
            [((*store, ("table", each.table)), each.rows) for each in stats.tables],
        ),
        *_family(
            "storage_row_bytes",
            "Bytes of keys and values in a table.",
            [
                ((*store, ("table", each.table)), each.key_bytes + each.value_bytes)
                for each in stats.tables
            ],
        ),
        *_family("storage_level_files", "Table files in a level.", _by_level(stats, "files")),
        *_family("storage_level_entries", "Entries in a level.", _by_level(stats, "rows")),
        *_family(
            "storage_level_deletions",
            "Entries in a level that delete a row.",
            _by_level(stats, "deletions"),
        ),
        *_family("storage_level_bytes", "Bytes of blocks in a level.", _by_level(stats, "bytes")),
        *_family(
            "storage_files_bytes",
            "Bytes of files, by what they are.",
            [
                ((*store, ("kind", "table")), stats.table_file_bytes),
                ((*store, ("kind", "log")), stats.log_bytes),
                ((*store, ("kind", "archive")), stats.archive_bytes),
            ],
        ),
    ]
    if stats.write_amplification is not None:
        lines += _family(
            "storage_write_amplification",
            "Bytes on the disk for each byte of rows, since the store was opened last.",
            [(store, stats.write_amplification)],
        )
    return "\n".join([*lines, "# EOF"]) + "\n"


def _by_level(stats: Figures, figure: str) -> list[tuple[Labels, float]]:
    return [
        (
            (("store", stats.path), ("family", each.family), ("level", str(each.level))),
            getattr(each, figure),
        )
        for each in stats.levels
    ]


def _family(name: str, meaning: str, samples: Samples) -> Iterator[str]:
    found = list(samples)
    if not found:
        return
    yield f"# TYPE {name} gauge"
    if name.endswith("_bytes"):
        yield f"# UNIT {name} bytes"
    yield f"# HELP {name} {meaning}"
    for labels, value in found:
        shown = ",".join([f'{key}="{_escaped(text)}"' for key, text in labels])
        yield f"{name}{{{shown}}} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
