"""Messages in full, and their ids: what goes to whom, what is asked for, who is blamed."""

import pytest

from network.mesh import (
    MeshConfig,
    MeshDontWant,
    MeshHave,
    MeshPayload,
    MeshPrune,
    MeshSubscribe,
    MeshWant,
    Verdict,
)
from network.mesh.messages import IDS_PER_MESSAGE, PAYLOAD_BYTES_MAX
from primitives.errors import InvalidInput
from primitives.ids import NodeId
from primitives.machine import Send
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
    name,
    outside,
    sent,
)


def test_one_s_own_message_goes_to_the_mesh_once() -> None:
    mesh = make()
    effects = mesh.publish(NOW, TOPIC, b"block")
    assert sent(effects) == [(peer, MeshPayload(TOPIC, b"block")) for peer in links(mesh)]
    assert mesh.publish(NOW, TOPIC, b"block") == ()
    assert deliver(mesh, 1, b"block") == []
    with pytest.raises(InvalidInput, match=f"at most {PAYLOAD_BYTES_MAX} bytes"):
        mesh.publish(NOW, TOPIC, bytes(PAYLOAD_BYTES_MAX + 1))


def test_with_flood_publishing_it_goes_to_every_subscriber_that_stands_well() -> None:
    mesh = make(config=MeshConfig(flood_publish=True))
    mesh.state.peers[NodeId(3)].invalid = 3_000
    mesh.on_message(NOW, NodeId(4), MeshSubscribe(TOPIC, joined=False))
    effects = mesh.publish(NOW, TOPIC, b"block")
    assert [to for to, _ in sent(effects)] == [1, 2, 5, 6, 7, 8]


def test_a_topic_that_is_not_joined_is_published_to_the_same_peers_for_a_while() -> None:
    mesh = make(joined=False)
    first = [to for to, _ in sent(mesh.publish(NOW, TOPIC, b"a"))]
    assert len(first) == SMALL.degree
    beats(mesh, 3)
    assert [to for to, _ in sent(mesh.publish(NOW, TOPIC, b"b"))] == first
    mesh.disconnected(NOW, NodeId(first[0]))
    second = [to for to, _ in sent(mesh.publish(NOW, TOPIC, b"c"))]
    assert second[:2] == first[1:]
    assert len(second) == SMALL.degree
    mesh.join(NOW, TOPIC)
    assert sorted(links(mesh)) == sorted(second)
    assert mesh.state.fanout == {}


def test_a_fan_out_that_is_not_used_is_forgotten() -> None:
    mesh = make(joined=False)
    mesh.publish(NOW, TOPIC, b"a")
    beat(mesh, NOW + SMALL.fanout_ttl - 1)
    assert mesh.state.fanout
    beat(mesh, NOW + SMALL.fanout_ttl)
    assert mesh.state.fanout == {}


def test_nothing_is_passed_on_before_the_verdict_and_then_not_to_those_who_have_it() -> None:
    mesh = make()
    first, second, third = links(mesh)
    (arrival,) = deliver(mesh, first, b"block")
    assert (arrival.payload, arrival.peer, arrival.topic) == (b"block", first, TOPIC)
    assert arrival.identity == name(mesh, b"block")
    assert deliver(mesh, second, b"block") == []
    effects = mesh.judged(NOW, arrival.identity, Verdict.ACCEPT)
    assert sent(effects) == [(third, MeshPayload(TOPIC, b"block"))]
    assert mesh.judged(NOW, arrival.identity, Verdict.ACCEPT) == ()
    assert (mesh.statistics.received, mesh.statistics.duplicates) == (2, 1)
    assert mesh.statistics.duplicate_bytes == 5


def test_a_long_message_s_arrival_is_told_to_the_mesh_at_once() -> None:
    mesh = make()
    first, *others = links(mesh)
    long = bytes(SMALL.unwanted_bytes_min)
    effects = mesh.on_message(NOW, first, MeshPayload(TOPIC, long))
    refusal = MeshDontWant((name(mesh, long),))
    assert sent(effects) == [(peer, refusal) for peer in others]
    short = mesh.on_message(NOW, first, MeshPayload(TOPIC, long[1:]))
    assert sent(short) == []


def test_a_peer_that_says_that_it_has_a_message_does_not_get_it_for_a_while() -> None:
    mesh = make()
    first, second, third = links(mesh)
    for payload, waited in ((b"now", 0), (b"soon", 2), (b"late", 3)):
        mesh.on_message(NOW, second, MeshDontWant((name(mesh, payload),)))
        beats(mesh, waited)
        deliver(mesh, first, payload)
        effects = mesh.judged(NOW, name(mesh, payload), Verdict.ACCEPT)
        expected = [third] if payload != b"late" else [second, third]
        assert [to for to, _ in sent(effects)] == expected
    assert mesh.statistics.spared == 2


def test_what_a_peer_does_not_want_is_bounded() -> None:
    mesh = make(config=MeshConfig(unwanted_max=3))
    ids = tuple(bytes([number]) * 20 for number in range(5))
    mesh.on_message(NOW, NodeId(1), MeshDontWant(ids))
    assert list(mesh.state.peers[NodeId(1)].unwanted) == list(ids[2:])


def test_the_first_with_a_valid_message_is_credited() -> None:
    mesh = make()
    (arrival,) = deliver(mesh, 1, b"block")
    deliver(mesh, 2, b"block")
    mesh.judged(NOW, arrival.identity, Verdict.ACCEPT)
    assert (mesh.score(NodeId(1)), mesh.score(NodeId(2))) == (1_000, 0)
    for number in range(40):
        mesh.judged(NOW, deliver(mesh, 1, b"%d" % number)[0].identity, Verdict.ACCEPT)
    assert mesh.score(NodeId(1)) == 20_000


def test_all_carriers_of_an_invalid_message_are_blamed_and_it_goes_nowhere() -> None:
    mesh = make()
    (arrival,) = deliver(mesh, 1, b"bad")
    deliver(mesh, 2, b"bad")
    deliver(mesh, 2, b"bad")
    assert mesh.judged(NOW, arrival.identity, Verdict.REJECT) == ()
    deliver(mesh, 3, b"bad")
    assert [mesh.state.peers[NodeId(peer)].invalid for peer in (1, 2, 3, 4)] == [1_000] * 3 + [0]
    assert mesh.state.cache.get(arrival.identity) is None
    assert mesh.statistics.invalid == 1


def test_nobody_is_blamed_for_a_message_that_is_ignored() -> None:
    mesh = make()
    (arrival,) = deliver(mesh, 1, b"old")
    assert mesh.judged(NOW, arrival.identity, Verdict.IGNORE) == ()
    assert mesh.score(NodeId(1)) == 0
    assert mesh.state.cache.get(arrival.identity) is None


def test_a_graylisted_peer_is_not_listened_to_and_neither_is_a_stranger() -> None:
    mesh = make()
    mesh.state.peers[NodeId(1)].invalid = 3_000
    assert deliver(mesh, 1, b"block") == []
    assert deliver(mesh, 99, b"block") == []
    assert mesh.statistics.received == 0
    assert len(deliver(mesh, 2, b"block")) == 1


def test_a_message_of_a_topic_that_is_not_joined_is_counted_and_dropped() -> None:
    mesh = make()
    assert mesh.on_message(NOW, NodeId(1), MeshPayload(OTHER, b"x")) == ()
    assert mesh.statistics.foreign == 1


def test_what_waits_for_a_verdict_is_bounded_by_peer_and_in_all() -> None:
    config = MeshConfig(pending_bytes_per_peer=10, pending_bytes_max=25, pending_per_peer=2)
    mesh = make(config=config)
    assert len(deliver(mesh, 1, b"12345")) == 1
    assert deliver(mesh, 1, b"123456") == []
    assert len(deliver(mesh, 1, b"a")) == 1
    assert deliver(mesh, 1, b"b") == []
    assert mesh.statistics.dropped == 2
    assert len(deliver(mesh, 2, b"1234567890")) == 1
    assert deliver(mesh, 3, b"0987654321") == []
    # Another connection does not open the limit again.
    mesh.disconnected(NOW, NodeId(1))
    mesh.connected(NOW, NodeId(1))
    assert deliver(mesh, 1, b"b") == []
    mesh.judged(NOW, name(mesh, b"12345"), Verdict.IGNORE)
    assert len(deliver(mesh, 1, b"b")) == 1
    assert mesh.state.pending_bytes == 12


def test_a_dropped_message_may_come_again() -> None:
    mesh = make(config=MeshConfig(pending_per_peer=1))
    deliver(mesh, 1, b"a")
    assert deliver(mesh, 1, b"b") == []
    assert len(deliver(mesh, 2, b"b")) == 1


def test_what_is_published_where_links_are_few_goes_to_some_others_too() -> None:
    """All peers may have cut this node off, each because its own mesh is full."""
    mesh = make()
    first, *cut = links(mesh)
    for peer in cut:
        mesh.on_message(NOW, peer, MeshPrune(TOPIC, 60 * SECOND))
    assert links(mesh) == [first]
    worst = outside(mesh)[0]
    mesh.state.peers[worst].invalid = 9_000
    told = [to for to, _ in sent(mesh.publish(NOW, TOPIC, b"block"), MeshPayload)]
    assert told[0] == first
    assert len(set(told)) == len(told) == SMALL.degree
    assert worst not in told


def test_ids_of_the_latest_windows_go_to_peers_outside_the_mesh() -> None:
    mesh = make()
    mesh.publish(NOW, TOPIC, b"block")
    told: list[int] = []
    for number in range(1, 5):
        haves = sent(beat(mesh, NOW + number * BEAT), MeshHave)
        assert all(message == MeshHave(TOPIC, (name(mesh, b"block"),)) for _, message in haves)
        assert not {to for to, _ in haves} & set(links(mesh))
        told.append(len(haves))
    assert told == [2, 2, 2, 0]


def test_more_peers_hear_ids_where_there_are_many() -> None:
    mesh = make(peers=43)
    mesh.publish(NOW, TOPIC, b"block")
    assert len(sent(beat(mesh, NOW + BEAT), MeshHave)) == 10


def test_those_that_stand_badly_hear_no_ids_and_theirs_are_not_read() -> None:
    mesh = make(peers=4)
    mesh.publish(NOW, TOPIC, b"block")
    (peer,) = outside(mesh)
    mesh.state.peers[peer].invalid = 1_010
    assert sent(beat(mesh, NOW + BEAT), MeshHave) == []
    assert mesh.on_message(NOW, peer, MeshHave(TOPIC, (bytes(20),))) == ()
    assert mesh.on_message(NOW, peer, MeshWant((name(mesh, b"block"),))) == ()


def test_new_ids_are_asked_for() -> None:
    mesh = make()
    deliver(mesh, 2, b"known")
    ids = (name(mesh, b"known"), name(mesh, b"new"), name(mesh, b"new"))
    effects = mesh.on_message(NOW, NodeId(1), MeshHave(TOPIC, ids))
    assert sent(effects) == [(1, MeshWant((name(mesh, b"new"),)))]
    assert mesh.on_message(NOW, NodeId(1), MeshHave(OTHER, ids)) == ()


def test_a_flood_of_ids_is_read_up_to_a_limit_for_each_heartbeat() -> None:
    mesh = make(config=MeshConfig(haves_per_beat=3, ids_per_beat=1_500))

    def flood(number: int) -> int:
        ids = tuple((number * 5_000 + at).to_bytes(20, "big") for at in range(IDS_PER_MESSAGE))
        effects = mesh.on_message(NOW, NodeId(1), MeshHave(TOPIC, ids))
        return sum(len(message.ids) for _, message in sent(effects))

    assert [flood(number) for number in range(5)] == [IDS_PER_MESSAGE, 476, 0, 0, 0]
    assert mesh.statistics.ids_ignored == 5 * IDS_PER_MESSAGE - 1_500
    assert len(mesh.state.promises) == 2
    beat(mesh, NOW + BEAT)
    assert flood(9) == IDS_PER_MESSAGE


def test_only_some_messages_with_ids_are_read_for_each_heartbeat() -> None:
    mesh = make(config=MeshConfig(haves_per_beat=2))
    answers = [
        mesh.on_message(NOW, NodeId(1), MeshHave(TOPIC, (bytes([number]) * 20,)))
        for number in range(4)
    ]
    assert [len(answer) for answer in answers] == [1, 1, 0, 0]
    assert len(mesh.on_message(NOW, NodeId(2), MeshHave(TOPIC, (bytes([3]) * 20,)))) == 1
    beat(mesh, NOW + BEAT)
    assert len(mesh.on_message(NOW, NodeId(1), MeshHave(TOPIC, (bytes([3]) * 20,)))) == 1


def test_an_id_tells_where_the_topic_ends() -> None:
    mesh = make()
    assert mesh.state.identify(b"ab", b"c") != mesh.state.identify(b"a", b"bc")
    assert len(mesh.state.identify(b"ab", b"c")) == 20


def test_what_is_asked_for_and_does_not_come_is_a_broken_promise() -> None:
    mesh = make()
    mesh.on_message(NOW, NodeId(1), MeshHave(TOPIC, (name(mesh, b"kept"),)))
    mesh.on_message(NOW, NodeId(2), MeshHave(TOPIC, (name(mesh, b"broken"),)))
    mesh.on_message(NOW, NodeId(3), MeshHave(TOPIC, (name(mesh, b"broken"),)))
    deliver(mesh, 5, b"kept")
    beat(mesh, NOW + SMALL.promise - 1)
    assert mesh.statistics.promises_broken == 0
    beat(mesh, NOW + SMALL.promise)
    assert mesh.statistics.promises_broken == 2
    faults = [mesh.state.peers[NodeId(peer)].faults for peer in (1, 2, 3)]
    # The heartbeat that counts them lets a little of them be forgotten.
    assert faults == [0, 985, 985]
    assert mesh.state.promises == {}


def test_ids_that_a_link_has_held_back_cost_an_honest_peer_little() -> None:
    """Behind a cut they come all at once, and what they name is not given away any more."""
    mesh = make()
    for number in range(SMALL.haves_per_beat):
        have = MeshHave(TOPIC, (number.to_bytes(20, "big"),))
        assert mesh.on_message(NOW, NodeId(1), have) == (Send(NodeId(1), MeshWant(have.ids)),)
    beats(mesh, 6)
    assert mesh.statistics.promises_broken == SMALL.promises_per_peer
    assert mesh.score(NodeId(1)) >= 0


def test_whoever_never_answers_is_pruned_and_in_the_end_not_heard() -> None:
    mesh = make(peers=4)
    at = int(NOW)
    for number in range(40):
        ids = (number.to_bytes(20, "big"),)
        mesh.on_message(after(at, 0), NodeId(1), MeshHave(TOPIC, ids))
        at = beats(mesh, 1, at)
    assert mesh.score(NodeId(1)) < SMALL.scores.gossip_threshold
    assert 1 not in links(mesh)
    assert mesh.on_message(after(at, 0), NodeId(1), MeshHave(TOPIC, (bytes(20),))) == ()


def test_a_message_is_given_a_few_times_to_each_and_while_it_is_kept() -> None:
    mesh = make()
    mesh.publish(NOW, TOPIC, b"block")
    want = MeshWant((name(mesh, b"block"), name(mesh, b"block"), bytes(20)))
    answers = [sent(mesh.on_message(NOW, NodeId(1), want)) for _ in range(4)]
    assert answers == [[(1, MeshPayload(TOPIC, b"block"))]] * 3 + [[]]
    assert mesh.statistics.wants_ignored == 5
    assert len(sent(mesh.on_message(NOW, NodeId(2), want))) == 1
    at = beats(mesh, SMALL.windows - 1)
    assert len(sent(mesh.on_message(after(at, 0), NodeId(3), want))) == 1
    beats(mesh, 1, at)
    assert sent(mesh.on_message(after(at, BEAT), NodeId(4), want)) == []


def test_what_one_peer_gets_on_demand_is_bounded_for_each_heartbeat() -> None:
    mesh = make(config=MeshConfig(served_bytes_per_beat=10))
    mesh.publish(NOW, TOPIC, b"1234567")
    mesh.publish(NOW, TOPIC, b"7654321")
    want = MeshWant((name(mesh, b"1234567"), name(mesh, b"7654321")))
    assert len(sent(mesh.on_message(NOW, NodeId(1), want))) == 1
    assert sent(mesh.on_message(NOW, NodeId(1), want)) == []
    beat(mesh, NOW + BEAT)
    assert len(sent(mesh.on_message(NOW, NodeId(1), want))) == 1


def test_ids_are_forgotten_after_their_time() -> None:
    mesh = make()
    (arrival,) = deliver(mesh, 1, b"block")
    mesh.judged(NOW, arrival.identity, Verdict.IGNORE)
    assert deliver(mesh, 1, b"block", after(NOW, SMALL.seen_ttl - 1)) == []
    beat(mesh, NOW + SMALL.seen_ttl)
    assert len(deliver(mesh, 1, b"block", after(NOW, SMALL.seen_ttl))) == 1


def test_a_pruned_link_gets_no_more_messages() -> None:
    mesh = make()
    peer = links(mesh)[0]
    mesh.on_message(NOW, peer, MeshPrune(TOPIC, 60 * SECOND))
    assert peer not in [to for to, _ in sent(mesh.publish(NOW, TOPIC, b"block"))]
