"""The tests and the search are worth something: they notice planted faults, each with its seed."""

import importlib
import json
import shlex
import sys

import pytest

from consensus.new_view_rules import InvalidViewChange
from primitives.committee import Committee
from tests.properties import plant
from tests.properties.mutations import Mutation, hunt, mutations
from tests.unit.consensus.harness import Network, SafetyViolation
from tests.unit.consensus.toys import public_keys

NEXT = {"fuzz": 40, "chaos": 120, "scenario": 5}
"""Seeds that are tried, from the recorded one on, before a fault counts as missed. Whatever changes
the order of messages moves the seed; that the search has become blind shows in many."""

REQUIRED = frozenset(
    {
        "quorum off by one",
        "no watermark check",
        "certificate of the lowest view wins",
        "prepare counted for the primary",
        "vote not persisted",
        "checkpoint on f+1: a block is final with so few COMMITs",
        "digest not compared",
        "new view not verified",
        "timer never doubled",
        "duplicate vote counted",
        "COMMIT sent over an unprepared gap",
        "tentative confirmation signed with a lower sequence uncommitted",
        "parent link not checked in the new view",
    }
)


def by_name(value: object) -> str:
    return getattr(value, "name", "")


def test_the_list_names_every_fault_once_and_how_it_is_found() -> None:
    names = [mutation.name for mutation in mutations()]
    assert len(names) == len(dict.fromkeys(names))
    assert set(names) >= REQUIRED
    for mutation in mutations():
        assert mutation.rule or mutation.search, f"{mutation.name} is found by nothing"
        assert mutation.search or mutation.name not in REQUIRED, mutation.name


def searched() -> list[object]:
    """Return the faults that a search finds; a scenario takes its time."""
    found: list[object] = []
    for each in mutations():
        if each.search is not None:
            marks = [pytest.mark.slow] if each.search.by == "scenario" else []
            found.append(pytest.param(each, marks=marks, id=each.name))
    return found


@pytest.mark.parametrize("mutation", searched())
def test_planted_faults_are_found_by_the_search(mutation: Mutation) -> None:
    assert mutation.search is not None
    first = mutation.search.seed
    found = hunt(mutation, range(first, first + NEXT[mutation.search.by]))
    assert found is not None, f"{mutation.name} is missed: {mutation.replay(first)}"


@pytest.mark.parametrize("mutation", [each for each in mutations() if each.rule], ids=by_name)
def test_planted_faults_fail_the_test_of_their_rule(
    mutation: Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name = mutation.rule.split(":")
    test = getattr(importlib.import_module(module), name)
    test()
    mutation.plant(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception, InvalidViewChange, ValueError)):
        test()


def test_a_mutation_whose_text_is_gone_fails_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Mutation("gone", "consensus.normal", "no such text", "")
    with pytest.raises(AssertionError, match="gone: its text stands 0 times"):
        gone.plant(monkeypatch)
    twice = Mutation("twice", "consensus.normal", "return NOTHING", "return ()")
    with pytest.raises(AssertionError, match="twice: its text stands"):
        twice.plant(monkeypatch)
    same = Mutation("same", "consensus.normal", "def on_commit(", "def  on_commit(")
    with pytest.raises(AssertionError, match="same: nothing has changed"):
        same.plant(monkeypatch)


def test_the_line_that_is_printed_repeats_the_failure(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    mutation = next(each for each in mutations() if each.search and each.search.by == "fuzz")
    assert mutation.search is not None
    first = mutation.search.seed
    found = hunt(mutation, range(first, first + NEXT["fuzz"]))
    assert found is not None
    seed, how = found
    line = mutation.replay(seed)
    assert line.startswith("python -m tests.properties.plant ")
    words = shlex.split(line)[3:]
    assert plant.main([*words, "--shrink", "0", "--json", "--out", str(tmp_path)]) == 1
    (failure,) = json.loads(capsys.readouterr().out)["failures"]
    assert how.startswith(failure["check"])
    assert plant.main([*words[1:]]) == 2


def test_a_true_quorum_keeps_two_halves_apart() -> None:
    for seed in range(5):
        net = Network(4, seed=seed)
        net.partition([0, 1], [2, 3])
        net.submit([1, 2], to=[0, 1])
        net.submit([3, 4], to=[2, 3])
        net.run(3_000)
        assert net.heights() == [0, 0, 0, 0]


def test_a_quorum_one_too_small_breaks_agreement() -> None:
    """Not only are its certificates too small: two halves decide different blocks."""

    class Small(Committee, frozen=True):
        @property
        def quorum(self) -> int:
            return (self.size + self.faults) // 2

    for seed in range(40):
        net = Network(4, seed=seed, committee=Small.of_keys(public_keys(4)))
        net.judge = Small.of_keys(public_keys(4))
        net.partition([0, 1], [2, 3])
        net.submit([1, 2], to=[0, 1])
        net.submit([3, 4], to=[2, 3])
        with pytest.raises(SafetyViolation, match=r"two blocks at 1|another block at 1"):
            net.run(3_000)


@pytest.mark.soak
def test_all_faults_are_hunted_anew(soak_runs: int, capsys: pytest.CaptureFixture[str]) -> None:
    found = plant.table(soak_runs)
    with capsys.disabled():
        sys.stdout.write(f"\n{found}\n")
    assert "not within" not in found
