"""Change one value of a decoded TOML table, as the command line or the environment says.

A change is made to the raw table before anything is checked, so it is judged exactly like the
file. The value is read as TOML; what is not TOML is taken as text, so that durations need no
quotes inside the shell's own.
"""

import re
import tomllib
from typing import Any

from node.settings.mistakes import Mistake, Path, SettingsError, dotted, shown

PART = re.compile(r"\s*([A-Za-z0-9_-]+)((?:\[\d+\])*)\s*")


def parse_override(text: str) -> tuple[Path, object]:
    """Split `key.path=value` into its path and its raw value.

    Raises:
        SettingsError: it is not of that form.
    """
    key, equals, value = text.partition("=")
    path = parse_path(key)
    if not equals or not path:
        place = f"--set {text}"
        raise SettingsError(
            [Mistake(place, "", 'KEY=VALUE such as "consensus.batch_size=500"', shown(text))]
        )
    return path, parse_value(value.strip())


def apply_override(table: dict[str, object], text: str) -> Path:
    """Change `table` in place as `--set KEY=VALUE` says, and return the path that changed.

    Raises:
        SettingsError: it is not of that form, or `set_value` refuses it.
    """
    path, value = parse_override(text)
    set_value(table, path, value, f"--set {text}")
    return path


def set_value(table: dict[str, object], path: Path, value: object, place: str) -> None:
    """Change one value of `table` in place.

    Missing tables on the way are made; whether their keys exist is the decoder's question.

    Args:
        table: as a TOML text gives it.
        path: of the value; not empty.
        value: as a TOML text would give it.
        place: where the value is from, for errors.

    Raises:
        SettingsError: the path leads through something that is not a table or a list.
    """
    holder: Any = table
    for depth, part in enumerate(path):
        if not _reaches(holder, part):
            raise _no_such_place(place, path[: depth + 1], holder)
        if depth == len(path) - 1:
            holder[part] = value
        elif isinstance(holder, dict):
            holder = holder.setdefault(part, {})
        else:
            holder = holder[part]


def _reaches(holder: object, part: str | int) -> bool:
    if isinstance(part, int):
        return isinstance(holder, list) and part < len(holder)
    return isinstance(holder, dict)


def parse_path(key: str) -> Path:
    """Split `events[0].at` into its parts; return no parts when it is no such path."""
    path: list[str | int] = []
    for part in key.split("."):
        match = PART.fullmatch(part)
        if match is None:
            return ()
        name, indexes = match.groups()
        path.append(int(name) if name.isdecimal() else name)
        path.extend(int(index) for index in re.findall(r"\d+", indexes))
    return tuple(path)


def parse_value(text: str) -> object:
    """Read a value as TOML, or as the text that it is."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError, KeyError):
        return text  # also where it is TOML that is too long for a reader


def _no_such_place(place: str, path: Path, holder: object) -> SettingsError:
    expected, found = "a table or a list to change", f"nothing at {dotted(path)}"
    if isinstance(path[-1], int):
        name = dotted(path[:-1])
        if isinstance(holder, list) and holder:
            expected = f"a position from 0 to {len(holder) - 1}"
        elif not holder:
            expected = f"an entry that {name} has"
            found = f"no such entry: the list {name} is empty"
        else:
            expected, found = f"{name} to be a list", shown(holder)
    return SettingsError([Mistake(place, dotted(path), expected, found)])
