"""A mesh whose peers are played by the test."""

from collections.abc import Sequence
from typing import Any

from numpy.random import default_rng

from network.mesh import Mesh, MeshArrived, MeshConfig, MeshPayload, MeshSubscribe, MeshTimer
from primitives.ids import Duration, Instant, NodeId
from primitives.keccak import keccak256
from primitives.machine import Effect, Message, Send

TOPIC, OTHER = b"blocks", b"transactions"
SECOND = 1_000_000_000
BEAT = 700_000_000
NOW = Instant(100 * SECOND)
SMALL = MeshConfig(degree_low=2, degree=3, degree_high=4, degree_score=1, degree_lazy=2)


def make(peers: int = 8, config: MeshConfig = SMALL, *, joined: bool = True) -> Mesh:
    """Return a mesh with so many connected peers that want the topic; maybe joined itself."""
    mesh = Mesh(config, default_rng(7), keccak256)
    for peer in range(1, peers + 1):
        mesh.connected(NOW, NodeId(peer))
        mesh.on_message(NOW, NodeId(peer), MeshSubscribe(TOPIC, joined=True))
    if joined:
        mesh.join(NOW, TOPIC)
    return mesh


def links(mesh: Mesh, topic: bytes = TOPIC) -> list[NodeId]:
    return list(mesh.state.mesh[topic])


def outside(mesh: Mesh) -> list[NodeId]:
    return [peer for peer in mesh.state.peers if peer not in mesh.state.mesh[TOPIC]]


def sent(effects: Sequence[Effect], kind: type[Message] = Message) -> list[tuple[int, Any]]:
    return [
        (effect.to, effect.message)
        for effect in effects
        if isinstance(effect, Send) and isinstance(effect.message, kind)
    ]


def arrived(effects: Sequence[Effect]) -> list[MeshArrived]:
    return [effect for effect in effects if isinstance(effect, MeshArrived)]


def deliver(mesh: Mesh, peer: int, payload: bytes, at: Instant = NOW) -> list[MeshArrived]:
    return arrived(mesh.on_message(at, NodeId(peer), MeshPayload(TOPIC, payload)))


def beat(mesh: Mesh, at: int) -> Sequence[Effect]:
    return mesh.on_timeout(Instant(at), MeshTimer.HEARTBEAT)


def beats(mesh: Mesh, count: int, start: int = NOW) -> int:
    """Run so many heartbeats and return the time of the last one."""
    for number in range(1, count + 1):
        beat(mesh, start + number * BEAT)
    return start + count * BEAT


def name(mesh: Mesh, payload: bytes) -> bytes:
    return mesh.state.identify(TOPIC, payload)


def after(now: int, delay: Duration | int) -> Instant:
    return Instant(now + delay)
