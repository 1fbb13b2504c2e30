"""Numbers as an engineer reads them: three significant digits, a unit, thin steps."""

DASH = "\u2013"
"""Stands between the ends of a range, and for a value that does not exist."""

_SI = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def significant(value: float, digits: int = 3) -> str:
    """Return `value` with about `digits` significant digits and no exponent: 1,240 or 0.0123."""
    if value == 0:
        return "0"
    magnitude = abs(value)
    if magnitude >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    places = 0
    while magnitude < 10 ** (digits - 1) and places < 9:
        magnitude *= 10
        places += 1
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(value: int) -> str:
    """Return an integer with thousands separators."""
    return f"{value:,}"


def compact(value: float) -> str:
    """Return a short form for axes and tiles: 950, 1.2k, 34M."""
    for size, letter in _SI:
        if abs(value) >= size:
            return significant(value / size) + letter
    return significant(value)


def seconds(value: float | None) -> str:
    """Return a span: "312 ms", "1.24 s", "2 min 5 s", "1 h 20 min"; a dash for None."""
    if value is None:
        return DASH
    if value == 0:
        return "0 s"
    if abs(value) < 0.001:
        return significant(value * 1e6) + " µs"
    if abs(value) < 1:
        return significant(value * 1e3) + " ms"
    if abs(value) < 120:
        return significant(value) + " s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 120:
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h" + (f" {minutes} min" if minutes else "")


def clock(value: float) -> str:
    """Return an instant of the run: "0", "30 s", "2:30", "1:02:30"."""
    if value == 0:
        return "0"
    return significant(value) + " s" if value < 120 else minutes_clock(value)


def minutes_clock(value: float) -> str:
    """Return an instant in minutes, for an axis that is long as a whole: "0:30", "1:02:30"."""
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def size(value: float) -> str:
    """Return bytes in decimal units: "320 B", "1.24 MB"."""
    for unit, letter in _SI:
        if abs(value) >= unit:
            return f"{significant(value / unit)} {letter}B"
    return significant(value) + " B"


def rate(value: float) -> str:
    """Return transactions a second."""
    return significant(value) + " tx/s"


def percent(share: float) -> str:
    """Return a share of 1 as percent."""
    return significant(share * 100) + " %"


def measure(value: float, unit: str) -> str:
    """Return `value` in the unit that an `Interval` names."""
    match unit:
        case "s":
            return seconds(value)
        case "tx/s":
            return rate(value)
        case "B":
            return size(value)
        case _:
            return significant(value) + (f" {unit}" if unit else "")


def index_ranges(indexes: list[int]) -> str:
    """Return node numbers compactly: [0, 1, 2, 5] gives "0-2, 5" (with an en dash)."""
    parts: list[str] = []
    start = last = -2
    for index in sorted(indexes):
        if index != last + 1:
            if last >= 0:
                parts.append(str(start) if start == last else f"{start}{DASH}{last}")
            start = index
        last = index
    if last >= 0:
        parts.append(str(start) if start == last else f"{start}{DASH}{last}")
    return ", ".join(parts)
