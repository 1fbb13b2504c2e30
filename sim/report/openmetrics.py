"""OpenMetrics text: the exposition format, without any knowledge of blockchains.

The rules kept here: all samples of a family stand together under its TYPE, UNIT and HELP; all
samples of one label set stand together, timestamps ascending; a counter's sample ends in `_total`;
the text ends in `# EOF`. `promtool tsdb create-blocks-from openmetrics` wants exactly that, and a
timestamp on each sample.

Reference: OpenMetrics 1.0.0 (github.com/prometheus/OpenMetrics, specification/OpenMetrics.md).
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, TextIO

Labels = tuple[tuple[str, str], ...]
Number = int | float


class Described(Protocol):
    """What a family is called and means; `node.observe.families.Family`."""

    @property
    def name(self) -> str:
        """A counter's without `_total`."""
        ...

    @property
    def kind(self) -> str:
        """Return "counter", "gauge" or "histogram"."""
        ...

    @property
    def meaning(self) -> str:
        """One sentence."""
        ...

    @property
    def unit(self) -> str:
        """What the name ends in, or nothing."""
        ...


class OpenMetricsWriter:
    """Writes families of samples at a common row of timestamps."""

    def __init__(self, out: TextIO, timestamps_ns: Sequence[int]) -> None:
        self._out = out
        self._stamps = [format_timestamp(at_ns) for at_ns in timestamps_ns]
        self._families: dict[str, None] = {}

    def family(self, name: str, kind: str, meaning: str, unit: str = "") -> None:
        """Open a family. `kind`: "counter", "gauge", "histogram"; `unit` must end the name.

        A counter's name is given without `_total`.
        """
        assert name not in self._families, f"family {name} opened twice"
        assert not unit or name.endswith("_" + unit), f"{name} must end in its unit {unit}"
        self._families[name] = None
        self._out.write(f"# TYPE {name} {kind}\n")
        if unit:
            self._out.write(f"# UNIT {name} {unit}\n")
        self._out.write(f"# HELP {name} {escape(meaning)}\n")

    def open(self, family: Described) -> None:
        """Open a family that somebody else has described."""
        self.family(family.name, family.kind, family.meaning, family.unit)

    def series(self, name: str, labels: Labels, values: Iterable[Number]) -> None:
        """Write one series: a value for each timestamp. `name` carries `_total` for a counter."""
        head = name + format_labels(labels) + " "
        self._out.write(
            "".join(
                f"{head}{format_value(value)} {stamp}\n"
                for value, stamp in zip(values, self._stamps, strict=True)
            )
        )

    def histogram(
        self,
        name: str,
        labels: Labels,
        ends: Sequence[str],
        cumulative: Sequence[Sequence[int]],
        sums: Sequence[float],
    ) -> None:
        """Write one histogram series.

        Args:
            ends: `le` of each bucket, ascending, "+Inf" last.
            cumulative: for each timestamp the counts up to each end.
            sums: for each timestamp the sum of all values.
        """
        heads = [f"{name}_bucket{format_labels((*labels, ('le', end)))} " for end in ends]
        tail = format_labels(labels)
        rows = []
        for stamp, counts, total in zip(self._stamps, cumulative, sums, strict=True):
            for head, count in zip(heads, counts, strict=True):
                rows.append(f"{head}{count} {stamp}\n")
            rows.append(f"{name}_count{tail} {counts[-1]} {stamp}\n")
            rows.append(f"{name}_sum{tail} {format_value(total)} {stamp}\n")
        self._out.write("".join(rows))

    def end(self) -> None:
        """Write the end marker."""
        self._out.write("# EOF\n")


def escape(text: str) -> str:
    """Return `text` as it may stand in a label value or a HELP line."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def format_labels(labels: Labels) -> str:
    """Return `{a="x",b="y"}`, or nothing without labels."""
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{escape(value)}"' for name, value in labels) + "}"


def format_timestamp(at_ns: int) -> str:
    """Return seconds with millisecond precision, which is what Prometheus stores."""
    seconds, rest = divmod(at_ns, 1_000_000_000)
    return f"{seconds}.{rest // 1_000_000:03d}" if rest >= 1_000_000 else str(seconds)


def format_value(value: Number) -> str:
    """Return the shortest text that reads back as the same number."""
    if isinstance(value, int):
        return str(value)
    return repr(float(value))
