"""`--set consensus.batch_size=500`: change one value of a scenario from the command line.

An override changes the raw table before anything is decoded, so it is judged exactly like the
file. The value is read as TOML; what is not TOML is taken as text, so that durations need no
quotes inside the shell's own.
"""

import re
import tomllib
from typing import Any

from sim.scenario.errors import Mistake, Path, ScenarioError, dotted, shown

PART = re.compile(r"\s*([A-Za-z0-9_-]+)((?:\[\d+\])*)\s*")


def parse_override(text: str) -> tuple[Path, object]:
    """Split `key.path=value` into its path and its raw value.

    Raises:
        ScenarioError: it is not of that form.
    """
    key, equals, value = text.partition("=")
    path = parse_path(key)
    if not equals or not path:
        place = f"--set {text}"
        raise ScenarioError(
            [Mistake(place, "", 'KEY=VALUE such as "consensus.batch_size=500"', shown(text))]
        )
    return path, _value(value.strip())


def apply_override(table: dict[str, object], text: str) -> Path:
    """Change `table` in place and return the path that changed.

    Missing tables on the way are made; whether their keys exist is the decoder's question.

    Raises:
        ScenarioError: the path leads through something that is not a table or a list.
    """
    path, value = parse_override(text)
    holder: Any = table
    for depth, part in enumerate(path):
        if not _reaches(holder, part):
            raise _no_such_place(text, path[: depth + 1], holder)
        if depth == len(path) - 1:
            holder[part] = value
        elif isinstance(holder, dict):
            holder = holder.setdefault(part, {})
        else:
            holder = holder[part]
    return path


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


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text


def _no_such_place(text: str, path: Path, holder: object) -> ScenarioError:
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
    return ScenarioError([Mistake(f"--set {text}", dotted(path), expected, found)])
