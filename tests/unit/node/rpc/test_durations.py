"""Durations as Go writes them."""

import pytest

from node.rpc.arguments import BadArgument
from node.rpc.durations import duration_ns

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("5s", 5 * SECOND),
        ("500ms", SECOND // 2),
        ("1.5s", 3 * SECOND // 2),
        (".5s", SECOND // 2),
        ("1.s", SECOND),
        ("1h2m3s", 3_723 * SECOND),
        ("-2s", -2 * SECOND),
        ("+2s", 2 * SECOND),
        ("0", 0),
        ("-0", 0),
        ("7us", 7_000),
        ("7\N{MICRO SIGN}s", 7_000),
        ("7\N{GREEK SMALL LETTER MU}s", 7_000),
        ("1.9ns", 1),
        ("2562047h", 2_562_047 * 3_600 * SECOND),
    ],
)
def test_what_is_one(text: str, ns: int) -> None:
    assert duration_ns(text) == ns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5", 'time: missing unit in duration "5"'),
        ("1s5", 'time: missing unit in duration "1s5"'),
        ("5d", 'time: unknown unit "d" in duration "5d"'),
        ("5s ", 'time: unknown unit "s " in duration "5s "'),
        (" 5s", 'time: invalid duration " 5s"'),
        ("s", 'time: invalid duration "s"'),
        (".s", 'time: invalid duration ".s"'),
        ("1..s", 'time: missing unit in duration "1..s"'),
        ("-", 'time: invalid duration "-"'),
        ("--1s", 'time: invalid duration "--1s"'),
        ("\N{ARABIC-INDIC DIGIT FIVE}s", 'time: invalid duration "\N{ARABIC-INDIC DIGIT FIVE}s"'),
        ("2562048h", 'time: invalid duration "2562048h"'),
        ("9" * 5_000 + "s", f'time: invalid duration "{"9" * 64}"'),
    ],
)
def test_what_is_none(text: str, message: str) -> None:
    with pytest.raises(BadArgument) as caught:
        duration_ns(text)
    assert str(caught.value) == message
