"""What is wrong with a text, said so that its author can mend it without the manual."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import msgspec

from primitives.errors import InvalidInput

Path = tuple[str | int, ...]
"""Where a value stands: table names, keys and list positions, outermost first."""

SHOWN_LENGTH = 60
"""A found value longer than this is shortened in messages (characters)."""


LONG_BITS = 1_024
"""A whole number of so many bits is written in hexadecimal, whose beginning says enough."""


class Mistake(msgspec.Struct, frozen=True):
    """One thing wrong with one value."""

    place: str
    """Where the text came from: "scenarios/x.toml:12", or the flag or variable that gave it."""
    key: str
    """Dotted path: "network.classes[0].cores"; empty when the file itself cannot be read."""
    expected: str
    """The rule, in words the author can act on."""
    actual: str
    """What was found."""
    nearest: str | None = None
    """The valid name that looks most like the one found."""

    def __str__(self) -> str:
        key = f" {self.key}:" if self.key else ""
        hint = f'; did you mean "{self.nearest}"?' if self.nearest else ""
        return f"{self.place}:{key} expected {self.expected}, got {self.actual}{hint}"


class SettingsError(InvalidInput):
    """A text that says something impossible. Carries every mistake that was found, in order."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        first = mistakes[0]
        super().__init__(f"{first.place}: {first.key}", first.expected, first.actual)
        self.mistakes = tuple(mistakes)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.mistakes,)

    def __str__(self) -> str:
        return "\n".join(str(mistake) for mistake in self.mistakes)


def dotted(path: Path) -> str:
    """Write a path as its author would: `events[0].at`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def shown(value: object) -> str:
    """Write a found value as TOML would, shortened when long."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, dict):
        text = f"a table with the keys {listed(value)}" if value else "an empty table"
    elif isinstance(value, int):
        # Python writes out no more than 4,300 digits of one.
        text = str(value) if value.bit_length() < LONG_BITS else hex(value)
    else:
        text = str(value)
    return text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 3] + "..."


def listed(names: Iterable[object]) -> str:
    """Join names with commas; "none" when there are none."""
    return ", ".join(str(name) for name in names) or "none"


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """Return the valid name closest to a misspelt one, or None when nothing is close."""
    by_lower = {valid.lower(): valid for valid in names}
    matches = get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None
