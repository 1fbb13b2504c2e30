"""Durations as Go writes them: "5s", "1.5h", "500ms", "1m30s".

Reference: Go's time.ParseDuration, whose words the refusals have.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from node.rpc.arguments import BadArgument

UNITS_NS: Mapping[str, int] = MappingProxyType(
    {
        "ns": 1,
        "us": 1_000,
        "\N{MICRO SIGN}s": 1_000,
        "\N{GREEK SMALL LETTER MU}s": 1_000,
        "ms": 1_000_000,
        "s": 1_000_000_000,
        "m": 60_000_000_000,
        "h": 3_600_000_000_000,
    }
)
DURATION_NS_MAX = (1 << 63) - 1
"""More than 292 years do not fit."""
_TEXT_MAX = 64
"""Of characters; a longer one is none that anybody means."""
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")


def duration_ns(text: str) -> int:
    """Return a duration in ns.

    Raises:
        BadArgument: it is none.
    """
    shown = '"' + text[:_TEXT_MAX].replace('"', '\\"') + '"'
    sign, rest = (text[:1], text[1:]) if text[:1] in ("+", "-") else ("", text)
    if rest == "0":
        return 0
    if not rest or len(text) > _TEXT_MAX:
        raise BadArgument(f"time: invalid duration {shown}")
    total, place = 0, 0
    while place < len(rest):
        part = _PART.match(rest, place)
        assert part is not None, "all of it may be missing"
        whole, fraction, unit = part[1], part[2] or "", part[3]
        if not whole and not fraction:
            raise BadArgument(f"time: invalid duration {shown}")
        if not unit:
            raise BadArgument(f"time: missing unit in duration {shown}")
        if unit not in UNITS_NS:
            raise BadArgument(f'time: unknown unit "{unit}" in duration {shown}')
        parts = int(whole + fraction) * UNITS_NS[unit]
        total += parts // 10 ** len(fraction)
        place = part.end()
    if total > DURATION_NS_MAX:
        raise BadArgument(f"time: invalid duration {shown}")
    return -total if sign == "-" else total
