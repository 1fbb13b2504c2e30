"""Calls in calls as JSON, against a twin that keeps them all and writes them at the end."""

import json
import sys
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from node.rpc.call_tree import CallTree, OpenCall
from tests.unit.node.rpc.chain_rig import Rig, hexed
from tests.unit.node.transfers import stranger

DEEP = bytes.fromhex("5f5f5f5f5f305af1505f5ffd")
"""Calls itself with all gas, and reverts."""


class NaiveTree:
    """A dictionary for each call; a call that fails visits all that it has called."""

    def __init__(self, root: dict[str, Any], *, shows_inner: bool) -> None:
        self.root = root
        self.open = [root]
        self.shows_inner = shows_inner

    def begin(self, fields: dict[str, Any]) -> None:
        self.open[-1].setdefault("calls", []).append(fields)
        self.open.append(fields)

    def add(self, fields: dict[str, Any]) -> None:
        self.open[-1].setdefault("calls", []).append(fields)

    def log(self, log: int) -> None:
        self.open[-1].setdefault("logs", []).append(log)

    def end(self, *, has_failed: bool) -> None:
        call = self.open.pop()
        if has_failed:
            self.forget(call)

    def forget(self, call: dict[str, Any]) -> None:
        call.pop("logs", None)
        for each in call.get("calls", ()):
            self.forget(each)

    def written(self) -> dict[str, Any]:
        if not self.shows_inner:
            self.root.pop("calls", None)
        return self.root


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=300)
def test_a_tree_is_that_of_its_naive_twin(seed: int, shows_inner: bool) -> None:
    random = Random(seed)
    tree = CallTree(OpenCall({"name": 0}, 0), shows_inner=shows_inner)
    twin = NaiveTree({"name": 0}, shows_inner=shows_inner)
    depth = 1
    for name in range(1, random.randrange(2, 60)):
        match random.randrange(5):
            case 0 | 1:
                tree.begin(OpenCall({"name": name}, 0))
                twin.begin({"name": name})
                depth += 1
            case 2:
                tree.add({"name": name})
                twin.add({"name": name})
            case 3:
                twin.log(name)
                if tree.is_shown:
                    tree.last.logs.append(name)
            case _:
                if depth > 1:
                    end(tree, twin, has_failed=random.random() < 0.4)
                    depth -= 1
    for _ in range(depth):
        end(tree, twin, has_failed=random.random() < 0.2)
    assert json.loads(bytes(tree.written())) == twin.written()


def end(tree: CallTree, twin: NaiveTree, *, has_failed: bool) -> None:
    if has_failed:
        tree.forget_logs()
    tree.end()
    twin.end(has_failed=has_failed)


@pytest.fixture
def deep_recursion() -> Iterator[None]:
    """A reader that goes as deep as it takes: other languages have such."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(limit)


def test_calls_may_stand_in_calls_as_deep_as_gas_allows(
    make_rig: Callable[..., Rig], deep_recursion: None
) -> None:
    """More than half a thousand, which is deeper than an encoder would go."""
    place = hexed(stranger(3))
    config = {"tracer": "callTracer", "stateOverrides": {place: {"code": hexed(DEEP)}}}
    request = {"to": place, "gas": hex(50_000_000)}
    encoded = make_rig().encoded("debug_traceCall", request, "latest", config)
    depth, call = 0, json.loads(encoded)
    while "calls" in call:
        assert call["error"] in ("execution reverted", "out of gas")
        (call,) = call["calls"]
        depth += 1
    assert depth > 500
    assert call["error"] == "out of gas"
