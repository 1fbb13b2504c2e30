"""How a node that was away for longer than its peers keep blocks comes back.

Named after the suites of PBFT implementations.
"""

import pytest
from msgspec.structs import replace as changed

from network.messages import (
    PREFIX_NIBBLES_MAX,
    AnnounceBlock,
    CertifiedBlocks,
    Chunk,
    Content,
    GetChunk,
    SnapshotOffer,
    Status,
)
from network.sync_state import SyncConfig
from node.snapshot import Manifest
from primitives.codec import decode_canonical, encode_canonical
from primitives.ids import NodeId
from primitives.machine import Message
from tests.unit.node.harness import MILLISECOND, SECOND, Harness, agree, kinds, scored
from tests.unit.node.state_rig import FEW, MANY, adopted, advance, away, network, refused


@pytest.mark.parametrize("accounts", [FEW, MANY])
def test_state_transferred(accounts: int) -> None:
    harness = network(accounts)
    advance(harness, 2)
    away(harness, 20)
    assert harness.heights() == [22, 22, 22]
    assert harness.node(0).ledger.lowest == 17
    harness.start(3)
    harness.run(SECOND)
    agree(harness, 22)
    assert adopted(harness) == [20]
    tip = harness.node(3).ledger.tip
    assert tip.state.root() == tip.block.header.state_root
    assert tip.state.accounts() == harness.node(0).ledger.tip.state.accounts()


def test_who_has_fetched_a_state_votes_and_serves_like_any_other() -> None:
    harness = network()
    away(harness, 12)
    harness.start(3)
    harness.run(SECOND)
    harness.crash(2)
    advance(harness, 9)
    assert harness.heights() == [21, 21, 21]
    harness.crash(0)
    harness.start(2)
    harness.tamper = lambda sender, to, message: (
        None if to == 2 and sender == 1 and isinstance(message, SnapshotOffer | Chunk) else message
    )
    harness.run(8 * SECOND)
    assert adopted(harness, 2) == [20]
    agree(harness, 21)


def test_a_follower_fetches_a_state_too() -> None:
    harness = network(followers=1)
    away(harness, 20, node=4)
    harness.start(4)
    harness.run(2 * SECOND)
    agree(harness, 20)
    assert adopted(harness, 4) == [20]


def test_chunks_come_from_several_peers() -> None:
    harness = network(MANY)
    away(harness, 12)
    harness.start(3)
    harness.run(SECOND)
    servers = {sender: 0 for sender, to, message in harness.sent if isinstance(message, Chunk)}
    assert sorted(servers) == [0, 1, 2]
    asked = [m for _, _, m in harness.sent if isinstance(m, GetChunk)]
    assert len(asked) == 17
    agree(harness, 12)


# ---------------------------------------------------------------- peers that lie or vanish


def lie_about_a_balance(chunk: Chunk) -> Chunk:
    (address, slim), *others = chunk.accounts
    return changed(chunk, accounts=((address, slim[:-3] + b"\x07" + slim[-2:]), *others))


def leave_one_out(chunk: Chunk) -> Chunk:
    return changed(chunk, accounts=chunk.accounts[1:])


def say_nothing_changed(chunk: Chunk) -> Chunk:
    return changed(chunk, content=Content.UNCHANGED, accounts=())


def bend_the_way(chunk: Chunk) -> Chunk:
    return changed(chunk, way=(*chunk.way, b"\xc0"))


@pytest.mark.parametrize(
    "lie", [lie_about_a_balance, leave_one_out, say_nothing_changed, bend_the_way]
)
def test_a_peer_that_lies_in_a_chunk_is_left_at_the_first_one(lie: object) -> None:
    harness = network(MANY)
    away(harness, 12)

    def tamper(sender: int, to: int, message: Message) -> Message | None:
        if sender in {0, 1} and isinstance(message, Chunk) and message.content is Content.WHOLE:
            return lie(message) if message.accounts else message  # type: ignore[operator]
        return message

    harness.tamper = tamper
    harness.start(3)
    harness.run(2 * SECOND)
    agree(harness, 12)
    assert sorted(set(refused(harness))) == [0, 1]
    assert set(harness.node(3).parts.sync.state.liars) == {0, 1}


@pytest.mark.parametrize("kind", [SnapshotOffer, Chunk])
def test_two_silent_peers_cost_time_only(kind: type[Message]) -> None:
    harness = network(MANY)
    away(harness, 12)
    harness.tamper = lambda sender, to, message: (
        None if sender in {0, 1} and isinstance(message, kind) else message
    )
    harness.start(3)
    harness.run(10 * SECOND)
    agree(harness, 12)
    assert adopted(harness) == [12]
    assert harness.node(3).parts.sync.state.liars == {}


def test_peers_that_vanish_in_the_middle_are_replaced() -> None:
    harness = network(MANY, sync=SyncConfig(peers=tuple(map(NodeId, (0, 1, 2))), chunks_max=2))
    away(harness, 12)
    given: list[int] = []

    def tamper(sender: int, to: int, message: Message) -> Message | None:
        if isinstance(message, Chunk):
            given.append(sender)
            return None if sender != 2 and len(given) > 6 else message
        return message

    harness.tamper = tamper
    harness.start(3)
    harness.run(20 * SECOND)
    agree(harness, 12)


def test_an_offer_that_is_not_certified_is_refused() -> None:
    harness = network()
    away(harness, 12)

    def tamper(sender: int, to: int, message: Message) -> Message | None:
        if sender != 2 and isinstance(message, SnapshotOffer):
            manifest = decode_canonical(message.manifest, Manifest)
            forged = changed(manifest, certificate=manifest.certificate[:-1] + b"\x00")
            return changed(message, manifest=encode_canonical(forged))
        return message

    harness.tamper = tamper
    harness.start(3)
    harness.run(2 * SECOND)
    agree(harness, 12)
    assert sorted(refused(harness)) == [0, 1]


def test_an_offer_of_another_block_than_it_says_is_refused() -> None:
    harness = network()
    away(harness, 12)
    harness.tamper = lambda sender, to, message: (
        changed(message, height=1_000)
        if sender == 0 and isinstance(message, SnapshotOffer)
        else message
    )
    harness.start(3)
    harness.run(2 * SECOND)
    agree(harness, 12)
    assert refused(harness) == [0]


def test_splitting_what_fits_is_found_out_in_the_end() -> None:
    harness = network()
    away(harness, 12)
    split: list[int] = []

    def tamper(sender: int, to: int, message: Message) -> Message | None:
        if isinstance(message, Chunk) and not split:
            split.append(sender)
            return Chunk(message.request, Content.SPLIT, (), ())
        return message

    harness.tamper = tamper
    harness.start(3)
    harness.run(2 * SECOND)
    agree(harness, 12)
    assert scored(harness, 3) == [(split[0], 75, "a split of a chunk that was small enough")]


# ---------------------------------------------------------------- a network that moves on


def hold_chunks(harness: Harness, wanted: int) -> list[int]:
    """Let only so many chunks through; the rest is lost until the list is cleared."""
    through: list[int] = []

    def tamper(sender: int, to: int, message: Message) -> Message | None:
        if isinstance(message, Chunk) and message.content is not Content.GONE:
            if len(through) >= wanted:
                return None
            through.append(sender)
        return message

    harness.tamper = tamper
    return through


def test_state_transferred_to_old_point() -> None:
    """The network decides five more blocks meanwhile; the state is the one that was begun with."""
    harness = network(MANY)
    away(harness, 13)
    hold_chunks(harness, 8)
    harness.start(3)
    harness.run(200 * MILLISECOND)
    advance(harness, 2)
    harness.tamper = lambda sender, to, message: message
    harness.run(20 * SECOND)
    assert adopted(harness)[0] == 12
    agree(harness, 15)


def test_network_moves_on_during_slow_state_transfer() -> None:
    """The state is forgotten before it is fetched; what is the same in a newer one is kept."""
    harness = network(MANY, sync=SyncConfig(peers=tuple(map(NodeId, (0, 1, 2))), chunks_max=2))
    away(harness, 13)
    hold_chunks(harness, 8)
    harness.start(3)
    harness.run(200 * MILLISECOND)
    advance(harness, 12)
    harness.tamper = lambda sender, to, message: message
    harness.run(30 * SECOND)
    agree(harness, 25)
    started = [e.height for e in harness.traced("sync.snapshot_started", 3)]  # type: ignore[attr-defined]
    assert started == [12, 24]
    (event,) = harness.traced("sync.snapshot_adopted", 3)
    assert event.height == 24  # type: ignore[attr-defined]
    assert event.kept > 500  # type: ignore[attr-defined]
    assert kinds(harness)["Chunk"] < 60


def test_a_crash_in_the_middle_of_a_transfer_begins_anew() -> None:
    harness = network(MANY)
    away(harness, 12)
    hold_chunks(harness, 8)
    harness.start(3)
    harness.run(300 * MILLISECOND)
    harness.crash(3)
    harness.tamper = lambda sender, to, message: message
    harness.start(3)
    assert harness.node(3).ledger.height == 0
    harness.run(2 * SECOND)
    agree(harness, 12)


# ---------------------------------------------------------------- peers that make it long


def test_who_splits_all_but_the_smallest_parts_is_found_out_on_the_way() -> None:
    """Each split makes sixteen requests, and of sixteen answers some are splits again."""
    harness = network()
    away(harness, 12)
    depths: dict[int, int] = {}

    def tamper(sender: int, to: int, message: Message) -> Message | None:
        if isinstance(message, GetChunk) and to == 0:
            depths[message.request] = len(message.prefix)
        if (
            sender == 0
            and isinstance(message, Chunk)
            and depths[message.request] < PREFIX_NIBBLES_MAX - 1
        ):
            return Chunk(message.request, Content.SPLIT, (), ())
        return message

    harness.tamper = tamper
    harness.start(3)
    harness.run(SECOND)
    agree(harness, 12)
    assert scored(harness, 3)[-1] == (0, 0, "a split of a chunk that was small enough")
    asked = len([m for _, _, m in harness.sent if isinstance(m, GetChunk)])
    assert asked < 40 * PREFIX_NIBBLES_MAX


def claim_a_height(harness: Harness, liar: int) -> None:
    harness.tamper = lambda sender, to, message: (
        changed(message, height=10**9)
        if sender == liar and to == 4 and isinstance(message, AnnounceBlock | Status)
        else message
    )


def test_a_peer_that_claims_a_great_height_has_nobody_fetch_a_state_for_a_few_blocks() -> None:
    """With the state would go the blocks that the node holds for others."""
    harness = network(followers=1, history=1_024)
    advance(harness, 20)
    away(harness, 6, node=4)
    claim_a_height(harness, 1)
    harness.start(4)
    harness.run(SECOND)
    advance(harness, 6)
    assert [m for _, to, m in harness.sent if to == 4 and isinstance(m, SnapshotOffer)]
    agree(harness, 32)
    assert adopted(harness, 4) == []
    assert harness.node(4).ledger.lowest == 1
    assert harness.node(4).parts.arrival._proven == {}


def test_a_peer_that_promises_blocks_and_is_silent_delays_a_state_only() -> None:
    """Nobody but the liar says that it holds the next block, and says it again and again."""
    harness = network(followers=1)
    advance(harness, 2)
    away(harness, 20, node=4)

    def tamper(sender: int, to: int, message: Message) -> Message | None:
        if sender == 1 and to == 4 and isinstance(message, Status):
            return changed(message, lowest=1)
        if sender == 1 and to == 4 and isinstance(message, CertifiedBlocks):
            return None
        return message

    harness.tamper = tamper
    harness.start(4)
    tip = harness.node(1).ledger.tip
    for _ in range(12):
        harness.run(SECOND)
        harness._carry(1, 4, Status(tip.number, tip.digest, 1))
    agree(harness, 22)
    assert adopted(harness, 4) == [20]
