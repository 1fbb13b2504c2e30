"""The figures of a store as Prometheus reads them: families `storage_*` without timestamps.

Reference: OpenMetrics 1.0.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from node.observe.families import Family, storage
from node.upkeep.rows import TableRows
from sim.report.openmetrics import escape, format_labels
from storage.rocks.shape import LevelShape

Samples = Iterable[tuple[tuple[str, ...], float]]
"""Values of a family's labels, and its number."""


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
    store = (stats.path,)
    lines = [
        *_family(storage.ROWS, [((*store, each.table), each.rows) for each in stats.tables]),
        *_family(
            storage.ROW_BYTES,
            [((*store, each.table), each.key_bytes + each.value_bytes) for each in stats.tables],
        ),
        *_family(storage.LEVEL_FILES, _by_level(stats, "files")),
        *_family(storage.LEVEL_ENTRIES, _by_level(stats, "rows")),
        *_family(storage.LEVEL_DELETIONS, _by_level(stats, "deletions")),
        *_family(storage.LEVEL_BYTES, _by_level(stats, "bytes")),
        *_family(
            storage.FILES_BYTES,
            [
                ((*store, "table"), stats.table_file_bytes),
                ((*store, "log"), stats.log_bytes),
                ((*store, "archive"), stats.archive_bytes),
            ],
        ),
    ]
    if stats.write_amplification is not None:
        lines += _family(storage.WRITE_AMPLIFICATION, [(store, stats.write_amplification)])
    return "\n".join([*lines, "# EOF"]) + "\n"


def _by_level(stats: Figures, figure: str) -> list[tuple[tuple[str, ...], float]]:
    return [
        ((stats.path, each.family, str(each.level)), getattr(each, figure)) for each in stats.levels
    ]


def _family(family: Family, samples: Samples) -> Iterator[str]:
    found = list(samples)
    if not found:
        return
    yield f"# TYPE {family.name} {family.kind}"
    if family.unit:
        yield f"# UNIT {family.name} {family.unit}"
    yield f"# HELP {family.name} {escape(family.meaning)}"
    for texts, value in found:
        labels = tuple(zip(family.labels, texts, strict=True))
        yield f"{family.sample}{format_labels(labels)} {value}"
