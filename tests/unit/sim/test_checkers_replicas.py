"""Who is accused, and what the tables of a replica hold."""

import pytest

from consensus.bounds import overfull
from consensus.messages import Commit
from consensus.replica import Replica
from consensus.trace import EvidenceFound
from network.mesh.topics import BLOCKS
from node.trace import PeerScored
from primitives.ids import Hash32, NodeId, Sequence, View
from primitives.machine import Received
from sim.assembly import build_world
from sim.checkers import Accusations, Bounded
from sim.checkers.bounded import EVERY
from sim.scenario import decode_table
from sim.tables import Tables
from tests.unit.consensus.rig import Rig
from tests.unit.consensus.toys import signed_commit
from tests.unit.sim.checker_histories import History, check_context


def accused(node: int, liars: list[int]) -> History:
    history = History()
    history.world.liars = liars
    history.add(0, EvidenceFound(NodeId(node), "commit", View(2), Sequence(9)))
    return history


def test_evidence_against_a_liar_is_right() -> None:
    assert accused(3, [3]).judge(Accusations(check_context())) is None


def test_evidence_against_an_honest_node_is_a_defect() -> None:
    violation = accused(2, [3]).judge(Accusations(check_context()))
    assert violation is not None
    assert (violation.checker, violation.node) == ("accusations", 0)
    assert "against node 2, which is honest: commit in view 2 at 9" in violation.detail


def fallen(node: int, reason: str) -> History:
    history = History()
    history.world.liars = [3]
    history.add(0, PeerScored(node, 50, reason))
    return history


def test_a_score_that_fell_for_a_proof_against_an_honest_node_is_a_defect() -> None:
    reason = "a chunk that does not prove itself"
    assert fallen(3, reason).judge(Accusations(check_context())) is None
    violation = fallen(2, reason).judge(Accusations(check_context()))
    assert violation is not None
    assert (violation.checker, violation.node) == ("accusations", 0)
    assert violation.detail == f"scores node 2, which is honest, for a proof: {reason}"


def test_an_honest_node_may_be_silent() -> None:
    assert fallen(2, "no answer in time").judge(Accusations(check_context())) is None


class Full:
    """Shows one full table, at one node, from some look on."""

    def __init__(self, node: int) -> None:
        self.node = node
        self.looks = 0

    def overfull(self, node: NodeId) -> tuple[str, int, int] | None:
        self.looks += 1
        return ("slots", 99, 32) if node == self.node else None


def test_a_table_that_outgrows_its_bound_is_a_defect() -> None:
    history = History()
    history.commit_all([0, 1], [1])
    violation = history.judge(Bounded(check_context(), Full(4)))
    assert violation is not None
    assert (violation.checker, violation.node) == ("bounded", 4)
    assert violation.detail == "holds 99 entries in slots, at most 32 are allowed"
    assert history.judge(Bounded(check_context(), Full(-1))) is None


def test_the_tables_are_looked_at_now_and_then() -> None:
    tables = Full(-1)
    history = History()
    for _ in range(EVERY):
        history.commit(0, 1)
    history.judge(Bounded(check_context(), tables))
    assert tables.looks == 2 * check_context().nodes


def test_a_running_network_keeps_within_its_bounds_and_a_stuffed_replica_is_seen() -> None:
    scenario = decode_table(
        {
            "name": "bounds",
            "duration": "3s",
            "network": {"validators": 4, "followers": 1},
            "workload": {"rate": 20, "accounts": 10},
        }
    )
    world = build_world(scenario, 1)
    world.run_until(2 * 10**9)
    tables = Tables(world)
    assert [tables.overfull(NodeId(node)) for node in range(5)] == [None] * 5
    replica = world.node(NodeId(2)).replica
    assert isinstance(replica, Replica)
    replica.state.repair.peer_views.update(dict.fromkeys(range(9), View(1)))
    assert tables.overfull(NodeId(2)) == ("repair.peer_views", 9, 4)


@pytest.mark.parametrize(
    "way", [{"dissemination": "mesh"}, {"dissemination": "tree"}, {"gossip": "reconcile"}]
)
def test_running_meshes_trees_and_rounds_keep_within_their_bounds(way: dict[str, str]) -> None:
    keys = {"validators": 4, "followers": 1, **way}
    table: dict[str, object] = {
        "name": "bounds",
        "duration": "3s",
        "network": keys,
        "workload": {"rate": 20},
    }
    with build_world(decode_table(table), 1) as world:
        world.run_until(2 * 10**9)
        tables = Tables(world)
        assert [tables.overfull(NodeId(node)) for node in range(5)] == [None] * 5
        spread = world.node(NodeId(2)).parts.spread
        assert spread is not None
        if spread.mesh is not None:
            spread.mesh.state.mesh[BLOCKS] = dict.fromkeys(map(NodeId, range(20)))
            assert tables.overfull(NodeId(2)) == ("mesh.links", 20, 14)
        if spread.tree is not None:
            place, draft = spread.tree.drafts.entries()[-1]
            draft.served[NodeId(1)] = 65
            assert place.sequence > 0
            assert tables.overfull(NodeId(2)) == ("tree.served", 65, 64)
        if spread.announcer is not None:
            (link, *_) = spread.announcer.core.state.links.values()
            link.pending = {Hash32(b"%32d" % each): (2, 100) for each in range(4_097)}
            assert tables.overfull(NodeId(2)) == ("reconcile.pending", 4_097, 4_096)


@pytest.mark.parametrize("peer", [2, 3])
def test_a_flood_of_one_peer_overfills_nothing(peer: int) -> None:
    rig = Rig(1)
    for view in (0, 1, 5):
        for sequence in range(1, 400):
            vote = signed_commit(4, peer, view, sequence, Hash32(b"%32d" % sequence))
            assert isinstance(vote, Commit)
            rig.give(Received(NodeId(peer), vote))
    assert overfull(rig.state) is None
