"""A follower that gets blocks in compact form, and one that gives them."""

from dataclasses import replace

import msgspec

from consensus.certificate import Certificate
from consensus.messages import Commit
from network.compact.messages import (
    BlockTransactions,
    CompactBlock,
    GetBlockTransactions,
    GetCompactBlock,
    SendCompact,
)
from network.compact.state import CompactTimer
from network.messages import (
    AnnounceBlock,
    CertifiedBlock,
    CertifiedBlocks,
    GetBlocks,
    GetStatus,
)
from node.events import PeerConnected
from node.execution import ExecutedBlock
from node.ledger import encode_certificate
from node.node import Node
from node.relay_config import RelayConfig
from node.trace import BlockCommitted, PeerScored
from primitives.ids import NodeId, Sequence, View
from primitives.machine import Effect, Started, Submitted, TimerFired
from storage.memory import MemoryStore
from tests.unit.node.driver import ENVIRONMENT, GENESIS, Driver, child, sent, traced, vote
from tests.unit.node.harness import SECOND, make_config
from tests.unit.node.test_compact_proposals import form_of
from tests.unit.node.transfers import raw_transfer

FOLLOWER, NEAR, FAR = NodeId(7), NodeId(1), NodeId(2)
BLOCK = child(GENESIS, 0)
"""Of one transaction."""


class Follower(Driver):
    """Follows, and passes blocks on; its peers understand compact blocks."""

    def __init__(self, able: tuple[NodeId, ...] = (NEAR, FAR, NodeId(3))) -> None:
        config = replace(
            make_config(FOLLOWER, 4), relay=RelayConfig(peers=able), announce_blocks=True
        )
        self.index, self.now = FOLLOWER, 0
        environment = replace(ENVIRONMENT, draw_nonce=bytes)
        self.node = Node(config, environment, MemoryStore())
        self.give(Started())


def certificate(block: ExecutedBlock) -> bytes:
    votes = [vote(Commit, block, replica) for replica in range(3)]
    signatures = tuple([each.signature for each in votes if isinstance(each, Commit)])
    place = (View(0), Sequence(block.number))
    return encode_certificate(Certificate(0, *place, block.digest, (0, 1, 2), signatures))


def announced(block: ExecutedBlock) -> AnnounceBlock:
    return AnnounceBlock(block.number, block.digest)


def committed(effects: list[Effect]) -> list[bytes]:
    return [each.digest for each in traced(effects) if isinstance(each, BlockCommitted)]


def asked(effects: list[Effect], kind: type) -> list[tuple[int, object]]:
    return [(to, message) for to, message in sent(effects) if isinstance(message, kind)]


def first_block(follower: Follower) -> list[Effect]:
    """Let a follower get a block after an announcement."""
    follower.give(Submitted(raw_transfer(0, 0)))
    effects = follower.receive(NEAR, announced(BLOCK))
    ((to, request),) = asked(effects, GetCompactBlock)
    assert to == NEAR
    answer = CompactBlock(request.request, form_of(BLOCK), certificate(BLOCK))  # type: ignore[attr-defined]
    return follower.receive(NEAR, answer)


def test_an_announced_block_comes_in_compact_form_and_is_adopted() -> None:
    follower = Follower()
    effects = first_block(follower)
    assert committed(effects) == [BLOCK.digest]
    # Who was first shall push the next one.
    assert asked(effects, SendCompact) == [(NEAR, SendCompact(high=True))]
    assert not asked(effects, GetBlocks)


def test_who_knows_no_compact_blocks_is_asked_for_whole_ones() -> None:
    effects = Follower(able=()).receive(NEAR, announced(BLOCK))
    assert [to for to, _ in asked(effects, GetBlocks)] == [NEAR]
    assert not asked(effects, GetCompactBlock)


def test_a_pushed_block_is_completed_verified_and_passed_on() -> None:
    follower = Follower()
    first_block(follower)
    follower.receive(FAR, SendCompact(high=True))
    following = child(BLOCK, 1)
    pushed = CompactBlock(0, form_of(following), certificate(following))
    effects = follower.receive(NEAR, pushed)
    ((to, request),) = asked(effects, GetBlockTransactions)
    assert to == NEAR
    effects = follower.receive(
        NEAR,
        BlockTransactions(request.request, (raw_transfer(0, 1),)),  # type: ignore[attr-defined]
    )
    assert committed(effects) == [following.digest]
    ((to, passed),) = asked(effects, CompactBlock)
    assert (to, passed.certificate) == (FAR, certificate(following))  # type: ignore[attr-defined]
    # What had to be fetched goes along: others may lack it, too.
    assert [raw for _, raw in passed.form.prefilled] == [raw_transfer(0, 1)]  # type: ignore[attr-defined]


def test_a_push_of_a_stranger_or_without_its_certificate_is_not_looked_at() -> None:
    follower = Follower()
    first_block(follower)
    following = child(BLOCK, 1)
    assert not sent(follower.receive(FAR, CompactBlock(0, form_of(following), b"")))
    for encoded in (b"", certificate(BLOCK)):
        effects = follower.receive(NEAR, CompactBlock(0, form_of(following), encoded))
        assert effects == []


def test_a_false_certificate_is_found_and_the_block_fetched_again() -> None:
    follower = Follower()
    first_block(follower)
    following = child(BLOCK)
    true = msgspec.msgpack.decode(certificate(following), type=Certificate)
    forged = encode_certificate(
        Certificate(
            true.epoch,
            true.view,
            true.sequence,
            true.digest,
            true.signers,
            tuple(bytes(64) for _ in true.signatures),
        )
    )
    effects = follower.receive(NEAR, CompactBlock(0, form_of(following), forged))
    assert committed(effects) == []
    assert [each.peer for each in traced(effects) if isinstance(each, PeerScored)] == [NEAR]
    # One such pass over the pool is enough.
    assert follower.receive(NEAR, CompactBlock(0, form_of(child(BLOCK, 1)), forged)) == []
    other = child(BLOCK, 1)
    true_push = CompactBlock(0, form_of(other), certificate(other))
    assert follower.receive(NEAR, true_push) == []
    assert not sent(follower.receive(NEAR, announced(other)))
    effects = follower.receive(FAR, announced(following))
    ((to, request),) = asked(effects, GetCompactBlock)
    answer = CompactBlock(request.request, form_of(following), certificate(following))  # type: ignore[attr-defined]
    assert committed(follower.receive(to, answer)) == [following.digest]


def test_silence_ends_in_the_usual_way_to_fetch() -> None:
    follower = Follower()
    follower.receive(NEAR, announced(BLOCK))
    follower.now = SECOND
    effects = follower.give(TimerFired(CompactTimer.REQUEST))
    ((to, request),) = asked(effects, GetBlocks)
    assert to == NEAR
    blocks = (CertifiedBlock(BLOCK.payload, certificate(BLOCK)),)
    answer = CertifiedBlocks(request.request, blocks)  # type: ignore[attr-defined]
    assert committed(follower.receive(NEAR, answer)) == [BLOCK.digest]


def test_a_block_far_ahead_is_left_to_sync() -> None:
    effects = Follower().receive(NEAR, AnnounceBlock(50, bytes(32)))
    assert asked(effects, GetBlocks)
    assert not asked(effects, GetCompactBlock)


def test_a_node_that_is_back_says_so_to_those_that_pushed() -> None:
    follower = Follower()
    first_block(follower)
    # The peer has begun anew, and knows no more whom it pushes to.
    effects = follower.receive(NEAR, SendCompact(high=False))
    assert sent(effects) == [(NEAR, SendCompact(high=True))]


def test_a_peer_that_only_connects_is_told_and_not_believed() -> None:
    follower = Follower(able=())
    effects = follower.give(PeerConnected(NEAR, compact=True))
    assert sent(effects) == [(NEAR, SendCompact(high=False)), (NEAR, GetStatus())]
