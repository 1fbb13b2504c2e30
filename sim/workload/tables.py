"""Decode a `[workload]` table, and name the key of a mistake in it.

The table of a workload from another package is judged by its factory, with no more than the
Struct that it decodes into. Its author should learn as much as from a built-in one: which key,
what was expected there, and which name was probably meant.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec
from msgspec import inspect as types

from primitives.errors import InvalidInput

Table = TypeVar("Table")

PART = re.compile(r"\.([^.\[\]`]+)|\[(\d+|\.\.\.)\]")
"""One step of a path such as `$.shape.pools[0]`; msgspec does not say which key of a mapping."""
NAMED = re.compile(r"Object (contains unknown|missing required) field `(.*)`$")
MISSING = object()
SHOWN_LENGTH = 60
"""A found value longer than this is shortened in messages (characters)."""


def decode_table(kind: type[Table], options: Mapping[str, object]) -> Table:
    """Decode a `[workload]` table into a Struct.

    Raises:
        InvalidInput: says which key is unknown, missing or of another type, and what was
            expected there.
    """
    try:
        return msgspec.convert(options, kind)
    except msgspec.ValidationError as error:
        raise _mistake(kind, options, str(error)) from error


def _mistake(kind: type, options: Mapping[str, object], message: str) -> InvalidInput:
    message, _, place = message.partition(" - at ")
    path = [name or index for name, index in PART.findall(place)]
    where = "".join(["workload", *(match.group() for match in PART.finditer(place))])
    names = NAMED.match(message)
    if names is not None:
        name = names.group(2)
        known = _fields(_follow_types(types.type_info(kind), path))
        if names.group(1) == "missing required":
            expected = _described(known.get(name)) or "a value"
            return InvalidInput(f"{where}.{name}", expected, "nothing: the key is missing")
        close = get_close_matches(name, known, n=1, cutoff=0.6)
        hint = f'; did you mean "{close[0]}"?' if close else ""
        expected = f"one of {', '.join(known) or 'none'}"
        return InvalidInput(f"{where}.{name}", expected, f"an unknown key{hint}")
    rule, _, kind_found = message.removeprefix("Expected ").partition(", got ")
    expected = rule.replace("`", "") if message.startswith("Expected ") else ""
    choices = _described(_follow_types(types.type_info(kind), path))
    found = _follow_values(options, path)
    actual = kind_found.replace("`", "") or message if found is MISSING else _shown(found)
    return InvalidInput(where, choices or expected or "a valid value", actual)


def _follow_types(type_: Any, path: list[str]) -> Any:
    """Return the type at `path`, None where it cannot be told."""
    for part in path:
        if part.isdecimal() or part == "...":
            inner = getattr(_plain(type_), "item_type", None)
            type_ = inner or getattr(_plain(type_), "value_type", None)
        else:
            type_ = _fields(type_).get(part)
    return type_


def _fields(type_: Any) -> dict[str, Any]:
    """Return the types of a Struct's fields by name, for dataclasses and typed dicts too."""
    return {field.encode_name: field.type for field in getattr(_plain(type_), "fields", ())}


def _plain(type_: Any) -> Any:
    """Return the type without metadata and without None beside it."""
    if isinstance(type_, types.Metadata):
        return _plain(type_.type)
    if isinstance(type_, types.UnionType):
        others = [each for each in type_.types if not isinstance(each, types.NoneType)]
        return _plain(others[0]) if len(others) == 1 else None
    return type_


def _described(type_: Any) -> str:
    """Say what a type accepts where that is a choice or one plain thing; else nothing."""
    plain = _plain(type_)
    if isinstance(plain, types.LiteralType):
        return f"one of {', '.join(_shown(value) for value in plain.values)}"
    words: dict[type, str] = {
        types.IntType: "a whole number",
        types.FloatType: "a number",
        types.StrType: "text in quotes",
        types.BoolType: "true or false",
    }
    bounds = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern", "multiple_of")
    is_bounded = any(getattr(plain, bound, None) is not None for bound in bounds)
    return "" if is_bounded else words.get(type(plain), "")


def _follow_values(value: Any, path: list[str]) -> object:
    for part in path:
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list | tuple) and part.isdecimal():
            value = value[int(part)]
        else:
            return MISSING
    return value


def _shown(value: object) -> str:
    """Write a found value as TOML would, shortened when long."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 3] + "..."
