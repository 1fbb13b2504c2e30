"""Where each value of a TOML text came from: a line of its file, or whatever changed it later."""

import re
import tomllib

from node.settings.lines import KeyLines
from node.settings.mistakes import Mistake, Path, SettingsError, dotted

INTEGER_DIGITS_MAX = 4_300
"""Python's own limit."""
POSITION = re.compile(r"\s*\(at line (\d+), column (\d+)\)$")


def read_toml(text: str, file: str) -> dict[str, object]:
    """Return what a TOML text says.

    Args:
        text: to be read.
        file: what messages call it.

    Raises:
        SettingsError: it is no TOML; with the line.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        position = POSITION.search(message)
        place = f"{file}:{position.group(1)}" if position else file
        found = POSITION.sub("", message)
        raise SettingsError([Mistake(place, "", "valid TOML", found)]) from error
    except (ValueError, RecursionError) as error:
        expected = f"numbers of at most {INTEGER_DIGITS_MAX} digits, and lists of few levels"
        raise SettingsError([Mistake(file, "", expected, "more")]) from error


class Places:
    """The places of the values of one text.

    Args:
        text: TOML that can be read.
        file: what messages call it.
    """

    def __init__(self, text: str, file: str) -> None:
        self._lines = KeyLines(text)
        self._file = file
        self._overrides: list[tuple[Path, str]] = []

    def override(self, path: Path, place: str) -> None:
        """Note that a value is from elsewhere: a flag, a variable."""
        self._overrides.append((path, place))

    def mistake(self, path: Path, expected: str, found: str, nearest: str | None = None) -> Mistake:
        """Return a mistake at the place of its value."""
        return Mistake(self.find(path), dotted(path), expected, found, nearest)

    def sorted(self, mistakes: list[Mistake]) -> list[Mistake]:
        """Return mistakes in file order, those of overrides last."""
        return sorted(mistakes, key=lambda mistake: self._line(mistake.place))

    def find(self, path: Path) -> str:
        """Return the place of a value: its line, or what gave it instead of the file."""
        for changed, place in reversed(self._overrides):
            if changed == path[: len(changed)] or path == changed[: len(path)]:
                return place
        line = self._lines.find(path)
        return self._file if line is None else f"{self._file}:{line}"

    def _line(self, place: str) -> int:
        if any(place == other for _, other in self._overrides):
            return 1 << 62
        number = place.rpartition(":")[2]
        return int(number) if number.isdecimal() else 0
