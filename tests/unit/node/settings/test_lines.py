"""Lines of keys: compared with a search for unique markers in the text."""

import re

import pytest
from hypothesis import given, strategies as st

from node.settings.lines import KeyLines

TEXT = '''\
# name = "a comment"
name = "x" # [not.a.table]
"quoted key" = 1
dotted.inner . deep = 2
description = """
[fake]
name = "inside" \\""" still
"""
raw = \'\'\'
[fake2]
\'\'\'
list = [
  "[[events]]", # ]
  { a = 1 },
]
inline = { b = "}", c = [1, 2] }

[network]
validators = 4
  [network . disk]
  latency = '1ms # no comment'

[[network.classes]]
name = "a"
[network.classes.disk]
fsync = 1
[[network.classes]]
name = "b"
[[events]]
at = 1
[[events]]
at = 2
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("quoted key",), 3),
        (("dotted", "inner", "deep"), 4),
        (("dotted",), 4),
        (("description",), 5),
        (("raw",), 9),
        (("list",), 12),
        (("list", 1, "a"), 12),
        (("inline", "b"), 16),
        (("network",), 18),
        (("network", "validators"), 19),
        (("network", "absent"), 18),
        (("network", "disk", "latency"), 21),
        (("network", "classes", 0, "name"), 24),
        (("network", "classes", 0, "disk", "fsync"), 26),
        (("network", "classes", 1, "name"), 28),
        (("network", "classes", 1, "absent"), 27),
        (("events", 0, "at"), 30),
        (("events", 1, "at"), 32),
        (("fake",), None),
        (("fake2",), None),
    ],
)
def test_the_line_of_a_path(path: tuple[str | int, ...], line: int | None) -> None:
    assert KeyLines(TEXT).find(path) == line


def test_no_text_has_no_lines() -> None:
    assert KeyLines("").find(("name",)) is None
    assert KeyLines("\n# only a comment").find(("name",)) is None


VALUES = st.sampled_from(
    [
        "1",
        '"text # = ["',
        "'literal \\\\'",
        "[1,\n 2, # two ]\n 3]",
        '{ a = "}" }',
        '"""\nm3 = 1\n\\""" "" """',
        "'''\n[t1]\n'''",
        '"\\\\"',
        '"\\""',
        '""',
    ]
)


@given(st.lists(st.tuples(st.booleans(), VALUES), max_size=8))
def test_every_key_is_found_where_its_marker_stands(parts: list[tuple[bool, str]]) -> None:
    text = ""
    paths: dict[str, tuple[str, ...]] = {}
    table: tuple[str, ...] = ()
    for number, (opens, value) in enumerate(parts):
        if opens:
            table = (f"t{number}",)
            text += f"[t{number}]\n"
        marker = f"k{number}"
        paths[marker] = (*table, marker)
        text += f"{marker} = {value}\n"
    lines = KeyLines(text)
    for marker, path in paths.items():
        match = re.search(rf"^{marker} =", text, re.MULTILINE)
        assert match is not None
        assert lines.find(path) == text.count("\n", 0, match.start()) + 1
