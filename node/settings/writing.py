"""Write a Struct as TOML that decodes to an equal one: quantities with units, None left out."""

import msgspec
import tomli_w
from msgspec import inspect as types

from node.settings.quantities import QUANTITIES, UNIT


def format_toml(table: dict[str, object]) -> str:
    """Return nested tables as TOML text."""
    return tomli_w.dumps(table)


def plain_table(value: msgspec.Struct) -> dict[str, object]:
    """Return a Struct as nested tables: quantities are text with units, None is left out."""
    table = _plain(value, types.type_info(type(value)))
    assert isinstance(table, dict)
    return table


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
