"""Every kind of work that a core asks for is listed by its package and priced by the profile."""

import ast
import importlib
import json
from collections.abc import Iterable
from functools import cache
from types import ModuleType

from primitives.costs import CostKind
from tests.architecture.edges import dotted
from tests.architecture.source import PACKAGES, ROOT, Finding, Source, parse, report, sources
from tests.architecture.state import module_bindings

PROFILE = ROOT / "sim" / "data" / "profile-default.json"
ASKING = frozenset({"Work", "Serial", "Tasks", "TaskGraph"})
"""Effects and demands whose first argument is a cost kind's name."""


@cache
def listed() -> dict[str, CostKind]:
    """Return the kinds that the `costs` modules of all packages list, by name."""
    kinds: dict[str, CostKind] = {}
    for file in sources(*PACKAGES):
        if file.path.endswith("/costs.py") and file.path != "primitives/costs.py":
            for kind in importlib.import_module(file.module).COSTS:
                assert kind.name not in kinds, f"{kind.name} is listed twice"
                assert kind.name.startswith(f"{file.package}."), f"{kind.name} in {file.path}"
                kinds[kind.name] = kind
    return kinds


def asked_kinds(file: Source, module: ModuleType) -> Iterable[tuple[int, str]]:
    """Yield (line, kind) for each Work or demand whose kind is a literal or a module's name."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Call) and dotted(node.func).rsplit(".", 1)[-1] in ASKING:
            named = [keyword.value for keyword in node.keywords if keyword.arg == "kind"]
            for argument in (node.args[:1] or named)[:1]:
                if (kind := _value(argument, module)) is not None:
                    yield argument.lineno, kind


def _value(node: ast.expr, module: ModuleType) -> str | None:
    if isinstance(node, ast.Constant):
        return str(node.value)
    value: object = module
    for part in dotted(node).split("."):
        value = getattr(value, part, None)
    return value if isinstance(value, str) else None


def test_packages_list_their_kinds() -> None:
    kinds = listed()
    assert any(name.startswith("consensus.") for name in kinds)
    assert any(name.startswith("node.") for name in kinds)
    assert all(kind.unit and kind.meaning.endswith(".") for kind in kinds.values())


def test_every_kind_asked_for_is_listed() -> None:
    found = []
    asked = 0
    for file in sources(*PACKAGES):
        for line, kind in asked_kinds(file, importlib.import_module(file.module)):
            asked += 1
            if kind not in listed():
                found.append(Finding(file.path, line, f"asks for {kind}, which no COSTS lists"))
    assert not found, report(found)
    assert asked > 0


def unused_kinds(kinds: Iterable[str], files: Iterable[Source]) -> list[str]:
    """Return the kinds that nobody names, by their constant or as text, outside `costs.py`."""
    files = tuple(files)
    constants = {
        node.value.value: name
        for file in files
        if file.path.endswith("/costs.py")
        for name, node in module_bindings(file.tree)
        if isinstance(node.value, ast.Constant)
    }
    mentioned = {
        word
        for file in files
        if not file.path.endswith("/costs.py")
        for node in ast.walk(file.tree)
        for word in (_mentioned(node),)
    }
    return [kind for kind in kinds if not mentioned & {kind, constants.get(kind, kind)}]


def _mentioned(node: ast.AST) -> str:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_every_listed_kind_is_used() -> None:
    calibration = "sim/calibrate"
    files = [file for file in sources(*PACKAGES) if not file.path.startswith(calibration)]
    assert unused_kinds(listed(), files) == []


def test_unused_kinds_are_found() -> None:
    costs = parse("A = 'x.a'\nB = 'x.b'\nC = 'x.c'\nCOSTS = (A, B, C, 'x.d')", "x/costs.py")
    user = parse("from x.costs import A, B\nWork(A, 1)\nWork(costs.C, 1)", "x/user.py")
    assert unused_kinds(["x.a", "x.b", "x.c", "x.d"], [costs, user]) == ["x.b", "x.d"]


def test_the_shipped_profile_prices_every_kind() -> None:
    profile = json.loads(PROFILE.read_text(encoding="utf-8"))
    units = {row["kind"]: row["unit"] for row in profile["costs"]}
    assert units == {name: kind.unit for name, kind in listed().items()}


def test_kinds_are_found_in_code() -> None:
    module = ModuleType("snippet")
    vars(module).update(VOTE="consensus.vote", costs=ModuleType("costs"), units=3)
    vars(module.costs)["BLOCK"] = "node.block"
    text = (
        "Work(VOTE, 1)\nSerial(costs.BLOCK, 2)\nTasks('x.y', (1,))\nWork(kind='a.b', units=1)\n"
        "machine.TaskGraph('p.q', (), ())\nWork(local, 1)\nWork(units, 1)\nOther('no', 1)"
    )
    found = [kind for _, kind in asked_kinds(parse(text), module)]
    assert found == ["consensus.vote", "node.block", "x.y", "a.b", "p.q"]
