"""Check a decoded TOML table against a Struct, and turn quantities into integers on the way.

`msgspec.convert` stops at its first problem, knows no lines and cannot suggest a name. So a
walk over the type comes first: it collects every mistake with its key, and what it returns
converts without a surprise. The rules themselves stand in one place, the field annotations.
"""

import math
from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, inspect as types

from node.settings.mistakes import Path, listed, nearest_name, shown
from node.settings.quantities import QUANTITIES, UNIT, Quantity
from primitives.errors import InvalidInput

Report = Callable[[Path, str, object, str | None], None]
"""Takes (path, expected, found text, nearest valid name)."""

INTEGER_BITS = 64
"""Bits of a whole number with its sign (TOML 1.0, Integer)."""

BROKEN = object()
"""Stands for a value that has a mistake; it never reaches a Struct."""


class ShapeCheck:
    """One walk. Mistakes go to `report`; the walk goes on behind each of them.

    Args:
        report: called once for each mistake.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._by_type: dict[type, Callable[[object, types.Type, Path], object]] = {
            types.Metadata: self._metadata,
            types.IntType: self._integer,
            types.FloatType: self._number,
            types.StrType: self._text,
            types.BoolType: self._boolean,
            types.LiteralType: self._literal,
            types.VarTupleType: self._array,
            types.DictType: self._mapping,
            types.StructType: self._struct,
            types.UnionType: self._union,
            types.AnyType: lambda value, _type, _path: value,
        }

    def resolve(self, value: object, type_: types.Type, path: Path = ()) -> object:
        """Return `value` with its quantities resolved, or `BROKEN` after reporting why not."""
        return self._by_type[type(type_)](value, type_, path)

    def _wrong(self, path: Path, type_: types.Type, value: object) -> object:
        self._report(path, describe(type_), shown(value), None)
        return BROKEN

    def _metadata(self, value: object, type_: types.Type, path: Path) -> object:
        assert isinstance(type_, types.Metadata)
        if not isinstance(value, str):
            return self._wrong(path, type_, value)
        quantity = QUANTITIES[(type_.extra or {})[UNIT]]
        try:
            number = quantity.parse(value)
        except InvalidInput as error:
            whole = error.expected if error.expected.startswith("a whole") else describe(type_)
            self._report(path, whole, shown(value), _nearest_unit(value, quantity))
            return BROKEN
        return number if _in_bounds(number, type_.type) else self._wrong(path, type_, value)

    def _integer(self, value: object, type_: types.Type, path: Path) -> object:
        if isinstance(value, int) and not isinstance(value, bool) and _in_bounds(value, type_):
            if value.bit_length() < INTEGER_BITS:
                return value
            self._report(path, f"{describe(type_)}, of 64 bits as in TOML", shown(value), None)
            return BROKEN
        return self._wrong(path, type_, value)

    def _number(self, value: object, type_: types.Type, path: Path) -> object:
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        if numeric and math.isfinite(number := float(str(value))) and _in_bounds(number, type_):
            return number
        return self._wrong(path, type_, value)

    def _text(self, value: object, type_: types.Type, path: Path) -> object:
        assert isinstance(type_, types.StrType)
        if not isinstance(value, str) or len(value) < (type_.min_length or 0):
            return self._wrong(path, type_, value)
        if type_.pattern is None:
            return value
        try:
            return msgspec.convert(value, Annotated[str, Meta(pattern=type_.pattern)])
        except msgspec.ValidationError:
            return self._wrong(path, type_, value)

    def _boolean(self, value: object, type_: types.Type, path: Path) -> object:
        return value if isinstance(value, bool) else self._wrong(path, type_, value)

    def _literal(self, value: object, type_: types.Type, path: Path) -> object:
        assert isinstance(type_, types.LiteralType)
        if type(value) in {str, int} and value in type_.values:
            return value
        return self._unknown_name(value, type_, type_, path)

    def _unknown_name(
        self, value: object, literal: types.LiteralType, accepted: types.Type, path: Path
    ) -> object:
        names = [str(name) for name in literal.values]
        nearest = nearest_name(value, names) if isinstance(value, str) else None
        self._report(path, describe(accepted), shown(value), nearest)
        return BROKEN

    def _array(self, value: object, type_: types.Type, path: Path) -> object:
        assert isinstance(type_, types.VarTupleType)
        if not isinstance(value, list) or len(value) < (type_.min_length or 0):
            return self._wrong(path, type_, value)
        return [
            self.resolve(item, type_.item_type, (*path, position))
            for position, item in enumerate(value)
        ]

    def _mapping(self, value: object, type_: types.Type, path: Path) -> object:
        assert isinstance(type_, types.DictType)
        if not isinstance(value, dict) or len(value) < (type_.min_length or 0):
            return self._wrong(path, type_, value)
        return {
            key: self.resolve(item, type_.value_type, (*path, key)) for key, item in value.items()
        }

    def _struct(self, value: object, type_: types.Type, path: Path) -> object:
        assert isinstance(type_, types.StructType)
        if not isinstance(value, dict):
            return self._wrong(path, type_, value)
        fields = {field.encode_name: field for field in type_.fields}
        resolved: dict[str, object] = {}
        for key, item in value.items():
            if key in fields:
                resolved[key] = self.resolve(item, fields[key].type, (*path, key))
            elif key == type_.tag_field:
                resolved[key] = item
            else:
                self._unknown_key(path, key, list(fields))
        for name, field in fields.items():
            if field.required and name not in value:
                self._report(
                    (*path, name), describe(field.type), "nothing: the key is missing", None
                )
        return resolved

    def _unknown_key(self, path: Path, key: str, known: list[str]) -> None:
        what = "section" if not path else "key"
        self._report(
            (*path, key), f"one of {listed(known)}", f"an unknown {what}", nearest_name(key, known)
        )

    def _union(self, value: object, type_: types.Type, path: Path) -> object:
        assert isinstance(type_, types.UnionType)
        members = [member for member in type_.types if not isinstance(member, types.NoneType)]
        if len(members) == 1:
            return self.resolve(value, members[0], path)
        tagged = [m for m in members if isinstance(m, types.StructType) and m.tag_field]
        if tagged:
            return self._tagged(value, tagged, path)
        for member in members:
            if isinstance(member, types.LiteralType) and isinstance(value, str):
                known = value in member.values
                return value if known else self._unknown_name(value, member, type_, path)
            if _fits(value, member):
                return self.resolve(value, member, path)
        return self._wrong(path, type_, value)

    def _tagged(self, value: object, members: list[types.StructType], path: Path) -> object:
        """Pick the Struct of a union by its tag, for example an event by its `kind`."""
        tag_field = members[0].tag_field or ""
        if not isinstance(value, dict):
            return self._wrong(path, members[0], value)
        by_tag = {str(member.tag): member for member in members}
        tag = value.get(tag_field)
        if isinstance(tag, str) and tag in by_tag:
            return self._struct(value, by_tag[tag], path)
        found = "nothing: the key is missing" if tag is None else shown(tag)
        nearest = nearest_name(tag, by_tag) if isinstance(tag, str) else None
        self._report((*path, tag_field), f"one of {listed(by_tag)}", found, nearest)
        return BROKEN


def describe(type_: types.Type) -> str:
    """Say in words what a type accepts."""
    match type_:
        case types.Metadata():
            quantity = QUANTITIES[(type_.extra or {})[UNIT]]
            return quantity.expected + _bounds(type_.type, quantity.format)
        case types.IntType():
            return "a whole number" + _bounds(type_)
        case types.FloatType():
            return "a number" + _bounds(type_)
        case types.StrType():
            plain = "text in quotes, not empty" if type_.min_length else "text in quotes"
            return f"text that matches {type_.pattern}" if type_.pattern else plain
        case types.BoolType():
            return "true or false"
        case types.LiteralType():
            names = ", ".join(shown(value) for value in type_.values)
            return names if len(type_.values) == 1 else f"one of {names}"
        case types.VarTupleType():
            return "a list of: " + describe(type_.item_type)
        case types.UnionType():
            parts = [describe(t) for t in type_.types if not isinstance(t, types.NoneType)]
            return " or ".join(parts)
        case types.DictType():
            return "a table of: " + describe(type_.value_type)
        case _:
            return "a table"


def _bounds(type_: types.Type, text: Callable[[int], str] = str) -> str:
    """Say the numeric bounds of a type: " from 0 to 1", ", at least 1"."""
    if not isinstance(type_, types.IntType | types.FloatType):
        return ""
    if text is str and type_.ge is not None and type_.le is not None:
        return f" from {type_.ge} to {type_.le}"
    parts = {"at least": type_.ge, "more than": type_.gt, "at most": type_.le, "below": type_.lt}
    return "".join(
        f", {word} {text(int(bound)) if bound and text is not str else bound}"
        for word, bound in parts.items()
        if bound is not None
    )


def _nearest_unit(text: str, quantity: Quantity) -> str | None:
    unit = text.lstrip(" +-.0123456789")
    return None if unit in quantity.units else nearest_name(unit, quantity.units)


def _in_bounds(value: float, type_: types.Type) -> bool:
    assert isinstance(type_, types.IntType | types.FloatType)
    return (
        (type_.ge is None or value >= type_.ge)
        and (type_.gt is None or value > type_.gt)
        and (type_.le is None or value <= type_.le)
        and (type_.lt is None or value < type_.lt)
    )


_ACCEPTS: Mapping[type, tuple[type, ...]] = {
    types.Metadata: (str,),
    types.StrType: (str,),
    types.LiteralType: (str,),
    types.IntType: (int,),
    types.FloatType: (int, float),
    types.BoolType: (bool,),
    types.VarTupleType: (list,),
    types.DictType: (dict,),
    types.StructType: (dict,),
}


def _fits(value: object, type_: types.Type) -> bool:
    """Say whether `value` could be meant as a `type_`, whatever its content."""
    accepted = _ACCEPTS[type(type_)]
    return isinstance(value, accepted) and (bool in accepted or not isinstance(value, bool))
