"""Each rule of this folder fires on what it forbids and is silent on what it allows."""

import pytest

from tests.architecture import edges, ordering, sizes, state
from tests.architecture.source import Finding, parse

BANNED = frozenset({"time", "random", "os.urandom", "datetime.datetime.now"})


def set_findings(text: str) -> list[Finding]:
    file = parse(text)
    return ordering.set_iterations(file, ordering.set_attributes([file]))


@pytest.mark.parametrize(
    "text",
    [
        "for x in {1, 2}: pass",
        "for x in set(xs): pass",
        "for x in frozenset(xs): pass",
        "for x in {y for y in ys}: pass",
        "[x for x in set(xs)]",
        "{x: 1 for x in set(xs)}",
        "names = {1, 2}\nfor x in names: pass",
        "names = set(xs) | other\nfor x in names: pass",
        "def f(peers: set[int]):\n    for x in peers: pass",
        "def f(peers: frozenset[bytes] | None):\n    return [x for x in peers]",
        "def f(a, *, peers: 'AbstractSet[int]'):\n    return tuple(peers)",
        "def f():\n    peers: set[int] = g()\n    for x in peers: pass",
        "class A:\n    peers: set[int]\n    def f(self):\n        for x in self.peers: pass",
        "class A:\n    def f(self):\n        self.p: set[int] = g()\n        return list(self.p)",
        "def f() -> set[int]: ...\nfor x in f(): pass",
        "class A:\n    @property\n    def p(self) -> set[int]: ...\ndef f(a):\n    return [*a.p]",
        "names = {1}\nfor x in names.union(ys): pass",
        "for x in set(a) - set(b): pass",
        "list({1, 2})",
        "dict.fromkeys(set(xs))",
        "enumerate(set(xs))",
        "', '.join({str(x) for x in xs})",
        "names = {1}\nnames.pop()",
        "a, b = {1, 2}",
        "f(*{1, 2})",
        "next(iter({1, 2}))",
        "max({1, 2}, key=f)",
        "sorted(set(xs), key=f)",
        "sum(list(set(xs)))",
        "rows.extend({1, 2})",
    ],
)
def test_taking_the_order_of_a_set_is_found(text: str) -> None:
    assert set_findings(text)


@pytest.mark.parametrize(
    "text",
    [
        "for x in sorted({1, 2}): pass",
        "for x in [1, 2]: pass",
        "for x in {1: 2}: pass",
        "x in {1, 2}",
        "any(x > 1 for x in {1, 2})",
        "sum(x for x in set(xs))",
        "len({1, 2})",
        "{x for x in {1, 2}}",
        "{*a, *{1, 2}}",
        "names = {1}\nnames = sorted(names)\nfor x in names: pass",
        "names = {1}\nnames.add(2)",
        "def f(peers: dict[int, set[int]]):\n    for x in peers: pass",
        "def f(peers: set[int]): ...\ndef g(peers: list[int]):\n    for x in peers: pass",
        "class A:\n    p: set[int]\nclass B:\n    p: list[int]\ndef f(b): return list(b.p)",
        "names = {'a': 1}\nnames.pop('a')",
    ],
)
def test_membership_and_sorting_are_allowed(text: str) -> None:
    assert not set_findings(text)


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "import random as chance",
        "from time import perf_counter",
        "from random import Random",
        "from os import urandom",
        "def f():\n    import time",
        "import os\nseed = os.urandom(8)",
        "import datetime\nnow = datetime.datetime.now()",
        "from datetime import datetime\nimport time.sub",
    ],
)
def test_banned_names_are_found_outside_the_edges(text: str) -> None:
    assert edges.banned_uses(parse(text, "node/node.py"), BANNED, ["sim/cli/**"])


def test_banned_names_are_allowed_at_the_edges_only() -> None:
    edge = parse("import time", "sim/cli/progress.py")
    assert not edges.banned_uses(edge, BANNED, ["sim/cli/**"])
    assert edges.banned_uses(edge, BANNED, ["sim/dashboard/**"])
    harmless = parse("import os\nfrom os import path\ntime = os.path", "node/node.py")
    assert not edges.banned_uses(harmless, BANNED, [])


def test_the_configuration_bans_what_the_design_bans() -> None:
    must = {"time", "random", "asyncio", "socket", "threading", "secrets", "os.urandom"}
    assert edges.banned_names() >= must | {"datetime.datetime.now"}


def test_foreign_libraries_are_found() -> None:
    assert edges.foreign_libraries(parse("import networkx", "consensus/replica.py"))
    assert edges.foreign_libraries(parse("from numpy import array", "node/mempool.py"))
    assert edges.foreign_libraries(parse("def f():\n    import requests", "sim/world.py"))
    assert edges.foreign_libraries(parse("from . import sibling", "node/mempool.py"))
    assert not edges.foreign_libraries(parse("import networkx", "network/topology.py"))
    assert not edges.foreign_libraries(parse("import json, msgspec", "consensus/replica.py"))


@pytest.mark.parametrize(
    "text",
    [
        "seen = {}",
        "seen: list[int] = []",
        "_cache = dict()",
        "queue = collections.deque()",
        "table = [x for x in xs]",
        "def f():\n    global count\n    count = 1",
        "SEEN = {}\ndef f(key):\n    SEEN[key] = 1",
        "SEEN = {}\ndef f(key):\n    del SEEN[key]",
        "SEEN = []\ndef f(key):\n    SEEN.append(key)",
        "SEEN: Final = {}\ndef f(key):\n    SEEN.setdefault(key, 1)",
    ],
)
def test_module_level_state_is_found(text: str) -> None:
    assert state.module_state(parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "TABLE = {1: 2}",
        "_TABLE = {1: 2}",
        "table: Final = {1: 2}",
        "__all__ = ['a']",
        "names = ('a', 'b')",
        "def f():\n    seen = {}\n    seen[1] = 2\n    return seen",
        "SEEN = {}\ndef f(SEEN):\n    SEEN[1] = 2",
        "SEEN = {}\ndef f():\n    return SEEN[1]",
        "class A:\n    def f(self):\n        self.seen.append(1)",
    ],
)
def test_constants_and_locals_are_allowed(text: str) -> None:
    assert not state.module_state(parse(text))


@pytest.mark.parametrize(
    "decorator", ["cache", "functools.cache", "lru_cache(None)", "lru_cache(maxsize=None)"]
)
def test_unbounded_caches_are_found(decorator: str) -> None:
    assert state.unbounded_caches(parse(f"@{decorator}\ndef f(x): ..."))


@pytest.mark.parametrize("decorator", ["lru_cache(maxsize=64)", "lru_cache", "staticmethod"])
def test_bounded_caches_are_allowed(decorator: str) -> None:
    assert not state.unbounded_caches(parse(f"@{decorator}\ndef f(x): ..."))
    assert not state.unbounded_caches(parse("@cache\ndef f(): ..."))


def test_identity_calls_are_found() -> None:
    assert len(state.identity_calls(parse("key = id(x)\nslot = hash(y) % 8"))) == 2
    assert not state.identity_calls(parse("x.hash()\nx.id\nheader_hash(x)"))


def test_lengths_are_measured() -> None:
    function = "def f():\n" + "    x = 1\n" * 70
    assert [f.line for f in sizes.long_functions([parse(function)])] == [1]
    assert not sizes.long_functions([parse("def f():\n" + "    x = 1\n" * 69)])
    assert sizes.share_of_usual_functions([parse(function + "def g(): ...\n")]) == 0.5

    planned, end = parse("x = 1\n" * 401, "node/a.py"), parse("x = 1\n" * 601, "node/b.py")
    assert sizes.long_files([planned, end], frozenset()) != []
    found = sizes.long_files([planned, end], frozenset({"node/a.py", "node/b.py"}))
    assert [finding.path for finding in found] == ["node/b.py"]
    assert not sizes.long_files([parse("x = 1\n" * 400)], frozenset())

    assert sizes.long_lines([parse("x = 1  # " + "y" * 92)])
    assert not sizes.long_lines([parse("x = 1  # " + "y" * 91)])
    assert not sizes.long_lines([parse("x = " + "y" * 96 + "  # type: ignore[name-defined]")])
    assert sizes.long_lines([parse("x = " + "y" * 97 + "  # type: ignore[name-defined]")])
