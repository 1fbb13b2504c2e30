"""Write a scenario as TOML that decodes to the same scenario.

A run's directory keeps the resolved scenario: every default spelt out, every override applied,
so that the run can be understood and repeated without the file it came from.
"""

import json
from collections.abc import Iterator
from typing import Any

from msgspec import inspect as types

from sim.scenario.quantities import QUANTITIES, UNIT
from sim.scenario.scenario import Scenario
from sim.scenario.workload import spelt_out


def format_scenario(scenario: Scenario) -> str:
    """Return the scenario as TOML text, sections in the order of its fields."""
    table = _plain(scenario, types.type_info(Scenario))
    assert isinstance(table, dict)
    workload = table["workload"]
    assert isinstance(workload, dict)
    table["workload"] = spelt_out(workload)
    return "\n".join(_sections(table, "")).lstrip("\n") + "\n"


def _plain(value: object, type_: types.Type) -> object:
    """Turn Structs into tables and quantities into text; leave None out."""
    match type_:
        case types.Metadata(extra=extra) if extra is not None:
            assert isinstance(value, int)
            return QUANTITIES[extra[UNIT]].format(value)
        case types.UnionType():
            return _plain(value, _member(value, type_))
        case types.StructType():
            return _plain_struct(value, type_)
        case types.VarTupleType():
            assert isinstance(value, tuple)
            return [_plain(item, type_.item_type) for item in value]
        case _:
            return value


def _plain_struct(value: object, type_: types.StructType) -> dict[str, object]:
    table: dict[str, object] = {}
    if type_.tag_field is not None:
        table[type_.tag_field] = type_.tag
    for field in type_.fields:
        item = getattr(value, field.name)
        if item is not None:
            table[field.encode_name] = _plain(item, field.type)
    return table


def _member(value: object, union: types.UnionType) -> types.Type:
    """Return the member of a union that `value` belongs to."""
    return next(member for member in union.types if _belongs(value, member))


def _belongs(value: object, member: types.Type) -> bool:
    match member:
        case types.StructType():
            return type(value) is member.cls
        case types.Metadata() | types.IntType():
            return isinstance(value, int)
        case types.FloatType():
            return isinstance(value, float)
        case types.VarTupleType():
            return isinstance(value, tuple)
        case types.DictType():
            return isinstance(value, dict)
        case types.LiteralType() | types.StrType():
            return isinstance(value, str)
        case _:
            return False


def _sections(table: dict[str, object], prefix: str) -> Iterator[str]:
    """Yield the lines of a table: its own values first, then the tables inside."""
    inner: list[tuple[str, object]] = []
    for key, value in table.items():
        if isinstance(value, dict) or _is_table_list(value):
            inner.append((key, value))
        else:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in inner:
        name = f"{prefix}{_key(key)}"
        tables: list[Any] = value if isinstance(value, list) else [value]
        opening, closing = ("[[", "]]") if isinstance(value, list) else ("[", "]")
        for item in tables:
            yield f"\n{opening}{name}{closing}"
            yield from _sections(item, f"{name}.")


def _is_table_list(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _key(key: str) -> str:
    bare = key.replace("-", "").replace("_", "")
    return key if bare.isascii() and bare.isalnum() else _text(key)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case list() | tuple():
            return "[" + ", ".join(_value(item) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + "}"
        case _:
            return str(value)


def _text(text: str) -> str:
    """Quote text. JSON's escapes are TOML's, save DEL, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
