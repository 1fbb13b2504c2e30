"""Rules of gossipsub v1.1 on who is linked with whom, one test each."""

import pytest

from network.mesh import (
    Mesh,
    MeshConfig,
    MeshGraft,
    MeshPrune,
    MeshSubscribe,
    MeshTimer,
    ScoreConfig,
    Verdict,
)
from network.mesh.scores import count_fault, count_invalid
from primitives.errors import InvalidInput
from primitives.ids import Duration, Instant, NodeId
from primitives.machine import SetTimer
from tests.unit.network.mesh.material import (
    BEAT,
    NOW,
    OTHER,
    SECOND,
    SMALL,
    TOPIC,
    after,
    beat,
    beats,
    deliver,
    links,
    make,
    outside,
    sent,
)

STRANGER = NodeId(99)


def test_joining_tells_all_peers_and_grafts_the_degree() -> None:
    mesh = make(joined=False)
    effects = mesh.join(NOW, TOPIC)
    assert sent(effects, MeshSubscribe) == [
        (peer, MeshSubscribe(TOPIC, joined=True)) for peer in range(1, 9)
    ]
    grafts = sent(effects, MeshGraft)
    assert sorted(to for to, _ in grafts) == sorted(links(mesh))
    assert len(grafts) == SMALL.degree
    assert mesh.join(NOW, TOPIC) == ()


def test_joining_what_all_know_of_grafts_without_a_word() -> None:
    mesh = make(joined=False)
    effects = mesh.join(NOW, TOPIC, told=True)
    assert not sent(effects, MeshSubscribe)
    assert len(sent(effects, MeshGraft)) == len(links(mesh)) == SMALL.degree


def test_only_subscribers_are_grafted() -> None:
    mesh = Mesh(SMALL, make().state.generator, lambda raw: raw)  # type: ignore[arg-type,return-value]
    for peer in range(1, 6):
        mesh.connected(NOW, NodeId(peer))
    mesh.on_message(NOW, NodeId(4), MeshSubscribe(TOPIC, joined=True))
    mesh.join(NOW, TOPIC)
    assert links(mesh) == [4]
    mesh.on_message(NOW, NodeId(4), MeshSubscribe(TOPIC, joined=False))
    assert links(mesh) == []


def test_a_new_peer_hears_which_topics_are_joined() -> None:
    mesh = make()
    assert sent(mesh.connected(NOW, STRANGER)) == [(99, MeshSubscribe(TOPIC, joined=True))]
    assert mesh.connected(NOW, STRANGER) == ()


def test_leaving_prunes_with_the_shorter_back_off() -> None:
    mesh = make()
    before = links(mesh)
    effects = mesh.leave(NOW, TOPIC)
    assert sent(effects, MeshPrune) == [
        (peer, MeshPrune(TOPIC, SMALL.backoff_leave)) for peer in before
    ]
    assert len(sent(effects, MeshSubscribe)) == 8
    assert mesh.leave(NOW, TOPIC) == ()


def test_a_graft_is_accepted_until_the_mesh_is_at_its_upper_degree() -> None:
    mesh = make()
    first, second = outside(mesh)[:2]
    assert mesh.on_message(NOW, first, MeshGraft(TOPIC)) == ()
    assert first in links(mesh)
    answer = mesh.on_message(NOW, second, MeshGraft(TOPIC))
    assert sent(answer) == [(second, MeshPrune(TOPIC, SMALL.backoff))]
    assert second not in links(mesh)
    assert mesh.statistics.grafts_refused == 1
    assert mesh.on_message(NOW, first, MeshGraft(TOPIC)) == ()


def test_a_graft_of_an_unknown_topic_gets_no_answer() -> None:
    mesh = make()
    assert mesh.on_message(NOW, NodeId(1), MeshGraft(OTHER)) == ()
    assert mesh.on_message(NOW, NodeId(1), MeshPrune(OTHER, 5)) == ()
    assert OTHER not in mesh.state.mesh


def test_a_graft_during_the_back_off_is_a_fault_and_a_second_one_soon_after() -> None:
    mesh = make()
    peer = links(mesh)[0]
    mesh.on_message(NOW, peer, MeshPrune(TOPIC, SMALL.backoff))
    early = mesh.on_message(after(NOW, SECOND), peer, MeshGraft(TOPIC))
    assert sent(early) == [(peer, MeshPrune(TOPIC, SMALL.backoff))]
    assert mesh.state.peers[peer].faults == 2_000
    mesh.on_message(after(NOW, 40 * SECOND), peer, MeshGraft(TOPIC))
    assert mesh.state.peers[peer].faults == 3_000
    # Each refusal has started the back-off again.
    mesh.on_message(after(NOW, 99 * SECOND), peer, MeshGraft(TOPIC))
    assert mesh.state.peers[peer].faults == 4_000
    assert peer not in links(mesh)
    done = after(NOW, 99 * SECOND + SMALL.backoff)
    assert mesh.on_message(done, peer, MeshGraft(TOPIC)) == ()
    assert peer in links(mesh)


def test_a_pruned_peer_is_not_grafted_before_its_time_and_a_heartbeat() -> None:
    mesh = make(peers=2)
    mesh.on_message(NOW, NodeId(1), MeshPrune(TOPIC, 2 * SECOND))
    at = beats(mesh, 2)
    assert links(mesh) == [2]
    assert at < NOW + 2 * SECOND + BEAT
    beats(mesh, 2, at)
    assert sorted(links(mesh)) == [1, 2]


def test_a_back_off_without_end_is_cut_and_none_at_all_is_the_usual_one() -> None:
    mesh = make()
    mesh.on_message(NOW, NodeId(1), MeshPrune(TOPIC, 1 << 52))
    mesh.on_message(NOW, NodeId(2), MeshPrune(TOPIC, 0))
    assert mesh.state.backoff[TOPIC, NodeId(1)] == NOW + SMALL.backoff_max
    assert mesh.state.backoff[TOPIC, NodeId(2)] == NOW + SMALL.backoff


def test_a_mesh_below_its_lower_degree_is_filled_at_the_heartbeat() -> None:
    mesh = make()
    for peer in links(mesh)[:2]:
        mesh.disconnected(NOW, peer)
    effects = beat(mesh, NOW + BEAT)
    assert len(sent(effects, MeshGraft)) == 2
    assert len(links(mesh)) == SMALL.degree


def test_a_mesh_above_its_upper_degree_is_cut_to_its_degree_and_keeps_the_best() -> None:
    mesh = make()
    for peer in outside(mesh):
        mesh.state.mesh[TOPIC][peer] = None
    best = links(mesh)[5]
    mesh.judged(NOW, deliver(mesh, best, b"first")[0].identity, Verdict.ACCEPT)
    effects = beat(mesh, NOW + BEAT)
    assert len(links(mesh)) == SMALL.degree
    assert best in links(mesh)
    assert len(sent(effects, MeshPrune)) == 8 - SMALL.degree
    assert all((TOPIC, to) in mesh.state.backoff for to, _ in sent(effects, MeshPrune))


def test_peers_below_zero_are_pruned_and_neither_grafted_nor_accepted() -> None:
    mesh = make(peers=3)
    count_invalid(mesh.state, NodeId(1))
    assert mesh.score(NodeId(1)) == -10_000
    effects = beat(mesh, NOW + BEAT)
    assert sent(effects, MeshPrune) == [(1, MeshPrune(TOPIC, SMALL.backoff))]
    del mesh.state.backoff[TOPIC, NodeId(1)]
    later = after(NOW, 2 * BEAT)
    assert sent(mesh.on_message(later, NodeId(1), MeshGraft(TOPIC))) == [
        (1, MeshPrune(TOPIC, SMALL.backoff))
    ]


def test_a_poor_mesh_grafts_two_that_stand_above_its_median() -> None:
    config = MeshConfig(
        degree_low=2, degree=3, degree_high=4, degree_score=1, opportunistic_beats=2
    )
    mesh = make(config=config)
    better = outside(mesh)[:3]
    for peer in better:
        mesh.state.peers[peer].deliveries = 5_000
    assert not sent(beat(mesh, NOW + BEAT), MeshGraft)
    grafts = sent(beat(mesh, NOW + 2 * BEAT), MeshGraft)
    assert len(grafts) == 2
    assert {to for to, _ in grafts} < set(better)


def test_a_poor_mesh_grafts_nobody_who_is_no_better() -> None:
    config = MeshConfig(
        degree_low=2, degree=3, degree_high=4, degree_score=1, opportunistic_beats=1,
        scores=ScoreConfig(beat_points=0),
    )  # fmt: skip
    assert not sent(beat(make(config=config), NOW + BEAT), MeshGraft)


def test_a_good_mesh_grafts_nobody_beside() -> None:
    config = MeshConfig(
        degree_low=2, degree=3, degree_high=4, degree_score=1, opportunistic_beats=1
    )
    mesh = make(config=config)
    for known in mesh.state.peers.values():
        known.deliveries = 9_000
    assert not sent(beat(mesh, NOW + BEAT), MeshGraft)


def test_a_bad_score_survives_a_new_connection_and_a_good_one_does_not() -> None:
    mesh = make()
    count_invalid(mesh.state, NodeId(1))
    mesh.state.peers[NodeId(2)].deliveries = 5_000
    for peer in (NodeId(1), NodeId(2)):
        mesh.disconnected(NOW, peer)
        assert mesh.score(peer) == 0
        mesh.connected(after(NOW, SECOND), peer)
    assert mesh.score(NodeId(1)) == -10_000
    assert mesh.score(NodeId(2)) == 0
    mesh.disconnected(NOW, NodeId(1))
    mesh.connected(after(NOW, SMALL.retained_ttl), NodeId(1))
    assert mesh.score(NodeId(1)) == 0


def test_what_is_remembered_of_the_gone_is_bounded_and_forgotten_in_time() -> None:
    mesh = make(config=MeshConfig(retained_max=2))
    for peer in range(1, 5):
        count_invalid(mesh.state, NodeId(peer))
        mesh.disconnected(NOW, NodeId(peer))
    assert list(mesh.state.gone) == [3, 4]
    beat(mesh, NOW + SMALL.retained_ttl)
    assert mesh.state.gone == {}
    assert mesh.disconnected(NOW, STRANGER) == ()


def test_subscriptions_and_back_offs_of_a_peer_are_bounded() -> None:
    mesh = make(config=MeshConfig(topics_per_peer=3, backoffs_max=4))
    for number in range(50):
        topic = b"t%d" % number
        mesh.on_message(NOW, NodeId(1), MeshSubscribe(topic, joined=True))
        mesh.join(NOW, topic)
        mesh.on_message(NOW, NodeId(1), MeshPrune(topic, SECOND))
    assert len(mesh.state.peers[NodeId(1)].topics) == 3
    assert len(mesh.state.backoff) == 4


def test_heartbeats_start_at_a_time_by_chance_and_go_on() -> None:
    mesh = make()
    (first,) = mesh.start()
    assert isinstance(first, SetTimer)
    assert 0 < first.delay_ns <= BEAT
    assert beat(mesh, NOW)[-1] == SetTimer(MeshTimer.HEARTBEAT, Duration(BEAT))


def test_time_in_a_mesh_counts_up_to_a_limit_and_ends_with_the_link() -> None:
    mesh = make(peers=1)
    at = beats(mesh, 50)
    assert mesh.score(NodeId(1)) == 500
    at = beats(mesh, 400, at)
    assert mesh.score(NodeId(1)) == ScoreConfig().beat_points_max
    mesh.on_message(Instant(at), NodeId(1), MeshPrune(TOPIC, SECOND))
    beats(mesh, 1, at)
    assert mesh.score(NodeId(1)) == 0


def test_a_few_faults_are_free_and_all_are_forgotten() -> None:
    mesh = make(peers=1)
    count_fault(mesh.state, NodeId(1), 4)
    assert mesh.score(NodeId(1)) == 0
    count_fault(mesh.state, NodeId(1), 2)
    assert mesh.score(NodeId(1)) == -20_000
    beats(mesh, 400)
    assert mesh.state.peers[NodeId(1)].faults == 0


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"degree_low": 9}, "degree"),
        ({"degree_low": 0}, "degree"),
        ({"degree_high": 7}, "degree"),
        ({"degree_score": 9}, "degree_score"),
        ({"windows_gossip": 7}, "windows_gossip"),
    ],
)
def test_degrees_that_contradict_each_other_are_refused(wrong: dict[str, int], field: str) -> None:
    with pytest.raises(InvalidInput, match=rf"network\.mesh\.{field}: "):
        MeshConfig(**wrong)  # type: ignore[arg-type]
