"""The map of the consensus rules names modules and tests that exist."""

import ast
import re

import pytest

from tests.architecture.source import ROOT

GUIDE = (ROOT / "docs" / "guides" / "consensus-rules.md").read_text(encoding="utf-8")
TESTS = sorted(set(re.findall(r"`([\w/]+\.py)::(test_\w+)`", GUIDE)))
MODULES = sorted(set(re.findall(r"\| `([a-z_.]+)` \|", GUIDE)))


def rows() -> list[str]:
    """Return the rules and bugs: every row of a table but its head."""
    lines = [line for line in GUIDE.splitlines() if line.startswith("| ")]
    return [line for line in lines if not line.startswith(("| rule |", "| bug |"))]


def test_every_rule_and_every_bug_names_its_test() -> None:
    assert len(rows()) > 60
    assert [row for row in rows() if "::test_" not in row] == []


@pytest.mark.parametrize(("file", "name"), TESTS, ids=[name for _, name in TESTS])
def test_the_named_tests_exist(file: str, name: str) -> None:
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("module", MODULES)
def test_the_named_modules_exist(module: str) -> None:
    path = ROOT / module.replace(".", "/")
    assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()
