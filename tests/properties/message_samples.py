"""Valid messages of any kind, made from what its type says of its fields."""

from random import Random
from typing import Any

from msgspec import inspect

from primitives.machine import Message

ELEMENTS_MAX = 3
TEXT = "abcdefghij"


def sample(kind: type[Message], random: Random) -> Message:
    """Return a message whose fields are drawn within their limits, with short lists."""
    made = _value(inspect.type_info(kind), random)
    assert isinstance(made, kind)
    return made


def _value(info: inspect.Type, random: Random) -> Any:
    match info:
        case inspect.IntType():
            low = info.ge if info.ge is not None else 0
            high = low + (1 << random.choice((4, 12, 40))) if info.le is None else info.le
            high = high if info.lt is None else min(high, info.lt - 1)
            return random.randint(low, high)
        case inspect.BytesType():
            return random.randbytes(_length(info.min_length, info.max_length, 40, random))
        case inspect.StrType():
            return "".join(random.choices(TEXT, k=_length(0, info.max_length, 8, random)))
        case inspect.BoolType():
            return random.random() < 0.5
        case inspect.EnumType():
            return random.choice(list(info.cls))
        case inspect.VarTupleType():
            count = _length(info.min_length, info.max_length, ELEMENTS_MAX, random)
            return tuple([_value(info.item_type, random) for _ in range(count)])
        case inspect.TupleType():
            return tuple([_value(each, random) for each in info.item_types])
        case inspect.UnionType():
            return _value(random.choice(info.types), random)
        case inspect.NoneType():
            return None
        case inspect.StructType():
            fields = {each.name: _value(each.type, random) for each in info.fields}
            return info.cls(**fields)
    raise TypeError(info)


def _length(low: int | None, high: int | None, usual: int, random: Random) -> int:
    least = low or 0
    most = least + usual
    return random.randint(least, most if high is None else min(high, most))
