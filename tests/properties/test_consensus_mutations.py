"""The property tests are worth something: they notice planted faults."""

import importlib

import pytest

from consensus.new_view_rules import InvalidViewChange
from primitives.committee import Committee
from tests.properties.consensus_chaos import play
from tests.properties.consensus_mutations import MUTATIONS, RULES, Mutation
from tests.unit.consensus.harness import Network, SafetyViolation
from tests.unit.consensus.toys import public_keys

SEEDS = 40
TRUE_QUORUM = Committee.quorum


class Judge(Committee, frozen=True):
    """Knows the true quorum, whatever was planted."""

    @property
    def quorum(self) -> int:
        return (self.size + self.faults + 2) // 2


class JudgedNetwork(Network):
    def _append(self, *arguments: object) -> None:
        self.judge = Judge.of_keys(public_keys(self.n))
        super()._append(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_planted_faults_are_found(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation.plant(monkeypatch)
    for seed in range(SEEDS):
        for n in (4, 5, 7):
            try:
                play(n, seed, network=JudgedNetwork)
            except AssertionError:
                return
    pytest.fail(f"{mutation.name}: not found in {SEEDS} seeds")


@pytest.mark.parametrize(("mutation", "rule"), RULES, ids=lambda value: getattr(value, "name", ""))
def test_broken_rules_fail_their_tests(
    mutation: Mutation, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name = rule.split(":")
    test = getattr(importlib.import_module(module), name)
    test()
    mutation.plant(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception, InvalidViewChange)):
        test()


def test_a_quorum_one_too_small_breaks_agreement() -> None:
    """Not only are its certificates too small: two halves decide different blocks."""

    class Small(Committee, frozen=True):
        @property
        def quorum(self) -> int:
            return (self.size + self.faults) // 2

    found = 0
    for seed in range(SEEDS):
        net = Network(4, seed=seed, committee=Small.of_keys(public_keys(4)))
        net.judge = Small.of_keys(public_keys(4))
        net.partition([0, 1], [2, 3])
        net.submit([1, 2], to=[0, 1])
        net.submit([3, 4], to=[2, 3])
        with pytest.raises(SafetyViolation, match="two blocks at 1"):
            net.run(3_000)
        found += 1
    assert found == SEEDS
