"""Meshes with liars: what an honest node publishes reaches every honest node, in bounded memory."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings, strategies as st
from numpy.random import default_rng

from network.dissemination import Meshed
from network.mesh import (
    Mesh,
    MeshConfig,
    MeshDontWant,
    MeshGraft,
    MeshHave,
    MeshPayload,
    MeshPrune,
    MeshSubscribe,
    MeshTimer,
    MeshWant,
    Verdict,
)
from network.mesh.messages import IDS_PER_MESSAGE
from network.mesh.scores import score_of
from network.mesh.topics import BLOCKS as TOPIC
from primitives.ids import Instant, NodeId
from primitives.keccak import keccak256
from primitives.machine import Message
from tests.properties.virtual_links import PLACE, Lie, VirtualLinks, withhold

SECOND = 1_000_000_000
BEAT = 700_000_000
CONFIG = MeshConfig(degree_low=2, degree=3, degree_high=4, degree_score=1, degree_lazy=3)


def flood_ids(to: NodeId, message: Message) -> Sequence[Message]:
    """Send no payload, and with every other message many ids of nothing."""
    if isinstance(message, MeshPayload):
        return ()
    fakes = tuple(bytes([7, to, at]).rjust(20, b"f") for at in range(250))
    return message, MeshHave(TOPIC, fakes)


def spoil(to: NodeId, message: Message) -> Sequence[Message]:
    """Send another payload than was to be passed on: one that no node finds valid."""
    if not isinstance(message, MeshPayload):
        return (message,)
    return (MeshPayload(message.topic, message.payload[:16] + b"false"),)


LIES: dict[str, Lie] = {
    "no payloads": withhold(MeshPayload),
    "nothing": withhold(Message),
    "floods ids": flood_ids,
    "false payloads": spoil,
    "no prunes": withhold(MeshPrune),
}


def make(size: int, lies: dict[int, Lie], config: MeshConfig = CONFIG) -> VirtualLinks:
    """Return a settled network in which everybody is linked with everybody."""
    nodes = [Meshed(Mesh(config, default_rng(node), keccak256)) for node in range(size)]
    network = VirtualLinks(nodes, lies)
    network.invalid.add(b"false")
    for node, policy in enumerate(nodes):
        network.act(node, policy.start(Instant(0)))
        for peer in range(size):
            if peer != node:
                network.act(node, policy.mesh.connected(Instant(0), NodeId(peer)))
    network.run(5 * SECOND)
    return network


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_block_reaches_every_honest_node_once_whatever_a_third_does(data: st.DataObject) -> None:
    size = data.draw(st.integers(4, 12))
    liars = data.draw(
        st.dictionaries(
            st.integers(1, size - 1), st.sampled_from(sorted(LIES)), max_size=(size - 1) // 3
        )
    )
    network = make(size, {node: LIES[lie] for node, lie in liars.items()})
    network.act(0, network.policies[0].publish(Instant(network.now), PLACE, b"block"))
    network.run(10 * SECOND)
    for node in range(1, size):
        if node not in liars:
            assert network.payloads(node).count(b"block") == 1
    assert network.payloads(0).count(b"block") == 0


def mesh_of(network: VirtualLinks, node: int) -> Mesh:
    policy = network.policies[node]
    assert isinstance(policy, Meshed)
    return policy.mesh


def test_honest_meshes_are_of_the_right_degree_and_links_hold_both_ways() -> None:
    network = make(30, {}, MeshConfig())
    for node in range(30):
        links = mesh_of(network, node).state.mesh[TOPIC]
        assert 6 <= len(links) <= 12
        for peer in links:
            assert node in mesh_of(network, peer).state.mesh[TOPIC]


def test_a_message_crosses_the_links_of_a_mesh_and_no_others() -> None:
    network = make(30, {}, MeshConfig())
    network.sent.clear()
    network.act(0, network.policies[0].publish(Instant(network.now), PLACE, b"block"))
    network.run(int(0.3 * SECOND))
    crossed = [(a, b) for a, b, message in network.sent if isinstance(message, MeshPayload)]
    assert all(b in mesh_of(network, a).state.mesh[TOPIC] for a, b in crossed)
    received = sum(mesh_of(network, node).statistics.received for node in range(30))
    repeated = sum(mesh_of(network, node).statistics.duplicates for node in range(30))
    assert received == len(crossed)
    assert received - repeated == 29


@pytest.mark.parametrize("lie", ["floods ids", "false payloads"])
def test_liars_lose_their_links_and_the_honest_keep_theirs(lie: str) -> None:
    network = make(12, {3: LIES[lie], 7: LIES[lie]})
    for number in range(30):
        place = type(PLACE)(number + 1, 0)
        network.act(0, network.policies[0].publish(Instant(network.now), place, b"%d" % number))
        network.run(BEAT)
    network.run(4 * SECOND)
    found_out = 0
    for node in set(range(12)) - {3, 7}:
        state = mesh_of(network, node).state
        bad = {peer for peer in state.peers if score_of(state, peer) < 0}
        assert bad <= {3, 7}
        assert not bad & set(state.mesh[TOPIC])
        found_out += len(bad)
    # Not everybody has been lied to; whoever has been, knows.
    assert found_out >= 10


TOPICS = st.sampled_from([TOPIC, b"x", b"y" * 64])
IDS = st.lists(st.integers(0, 30).map(lambda n: n.to_bytes(20, "big")), max_size=6).map(tuple)
HOSTILE = st.one_of(
    st.builds(MeshSubscribe, TOPICS, st.booleans()),
    st.builds(MeshPayload, TOPICS, st.binary(max_size=40)),
    st.builds(MeshHave, TOPICS, IDS),
    st.builds(MeshWant, IDS),
    st.builds(MeshDontWant, IDS),
    st.builds(MeshGraft, TOPICS),
    st.builds(MeshPrune, TOPICS, st.integers(0, 1 << 53)),
)
TIGHT = MeshConfig(
    degree_low=2, degree=2, degree_high=3, degree_score=1, degree_lazy=2, windows=3,
    windows_gossip=2, cache_bytes=60, seen_max=9, haves_per_beat=2, ids_per_beat=5,
    pending_bytes_per_peer=50, pending_bytes_max=80, pending_per_peer=3, topics_per_peer=2,
    unwanted_max=4, unwanted_bytes_min=20, backoffs_max=4, refused_max=3, retained_max=2,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_whatever_peers_send_memory_stays_within_the_limits(data: st.DataObject) -> None:
    mesh, now = Mesh(TIGHT, default_rng(1), keccak256), 0
    peers = st.integers(1, 5).map(NodeId)
    mesh.join(Instant(0), TOPIC)
    for _ in range(data.draw(st.integers(1, 60))):
        now += data.draw(st.sampled_from([0, 1, BEAT, 4 * SECOND]))
        at, peer = Instant(now), data.draw(peers)
        match data.draw(st.integers(0, 9)):
            case 0:
                mesh.connected(at, peer)
            case 1:
                mesh.disconnected(at, peer)
            case 2:
                mesh.on_timeout(at, MeshTimer.HEARTBEAT)
            case 3 if mesh.state.pending:
                verdict = data.draw(st.sampled_from(list(Verdict)))
                mesh.judged(at, data.draw(st.sampled_from(list(mesh.state.pending))), verdict)
            case _:
                mesh.on_message(at, peer, data.draw(HOSTILE))
        state = mesh.state
        assert len(state.seen) <= 9
        assert state.cache.bytes_held <= 60
        assert state.pending_bytes == sum(len(item.payload) for item in state.pending.values())
        assert state.pending_bytes <= 80
        assert len(state.backoff) <= 4
        assert len(state.refused) <= 3
        assert len(state.gone) <= 2
        assert list(state.mesh) == [TOPIC]
        assert set(state.mesh[TOPIC]) <= set(state.peers)
        for name, known in state.peers.items():
            waiting = [item.payload for item in state.pending.values() if item.peer == name]
            assert (known.pending, known.pending_bytes) == (
                len(waiting),
                sum(len(payload) for payload in waiting),
            )
            assert len(waiting) <= 3
            assert known.ids_asked <= 5
            assert len(known.unwanted) <= 4
        # Two requests of each peer for each heartbeat, and a promise lives for five at most.
        assert sum(len(makers) for makers in state.promises.values()) <= 5 * 2 * 6


def test_as_many_ids_as_fit_are_told_to_each_peer_others_of_them() -> None:
    mesh = Mesh(MeshConfig(), default_rng(1), keccak256)
    for peer in (1, 2):
        mesh.connected(Instant(0), NodeId(peer))
        mesh.on_message(Instant(0), NodeId(peer), MeshSubscribe(TOPIC, joined=True))
    mesh.join(Instant(0), TOPIC)
    for peer in (1, 2):
        mesh.on_message(Instant(0), NodeId(peer), MeshPrune(TOPIC, SECOND))
    for number in range(IDS_PER_MESSAGE + 500):
        mesh.publish(Instant(0), TOPIC, b"%d" % number)
    effects = mesh.on_timeout(Instant(1), MeshTimer.HEARTBEAT)
    told = [effect.message.ids for effect in effects if hasattr(effect, "message")]
    assert [len(set(ids)) for ids in told] == [IDS_PER_MESSAGE] * 2
    assert len({*told[0], *told[1]}) > IDS_PER_MESSAGE
