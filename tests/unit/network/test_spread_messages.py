"""Mesh and dissemination on the wire: the longest messages fit, what is longer is refused."""

import pytest

from network.codec import Codec
from network.dissemination import (
    LIMITS as DISSEMINATION,
    BlockBody,
    BlockShred,
    Commitment,
    GetShreds,
)
from network.dissemination.messages import PAYLOAD_BYTES_MAX, SHRED_BYTES_MAX
from network.mesh import (
    LIMITS as MESH,
    MeshDontWant,
    MeshGraft,
    MeshHave,
    MeshPayload,
    MeshPrune,
    MeshSubscribe,
    MeshWant,
)
from network.mesh.messages import IDS_PER_MESSAGE, IDS_PER_REFUSAL
from primitives.errors import InvalidEncoding
from primitives.machine import Message

HUGE = (1 << 53) - 1
TOPIC = bytes(64)
IDS = tuple(number.to_bytes(20, "big") for number in range(IDS_PER_MESSAGE))
COMMITMENT = Commitment(HUGE, HUGE, HUGE, bytes(32), PAYLOAD_BYTES_MAX, 128, 128, bytes(96))
LONGEST: list[Message] = [
    MeshSubscribe(TOPIC, joined=True),
    MeshPayload(TOPIC, bytes(PAYLOAD_BYTES_MAX)),
    MeshHave(TOPIC, IDS),
    MeshWant(IDS),
    MeshDontWant(IDS[:IDS_PER_REFUSAL]),
    MeshGraft(TOPIC),
    MeshPrune(TOPIC, HUGE),
    BlockBody(HUGE, HUGE, bytes(PAYLOAD_BYTES_MAX)),
    BlockShred(COMMITMENT, 255, (bytes(32),) * 8, bytes(SHRED_BYTES_MAX)),
    GetShreds(HUGE, HUGE, bytes(32), tuple(range(256))),
]
WRONG: list[Message] = [
    MeshPayload(b"", b""),
    MeshPayload(bytes(65), b""),
    MeshHave(TOPIC, (bytes(19),)),
    MeshWant((*IDS, bytes(20))),
    MeshDontWant(IDS[: IDS_PER_REFUSAL + 1]),
    MeshPrune(TOPIC, -1),
    BlockShred(COMMITMENT, 256, (), b""),
    BlockShred(COMMITMENT, 0, (bytes(32),) * 9, b""),
    BlockShred(COMMITMENT, 0, (bytes(31),), b""),
    BlockShred(Commitment(0, 0, 0, bytes(32), 0, 0, 1, b""), 0, (), b""),
    BlockShred(Commitment(0, 0, 0, bytes(32), PAYLOAD_BYTES_MAX + 1, 1, 1, b""), 0, (), b""),
    GetShreds(0, 0, bytes(32), ()),
    GetShreds(0, 0, bytes(32), (0,) * 257),
]


def codec() -> Codec:
    limits = {**MESH, **DISSEMINATION}
    return Codec(list(limits), limits)


@pytest.mark.parametrize("message", LONGEST, ids=lambda message: type(message).__name__)
def test_the_longest_of_each_kind_fits_its_limit(message: Message) -> None:
    assert codec().decode(codec().encode(message)) == message


@pytest.mark.parametrize("message", WRONG, ids=lambda message: type(message).__name__)
def test_what_breaks_a_bound_is_refused(message: Message) -> None:
    with pytest.raises(InvalidEncoding):
        codec().decode(codec().encode(message))


def test_every_kind_is_looked_at() -> None:
    assert {type(message) for message in LONGEST} == {*MESH, *DISSEMINATION}
