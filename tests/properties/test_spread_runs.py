"""Whole networks whose blocks or transactions spread otherwise decide what others decide.

Where nothing goes wrong, the very same blocks as with direct proposals and announced transactions;
else the same transactions, with every checker content: under faults, and
with liars in mesh or tree. No honest node is blamed.
"""

import pytest
from hypothesis import given, settings, strategies as st
from msgspec.structs import replace

from node.spread_proposals import outward
from sim.assembly import build_world
from sim.scenario import Scenario
from sim.trace import Observation, Traffic
from tests.properties import whole_runs
from tests.properties.whole_runs import CRASH, CUT, LIAR, blamed, chain, faults

SECOND = 1_000_000_000
SMALL = """
mesh_degree = 3
mesh_degree_low = 2
mesh_degree_high = 5
tree_data = 4
tree_parity = 4
tree_fanout = 2
"""
COMMITTEES = (
    '[[events]]\nkind = "committee"\nat = "4s"\nadd = [4]\n'
    '[[events]]\nkind = "committee"\nat = "8s"\nremove = [1]\n'
)
TREE, MESH, TRANSACTIONS = 'dissemination = "tree"', 'dissemination = "mesh"', 'gossip = "mesh"'
WAYS = (TREE, MESH, TRANSACTIONS, f"{MESH}\n{TRANSACTIONS}", f"{TREE}\n{TRANSACTIONS}")
LIARS = (
    *("false-shreds", "withholding", "garbage", "equivocating-primary", "lying-server"),
    *("silent", "flooding", "invalid-state-root"),
)


def scenario(keys: str, classes: str = "", events: str = "", **more: int) -> Scenario:
    """Return a network whose mesh and trees are as small as itself."""
    return whole_runs.scenario(SMALL + keys, classes, events, **more)


def sent(scenario: Scenario, until: int) -> tuple[dict[str, int], list[Observation]]:
    """Return messages by kind, and what the trace has, of a run."""
    kinds: dict[str, int] = {}
    seen: list[Observation] = []

    def count(each: Traffic) -> None:
        kinds[each.kind] = kinds.get(each.kind, 0) + each.count

    with build_world(scenario, 1) as world:
        world.subscribe(events=seen.append, traffic=count)
        world.run_until(until)
    return kinds, seen


ways = st.sampled_from(WAYS)


@pytest.mark.parametrize("keys", WAYS)
def test_the_same_blocks_are_decided_whichever_way_they_come(keys: str) -> None:
    """Blocks are built every 500 ms of what came 50 ms before or earlier: time to spare."""
    direct = chain(scenario("", rate=4), 1)
    assert len(direct) > 20
    assert chain(scenario(keys, rate=4), 1) == direct


@settings(max_examples=3)
@given(ways, st.sampled_from(LIARS), faults, st.integers(1, 1_000))
def test_liars_cost_no_transaction_and_no_good_name_but_their_own(
    keys: str, liar: str, fault: str, seed: int
) -> None:
    liars_cost_nothing(keys, liar, fault, seed)


@pytest.mark.slow
@settings(max_examples=40)
@given(ways, st.sampled_from(LIARS), faults, st.integers(1, 1_000))
def test_more_liars_cost_no_more(keys: str, liar: str, fault: str, seed: int) -> None:
    liars_cost_nothing(keys, liar, fault, seed)


def liars_cost_nothing(keys: str, liar: str, fault: str, seed: int) -> None:
    result, found = blamed(scenario(keys, LIAR.format(liar), fault), seed)
    assert result.passed, result
    assert result.unconfirmed == 0
    assert set(found) <= {0}


def test_proposals_go_down_trees_and_not_directly() -> None:
    kinds, _ = sent(scenario(TREE), 8 * SECOND)
    assert kinds["BlockShred"] > 100
    assert "PrePrepare" not in kinds
    assert "MeshPayload" not in kinds


def test_in_a_mesh_followers_need_fetch_no_block() -> None:
    fetched, _ = sent(scenario(""), 8 * SECOND)
    kinds, _ = sent(scenario(MESH), 8 * SECOND)
    assert fetched["CertifiedBlocks"] > 20
    assert "PrePrepare" not in kinds
    assert kinds.get("CertifiedBlocks", 0) < 5


def test_in_a_mesh_of_transactions_hashes_are_no_longer_announced() -> None:
    announced, _ = sent(scenario(""), 8 * SECOND)
    kinds, _ = sent(scenario(TRANSACTIONS), 8 * SECOND)
    assert kinds["PrePrepare"] > 20
    assert kinds.get("AnnounceTransactions", 0) * 5 < announced["AnnounceTransactions"]


def test_only_who_begins_later_than_the_others_says_what_it_listens_to() -> None:
    kinds, _ = sent(scenario(MESH), SECOND)
    assert kinds["MeshGraft"] > 0
    assert "MeshSubscribe" not in kinds
    crashed, _ = sent(scenario(MESH, events=CRASH.format(at=500, node=2)), 5 * SECOND)
    assert crashed["MeshSubscribe"] == 5


@pytest.mark.parametrize("keys", [TREE, MESH])
def test_whoever_is_ahead_in_a_new_epoch_is_not_blamed_for_it(keys: str) -> None:
    """Shreds and letters of a committee reach a member that is still in the one before."""
    made = scenario(keys, events=COMMITTEES + CUT.format(at=3_000, node=3))
    made = replace(made, chain=replace(made.chain, checkpoint_interval=8))
    result, found = blamed(made, 1)
    assert result.passed, result
    assert result.unconfirmed == 0
    assert not found


@pytest.mark.parametrize("keys", [TREE, MESH])
def test_a_primary_with_two_stories_is_found_out(keys: str) -> None:
    liar = "false-shreds" if keys == TREE else "equivocating-primary"
    _, seen = sent(scenario(keys, LIAR.format(liar)), 12 * SECOND)
    names = [observation.event.name for observation in seen]
    expected = "spread.primary_contradicted" if keys == TREE else "consensus.evidence"
    assert expected in names


def test_what_consensus_does_not_propose_is_left_as_it_is() -> None:
    effects = ()
    assert outward(effects) is effects
