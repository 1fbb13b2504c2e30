"""Coded trees of a small committee, whose links are played by the test."""

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace
from numpy.random import default_rng

from network.dissemination import (
    BlockShred,
    CodedTree,
    CutWanted,
    GetShreds,
    PayloadArrived,
    Place,
    RebuildWanted,
    TreeConfig,
    TreeRoster,
    answered,
)
from network.dissemination.merkle import MerkleTree
from network.dissemination.reed_solomon import ReedSolomon
from network.dissemination.shreds import cut, signed_payload
from primitives.ids import Instant, NodeId
from primitives.keys import Ed25519Verifier, ValidatorKey
from primitives.machine import Effect, Message, Send
from tests.unit.network.books import Book

NODES = 7
DOMAIN = b"test"
KEYS = [ValidatorKey(bytes([node]) * 32) for node in range(NODES)]
NOW = Instant(1_000)
PLACE = Place(1, 0)
LEADER = NodeId(0)
CONFIG = TreeConfig(data=4, parity=4, fanout=2)
CODE = ReedSolomon(CONFIG.data, CONFIG.parity)
BLOCK = bytes(range(251)) * 3


def leader_of(place: Place) -> NodeId:
    return NodeId(place.view % NODES)


def make(
    node: int, config: TreeConfig = CONFIG, *, book: Book | None = None, size: int = NODES
) -> CodedTree:
    members = tuple(NodeId(member) for member in range(size))
    keys = {NodeId(member): KEYS[member % NODES].public_key for member in members}
    roster = TreeRoster(DOMAIN, members, keys, leader_of)
    return CodedTree(
        config, roster, NodeId(node), KEYS[node % NODES], Ed25519Verifier(),
        default_rng(node), book or Book(),
    )  # fmt: skip


def shreds_of(block: bytes = BLOCK, place: Place = PLACE) -> tuple[BlockShred, ...]:
    return cut(CODE, DOMAIN, place, block, KEYS[leader_of(place)])


def forged(
    change: Callable[[list[bytes]], None], block: bytes = BLOCK, place: Place = PLACE
) -> tuple[BlockShred, ...]:
    """Return what a leader signs that changes its shreds before it hashes them."""
    pieces = CODE.encode(block)
    change(pieces)
    tree = MerkleTree(pieces)
    bare = replace(shreds_of(block, place)[0].commitment, root=tree.root)
    signature = KEYS[leader_of(place)].sign(signed_payload(DOMAIN, bare))
    commitment = replace(bare, signature=signature)
    return tuple(
        BlockShred(commitment, index, tree.proof(index), data) for index, data in enumerate(pieces)
    )


def take(
    core: CodedTree, shreds: Iterable[BlockShred], sender: int = 3, at: Instant = NOW
) -> list[Effect]:
    taken: list[Effect] = []
    for shred in shreds:
        taken += settled(core, core.on_message(at, NodeId(sender), shred))
    return taken


def settled(core: CodedTree, effects: Sequence[Effect], at: Instant = NOW) -> list[Effect]:
    """Return effects with what follows from computations in the place of these."""
    found: list[Effect] = []
    for effect in effects:
        if isinstance(effect, CutWanted | RebuildWanted):
            found += answered(core, at, effect)
        else:
            found.append(effect)
    return found


def sent(effects: Sequence[Effect]) -> list[tuple[NodeId, Message]]:
    return [(effect.to, effect.message) for effect in effects if isinstance(effect, Send)]


def passed_on(effects: Sequence[Effect]) -> list[int]:
    """Return the indexes of the shreds that were sent, once for each receiver."""
    return sorted(
        effect.message.index
        for effect in effects
        if isinstance(effect, Send) and isinstance(effect.message, BlockShred)
    )


def arrived(effects: Sequence[Effect]) -> list[bytes]:
    return [effect.payload for effect in effects if isinstance(effect, PayloadArrived)]


def request(shreds: Sequence[BlockShred], *indexes: int) -> GetShreds:
    commitment = shreds[0].commitment
    return GetShreds(commitment.sequence, commitment.view, commitment.root, indexes)
