from numpy.random import default_rng

from network.dissemination import Meshed, PayloadArrived, Place
from network.mesh import Mesh, MeshConfig, MeshPayload, MeshSubscribe, MeshTimer, Verdict
from network.mesh.topics import BLOCKS as TOPIC
from primitives.ids import NodeId
from primitives.keccak import keccak256
from primitives.machine import NOTHING, Effect, Send, SetTimer
from tests.unit.network.dissemination.material import BLOCK, NOW

PLACE = Place(5, 2)
WIRE = MeshPayload(TOPIC, bytes([0] * 7 + [5] + [0] * 7 + [2]) + BLOCK)


def make() -> Meshed:
    core = Meshed(Mesh(MeshConfig(), default_rng(1), keccak256), sequences_ahead=10)
    for peer in (1, 2):
        core.mesh.connected(NOW, NodeId(peer))
        core.on_message(NOW, NodeId(peer), MeshSubscribe(TOPIC, joined=True))
    core.start(NOW)
    return core


def arrival(effects: list[Effect]) -> PayloadArrived:
    (found,) = effects
    assert isinstance(found, PayloadArrived)
    return found


def test_a_block_travels_with_its_place() -> None:
    effects = make().publish(NOW, PLACE, BLOCK)
    assert sorted(effects, key=lambda effect: effect.to) == [  # type: ignore[attr-defined]
        Send(NodeId(1), WIRE),
        Send(NodeId(2), WIRE),
    ]


def test_a_block_is_handed_over_and_passed_on_after_the_verdict() -> None:
    core = make()
    found = arrival(list(core.on_message(NOW, NodeId(1), WIRE)))
    assert (found.place, found.payload, found.peer) == (PLACE, BLOCK, NodeId(1))
    assert core.judged(NOW, found.identity, Verdict.ACCEPT) == [Send(NodeId(2), WIRE)]


def test_one_that_is_too_short_for_its_place_is_not_valid() -> None:
    core = make()
    assert core.on_message(NOW, NodeId(1), MeshPayload(TOPIC, bytes(15))) == []
    assert core.mesh.score(NodeId(1)) < 0
    assert core.mesh.state.pending == {}


def test_one_that_is_far_away_is_nobody_s_fault_and_goes_nowhere() -> None:
    core = make()
    core.advance(NOW, 5)
    assert core.on_message(NOW, NodeId(1), WIRE) == []
    assert core.mesh.score(NodeId(1)) == 0
    assert core.mesh.state.pending == {}


def test_it_beats_as_its_mesh_does() -> None:
    core = make()
    (effect,) = core.on_timeout(NOW, MeshTimer.HEARTBEAT)
    assert isinstance(effect, SetTimer)
    assert core.on_timeout(NOW, "another") == NOTHING
