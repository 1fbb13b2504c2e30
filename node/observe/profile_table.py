"""The profiler's table, as text and as plain data."""

from collections.abc import Sequence

import msgspec

from node.observe.profiler import Operation

_HEADS = ("operation", "calls", "errors", "total", "mean", "min", "max", "peak memory")
_TIMES = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"))
_SIZES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


class ProfileRow(msgspec.Struct, frozen=True):
    """What the calls of one operation came to."""

    operation: str
    calls: int
    errors: int
    """Calls among them that ended in an exception."""
    total_ns: int
    mean_ns: int
    min_ns: int
    max_ns: int
    peak_bytes: int
    """Most memory that one call held on top; 0 if memory was not asked for."""


class ProfileTable(msgspec.Struct, frozen=True):
    """All operations, the longest in total first."""

    rows: tuple[ProfileRow, ...]
    text: str
    """The same to look at."""


def profile_table(operations: Sequence[Operation]) -> ProfileTable:
    """Return what was timed, in the order of `operations`."""
    return ProfileTable(tuple(rows(operations)), table(operations))


def rows(operations: Sequence[Operation]) -> list[ProfileRow]:
    """Return the table's rows, in the order of `operations`."""
    return [
        ProfileRow(
            operation=each.name,
            calls=each.calls,
            errors=each.errors,
            total_ns=each.total_ns,
            mean_ns=each.total_ns // max(1, each.calls),
            min_ns=each.minimum_ns,
            max_ns=each.maximum_ns,
            peak_bytes=each.peak_bytes,
        )
        for each in operations
    ]


def table(operations: Sequence[Operation]) -> str:
    """Return the table as text, a line for each operation; only the heads if there is none."""
    lines = [_HEADS, *(_cells(row) for row in rows(operations))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cells(row: ProfileRow) -> tuple[str, ...]:
    times = (row.total_ns, row.mean_ns, row.min_ns, row.max_ns)
    return (
        row.operation,
        str(row.calls),
        str(row.errors),
        *(_scaled(value, _TIMES, "ns") for value in times),
        _scaled(row.peak_bytes, _SIZES, "B") if row.peak_bytes else "-",
    )


def _scaled(value: int, units: tuple[tuple[int, str], ...], smallest: str) -> str:
    for size, unit in units:
        if value >= size:
            return (
                f"{value / size:.3g} {unit}" if value < 1000 * size else f"{value // size} {unit}"
            )
    return f"{value} {smallest}"
