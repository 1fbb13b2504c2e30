"""Quantities as people write them: "250ms", "1MiB", "10Mbit", "1.5 ether".

All are exact: a number that is not a whole count of the base unit is refused, not rounded.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

from primitives.errors import InvalidInput
from primitives.ids import Duration, Wei

DURATION_UNITS: Mapping[str, int] = MappingProxyType(
    {
        "ns": 1,
        "us": 1_000,
        "ms": 1_000_000,
        "s": 1_000_000_000,
        "min": 60_000_000_000,
        "h": 3_600_000_000_000,
    }
)
"""Nanoseconds in each."""

BYTE_UNITS: Mapping[str, int] = MappingProxyType(
    {
        "B": 1,
        "kB": 10**3,
        "KiB": 2**10,
        "MB": 10**6,
        "MiB": 2**20,
        "GB": 10**9,
        "GiB": 2**30,
    }
)
"""Bytes in each."""

BANDWIDTH_UNITS: Mapping[str, int] = MappingProxyType(
    {"bit": 1, "kbit": 10**3, "Mbit": 10**6, "Gbit": 10**9}
)
"""Bits a second in each."""

AMOUNT_UNITS: Mapping[str, int] = MappingProxyType({"wei": 1, "gwei": 10**9, "ether": 10**18})
"""Wei in each."""

_QUANTITY = re.compile(r"(\d{1,80}(?:\.\d{1,80})?) ?([A-Za-z]+)", re.ASCII)


def parse_duration(text: str) -> Duration:
    """Return nanoseconds for text like "250ms" or "1.5 s".

    Raises:
        InvalidInput: another form, an unknown unit, or a fraction of a nanosecond.
    """
    return Duration(_parse(text, "duration", DURATION_UNITS, "250ms"))


def parse_bytes(text: str) -> int:
    """Return bytes for text like "1MiB" or "200 kB".

    Raises:
        InvalidInput: another form, an unknown unit, or a fraction of a byte.
    """
    return _parse(text, "size", BYTE_UNITS, "1MiB")


def parse_bandwidth(text: str) -> int:
    """Return bits a second for text like "10Mbit".

    Raises:
        InvalidInput: another form, an unknown unit, or a fraction of a bit.
    """
    return _parse(text, "bandwidth", BANDWIDTH_UNITS, "10Mbit")


def parse_amount(text: str) -> Wei:
    """Return wei for text like "1.5 ether", "30 gwei" or "7 wei".

    Raises:
        InvalidInput: another form, an unknown unit, or a fraction of a wei.
    """
    return Wei(_parse(text, "amount", AMOUNT_UNITS, "1.5 ether"))


def format_duration(duration: int) -> str:
    """Return the text of a duration in nanoseconds, exactly: "250ms"."""
    return _format(duration, DURATION_UNITS)


def format_bytes(size: int) -> str:
    """Return the text of a number of bytes, exactly: "1MiB", "200kB"."""
    return _format(size, BYTE_UNITS)


def format_bandwidth(bits_per_second: int) -> str:
    """Return the text of a bandwidth, exactly: "10Mbit"."""
    return _format(bits_per_second, BANDWIDTH_UNITS)


def format_amount(amount: int) -> str:
    """Return the text of an amount in wei, exactly: "30 gwei"."""
    return _format(amount, AMOUNT_UNITS, " ")


def _parse(text: str, what: str, units: Mapping[str, int], example: str) -> int:
    accepted = f'a number and one of {", ".join(units)}, as in "{example}"'
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in units:
        raise InvalidInput(what, accepted, repr(text[:60]))
    count = Fraction(match[1]) * units[match[2]]
    if count.denominator != 1:
        raise InvalidInput(what, f"a whole number of {next(iter(units))}", repr(text[:100]))
    return count.numerator


def _format(value: int, units: Mapping[str, int], gap: str = "") -> str:
    """Use the largest unit that `value` is a whole multiple of."""
    best = next(iter(units))
    for name, size in units.items():
        if value and value % size == 0 and size > units[best]:
            best = name
    return f"{value // units[best]}{gap}{best}"
