"""Quantities of a scenario file: text with a unit in the file, an integer after decoding.

A field's annotation names its unit, and that one word drives decoding, checking and writing
back. Plain numbers are refused where a unit belongs: `latency = 5` is how a network of five
nanoseconds gets simulated by accident.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from primitives.ids import Duration, Wei
from primitives.units import (
    AMOUNT_UNITS,
    BANDWIDTH_UNITS,
    BYTE_UNITS,
    DURATION_UNITS,
    format_amount,
    format_bandwidth,
    format_bytes,
    format_duration,
    parse_amount,
    parse_bandwidth,
    parse_bytes,
    parse_duration,
)

UNIT = "unit"
"""Key under which an annotation names its unit."""

SPAN_MAX = 10_000 * 3_600_000_000_000
"""More than a year, in ns: sums of a few of these still fit 64 bits, as traces and links need."""

Span = Annotated[Duration, Meta(ge=0, le=SPAN_MAX, extra={UNIT: "duration"})]
"""Nanoseconds, zero allowed."""

PositiveSpan = Annotated[Duration, Meta(gt=0, le=SPAN_MAX, extra={UNIT: "duration"})]
"""Nanoseconds, more than zero."""

ByteCount = Annotated[int, Meta(gt=0, extra={UNIT: "bytes"})]
"""Bytes, at least one."""

BitsPerSecond = Annotated[int, Meta(gt=0, extra={UNIT: "bandwidth"})]
"""Bits a second, at least one."""

Amount = Annotated[Wei, Meta(ge=0, extra={UNIT: "amount"})]
"""Wei, zero allowed."""

Share = Annotated[float, Meta(ge=0, le=1)]
"""A part of a whole, 0 to 1."""

Count = Annotated[int, Meta(ge=0)]
"""A whole number, zero allowed."""

PositiveCount = Annotated[int, Meta(ge=1)]
"""A whole number, at least one."""

PositiveNumber = Annotated[float, Meta(gt=0)]
"""A number above zero."""


Kept = Literal["archive"] | Annotated[int, Meta(ge=0, le=2**31 - 1)]
"""Blocks that are kept, or all of them."""

FileName = Annotated[str, Meta(min_length=1)]
"""A file or a directory, relative to that of the file which names it."""

Port = Annotated[int, Meta(ge=0, le=65_535)]
"""A TCP port; where one listens, 0 takes a free one."""

Host = Annotated[str, Meta(min_length=1)]
"""A name or an address of a machine."""


class Quantity(msgspec.Struct, frozen=True):
    """How one unit is read, written and explained."""

    noun: str
    parse: Callable[[str], int]
    format: Callable[[int], str]
    units: tuple[str, ...]
    example: str

    @property
    def expected(self) -> str:
        """Say what text is accepted."""
        return f'{self.noun} in quotes ({", ".join(self.units)}), as in "{self.example}"'


QUANTITIES = MappingProxyType(
    {
        "duration": Quantity(
            "a duration", parse_duration, format_duration, tuple(DURATION_UNITS), "250ms"
        ),
        "bytes": Quantity("a size", parse_bytes, format_bytes, tuple(BYTE_UNITS), "1MiB"),
        "bandwidth": Quantity(
            "a bandwidth", parse_bandwidth, format_bandwidth, tuple(BANDWIDTH_UNITS), "10Mbit"
        ),
        "amount": Quantity(
            "an amount", parse_amount, format_amount, tuple(AMOUNT_UNITS), "1.5 ether"
        ),
    }
)
"""By the unit that an annotation names."""
