"""Faults to plant into the code, from `mutations.toml`, and how they are found.

A mutation replaces one piece of text in one module. It is planted by giving the module's functions
the mutated code objects, so that it does not matter who has imported them. Each one names the test
of the rule that it breaks, the run of a search that finds it, or both.
"""

import ast
import importlib
import shlex
import tomllib
import types
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from primitives.committee import Committee
from sim.cli.fuzz import Search as FuzzSearch, trial
from sim.run import run_scenario
from sim.scenario import load_scenario
from tests.properties.consensus_chaos import play
from tests.unit.consensus.harness import Network
from tests.unit.consensus.toys import public_keys

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("mutations.toml")
CHAOS = ROOT / "scenarios" / "chaos.toml"


class Search(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run that shows a fault."""

    by: Literal["fuzz", "chaos", "scenario"]
    """`orrery fuzz scenarios/chaos.toml`, the chaos of `consensus_chaos`, which has no node, or a
    scenario whose expectations fail."""
    seed: int
    """Of the run that found it last."""
    set: tuple[str, ...] = ()
    """What the fuzz run is told by `--set`."""
    n: int = 4
    """Replicas of a chaos run."""
    spite: float = 0.0
    """Its share of votes that the network keeps from somebody for good."""
    file: str = ""
    """The scenario."""


class Mutation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One planted fault."""

    name: str
    module: str
    old: str
    """Stands exactly once in the module."""
    new: str
    rule: str = ""
    """module:name of a test that fails."""
    search: Search | None = None

    def plant(self, patch: pytest.MonkeyPatch) -> None:
        """Change the code until `patch` is undone.

        Raises:
            AssertionError: the text is not there, or changes nothing: the list must be mended.
        """
        module = importlib.import_module(self.module)
        assert module.__file__ is not None
        text = Path(module.__file__).read_text(encoding="utf-8")
        places = text.count(self.old)
        assert places == 1, f"{self.name}: its text stands {places} times in {self.module}"
        mutated = compile(ast.parse(text.replace(self.old, self.new)), module.__file__, "exec")
        planted = 0
        for code in _functions(mutated):
            function = _find(module, code.co_qualname)
            if function is not None and _differs(function.__code__, code):
                patch.setattr(function, "__code__", code)
                planted += 1
        assert planted, f"{self.name}: nothing has changed"

    def replay(self, seed: int) -> str:
        """Return the command line that repeats the run of the search."""
        assert self.search is not None, self.name
        if self.search.by == "chaos":
            how = f"{self.search.n}, {seed}, spite={self.search.spite}"
            return f"tests.properties.consensus_chaos.play({how}, network=JudgedNetwork)"
        words = ["python", "-m", "tests.properties.plant", self.name]
        if self.search.by == "scenario":
            return shlex.join([*words, "run", self.search.file, "--seed", str(seed)])
        words.append("fuzz")
        words += ["scenarios/chaos.toml", "--runs", "1", "--workers", "1", "--seed", str(seed)]
        for override in self.search.set:
            words += ["--set", override]
        return shlex.join(words)


class Judge(Committee, frozen=True):
    """Knows the true quorum, whatever was planted."""

    @property
    def quorum(self) -> int:
        return (self.size + self.faults + 2) // 2


class JudgedNetwork(Network):
    def _append(self, *arguments: object) -> None:
        self.judge = Judge.of_keys(public_keys(self.n))
        super()._append(*arguments)  # type: ignore[arg-type]


@cache
def mutations() -> tuple[Mutation, ...]:
    """Return the list."""
    table = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return tuple(msgspec.convert(table["mutation"], list[Mutation]))


def finding(search: Search, seed: int) -> str | None:
    """Make one run of a search; return what is wrong with it."""
    if search.by == "chaos":
        try:
            how_long = 3_000 if search.spite else 2_000
            play(search.n, seed, chaos_ms=how_long, network=JudgedNetwork, spite=search.spite)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is found
            return f"{type(error).__name__}: {error}"
        return None
    if search.by == "scenario":
        return _disappointment(search, seed)
    fixed = tuple(override.partition("=")[0].strip() for override in search.set)
    base = load_scenario(CHAOS, search.set)
    found = trial(FuzzSearch(base, fixed, seed, 1, 0), seed).finding
    return None if found is None else f"{found.check}: {found.detail}"


def _disappointment(search: Search, seed: int) -> str | None:
    """Return which expectation of a scenario fails."""
    try:
        result = run_scenario(load_scenario(ROOT / search.file, search.set), seed=seed)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is found
        return f"{type(error).__name__}: {error}"
    failed = [line.name for line in result.expectations if not line.passed]
    return ", ".join(failed) or None


def hunt(mutation: Mutation, seeds: Iterable[int]) -> tuple[int, str] | None:
    """Return the first seed whose run fails with the fault and not without it, and how."""
    search = mutation.search
    assert search is not None, mutation.name
    for seed in seeds:
        with pytest.MonkeyPatch.context() as patch:
            mutation.plant(patch)
            found = finding(search, seed)
        if found is not None and finding(search, seed) is None:
            return seed, found
    return None


def _functions(code: types.CodeType) -> Iterator[types.CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from _functions(constant)


def _differs(one: types.CodeType, other: types.CodeType) -> bool:
    return (one.co_code, one.co_names, one.co_consts) != (
        other.co_code,
        other.co_names,
        other.co_consts,
    )


def _find(module: types.ModuleType, qualname: str) -> types.FunctionType | None:
    found: object = module
    for part in qualname.split("."):
        found = getattr(found, part, None)
    if isinstance(found, property):
        found = found.fget
    return found if isinstance(found, types.FunctionType) else None
