"""Liars in a committee that is not the first one: as many as it bears, and one more."""

import pytest

from consensus.trace import EvidenceFound
from sim.assembly import build_world
from sim.checkers import CheckerSuite, Violation, ViolationFound
from sim.run import run_checkers
from sim.scenario import Scenario, decode_scenario
from sim.trace import Observation
from sim.world import World

SEEDS = (1, 2, 3)
SCENARIO = """
name = "liars-in-a-later-committee"
duration = "10s"

[network]
validators = 8
latency = "uniform"
latency_value = "5ms"

[consensus]
certificates = "{certificates}"
empty_blocks = true
block_interval = "250ms"
request_timeout = "1s"
view_change_timeout = "1s"

[chain]
checkpoint_interval = 8

[workload]
rate = 20
accounts = 10

[[events]]
kind = "committee"
at = "500ms"
remove = {remove}
rekey = [1]
"""


def scenario(
    liars: dict[str, list[int]],
    remove: list[int],
    certificates: str = "ed25519",
) -> Scenario:
    """Return a network whose first committee bears its liars, and which then removes nodes."""
    text = SCENARIO.format(certificates=certificates, remove=remove)
    for name, nodes in liars.items():
        text += f'\n[[network.classes]]\nname = "{name}"\nnodes = {nodes}\nliar = "{name}"\n'
    return decode_scenario(text)


class Judged:
    """A run under its checkers, or one of them, with the evidence that honest nodes found."""

    def __init__(self, scenario: Scenario, seed: int, checker: str | None = None) -> None:
        self.world: World = build_world(scenario, seed)
        self.proven: dict[tuple[int, int, str], int] = {}
        """How often, by (epoch, accused node, kind)."""
        checkers = run_checkers(scenario, self.world)
        suite = CheckerSuite([c for c in checkers if checker in (None, c.name)])
        self.world.subscribe_honest(suite.consumer(self.world))
        self.world.subscribe_honest(self._listen)
        self.violation: Violation | None
        try:
            self.world.run_until(scenario.duration)
            self.violation = suite.finish(self.world)
        except ViolationFound as found:
            self.violation = found.violation

    def _listen(self, seen: Observation) -> None:
        event = seen.event
        if isinstance(event, EvidenceFound):
            key = event.epoch, int(event.replica), event.kind
            self.proven[key] = self.proven.get(key, 0) + 1

    def later(self) -> list[tuple[int, str]]:
        """Return who was caught at what after the first epoch."""
        return sorted((node, kind) for epoch, node, kind in self.proven if epoch > 0)


@pytest.mark.parametrize("certificates", ["ed25519", "bls"])
def test_f_liars_of_a_later_committee_are_caught_and_do_no_harm(certificates: str) -> None:
    """Node 1 has index 0 after the removal, and another key; in the first epoch it only votes."""
    liars = {"equivocating-primary": [1], "equivocating-voter": [5]}
    for seed in SEEDS[:1] if certificates == "bls" else SEEDS:
        run = Judged(scenario(liars, [0], certificates=certificates), seed)
        assert run.violation is None
        assert run.world.committee.nodes == (1, 2, 3, 4, 5, 6, 7)
        assert run.world.committee.faults == 2
        assert run.later() == [(1, "pre_prepare"), (5, "prepare")]
        assert run.world.view >= 1, "the equivocating primary of view 0 is replaced"
        heights = [run.world.node(node).ledger.height for node in (2, 3, 4, 6, 7)]
        assert max(heights) - min(heights) <= 2
        assert min(heights) > 16


def test_f_colluding_liars_of_a_later_committee_do_not_split_it() -> None:
    for seed in SEEDS:
        run = Judged(scenario({"colluding": [1, 2]}, [0]), seed)
        assert run.violation is None, f"seed {seed}"
        assert (1, "pre_prepare") in run.later()
        assert run.world.head.number > 16


@pytest.mark.parametrize("checker", ["prepared", "agreement"])
@pytest.mark.parametrize(
    ("liars", "remove"), [([1, 2, 3], [0]), ([1, 2], [0, 5, 6, 7])], ids=["3 of 7", "2 of 4"]
)
def test_f_plus_1_of_a_later_committee_split_the_chain_and_the_checker_says_so(
    checker: str, liars: list[int], remove: list[int]
) -> None:
    """In the first committee, which node 0 leads, they have nothing to lie about."""
    for seed in SEEDS:
        run = Judged(scenario({"colluding": liars}, remove), seed, checker)
        assert run.violation is not None, "two blocks at one height, and nobody objects"
        assert run.violation.checker == checker
        assert run.violation.node not in liars
        assert run.world.head.epoch.number == 1
        assert all(epoch > 0 for epoch, _, _ in run.proven)


@pytest.mark.parametrize(
    ("liar", "kind"),
    [
        ("twins", "pre_prepare"),
        ("colluding", "pre_prepare"),
        ("invalid-state-root", "proposal"),
        ("flooding", "commit"),
    ],
)
def test_every_lie_that_leaves_proof_leaves_it_in_a_later_epoch(liar: str, kind: str) -> None:
    run = Judged(scenario({liar: [1]}, [0]), seed=1)
    assert run.violation is None
    assert (1, kind) in run.later()
    assert [node for node, _ in run.later()] == [1] * len(run.later())


@pytest.mark.parametrize(
    "liar", ["equivocating-primary", "colluding", "flooding", "usurping", "garbage", "twins"]
)
def test_a_removed_liar_signs_nothing_any_more(liar: str) -> None:
    run = Judged(scenario({liar: [0]}, [0]), seed=1)
    assert run.violation is None
    assert run.world.head.epoch.number == 1
    assert run.later() == []
    assert run.world.head.number > 16
