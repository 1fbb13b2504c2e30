"""How a node that was away for longer than its peers keep blocks comes back.

Named after the suites of PBFT implementations. Checkpoints are every four blocks, and nobody keeps
more than two intervals. No node shares a result with another: each computes all it knows.
"""

import pytest
from msgspec.structs import replace as changed

from consensus.signing import CommitteeVerifier, MemoVerifier
from network.messages import Chunk, Content, GetChunk, SnapshotOffer
from network.sync_state import SyncConfig
from node.certificates import CertificateReader
from node.checkpoints import LATEST, RUNS, SNAPSHOT
from node.config import Environment
from node.execution import genesis_executed
from node.ledger import BLOCKS
from node.shared import ComputeCache
from node.snapshot import Manifest, SnapshotLibrary
from primitives.codec import decode_canonical, encode_canonical
from primitives.committee import Committee
from primitives.genesis import Genesis
from primitives.ids import NodeId, Wei
from primitives.keys import Ed25519Verifier
from primitives.machine import Message, Record
from primitives.params import ChainParams
from tests.unit.node.harness import (
    MILLISECOND,
    PARAMS,
    SECOND,
    Harness,
    agree,
    digests,
    kinds,
    transfers,
    validator_key,
)
from tests.unit.node.transfers import ETHER, GWEI, account, stranger

CHAIN = ChainParams(base_fee_rule="fixed", base_fee_initial=Wei(GWEI), checkpoint_interval=4)
FEW, MANY = 0, 2_500
"""Accounts beside those that send: one chunk, and sixteen."""


def environment(accounts: int) -> Environment:
    committee = Committee.of_keys(validator_key(index).public_key for index in range(4))
    rich = [(account(index), Wei(10 * ETHER)) for index in range(5)]
    others = [(stranger(1_000 + index), Wei(1 + index)) for index in range(accounts)]
    block = genesis_executed(genesis := Genesis(CHAIN, (*rich, *others), committee))
    plain = CommitteeVerifier(committee, block.digest, Ed25519Verifier())
    cache = ComputeCache.isolated(CHAIN)
    return Environment(
        genesis,
        block,
        PARAMS,
        cache,
        MemoVerifier(plain),
        certificates=CertificateReader(0),
        snapshots=SnapshotLibrary(0),
    )


def network(accounts: int = FEW, followers: int = 0, **config: object) -> Harness:
    own = environment(accounts)
    config.setdefault("history", 0)
    harness = Harness(4, followers, own, **config)  # type: ignore[arg-type]
    harness.first = 0  # type: ignore[attr-defined]
    return harness


def advance(harness: Harness, blocks: int, sender: int = 0) -> None:
    """Let the others decide some blocks of two transfers."""
    for _ in range(blocks):
        first: int = harness.first  # type: ignore[attr-defined]
        harness.submit(0, *transfers(first, 2, sender))
        harness.first = first + 2  # type: ignore[attr-defined]
        harness.run(100 * MILLISECOND)


def away(harness: Harness, blocks: int, node: int = 3) -> None:
    harness.crash(node)
    advance(harness, blocks)


def adopted(harness: Harness, node: int = 3) -> list[int]:
    return [event.height for event in harness.traced("sync.snapshot_adopted", node)]  # type: ignore[attr-defined]


def refused(harness: Harness, node: int = 3) -> list[int]:
    return [event.peer for event in harness.traced("sync.chunk_refused", node)]  # type: ignore[attr-defined]


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
    harness.run(5 * SECOND)
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
    offences = harness.node(3).parts.sync.state.offences
    assert offences == {split[0]: {"a split of a chunk that was small enough": 1}}


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


# ---------------------------------------------------------------- what stands in the store


def test_a_restart_from_the_stored_state_equals_a_replay_from_genesis() -> None:
    harness, archive = network(MANY), network(MANY, history=None)
    for each in (harness, archive):
        advance(each, 10)
        advance(each, 1)
    agree(harness, 11)
    assert digests(harness) == digests(archive)
    store = archive.places[1].store
    rows = [(table, key) for table in (SNAPSHOT, RUNS) for key, _ in store.scan(table)]
    store.write(Record(table, key, None) for table, key in rows)
    for each in (harness, archive):
        each.crash(1)
        each.start(1)
    short, whole = harness.node(1).ledger, archive.node(1).ledger
    assert (short.height, short.lowest) == (11, 5)
    assert (whole.height, whole.lowest) == (11, 1)
    assert short.tip.digest == whole.tip.digest
    assert short.tip.state.accounts() == whole.tip.state.accounts()
    assert short.tip.state.root() == whole.tip.state.root()
    assert [c.sequence for c in short.trail()] == [c.sequence for c in whole.trail()][-7:]


@pytest.mark.parametrize("table", [SNAPSHOT, RUNS])
def test_a_damaged_snapshot_is_not_believed(table: str) -> None:
    harness = network()
    advance(harness, 10)
    harness.crash(1)
    store = harness.places[1].store
    key, row = next(iter(store.scan(table)))
    store.write([Record(table, key, row[:-2] + bytes([row[-2] ^ 1, row[-1]]))])
    harness.start(1)
    assert harness.node(1).ledger.height == 0
    harness.run(10 * SECOND)
    agree(harness, 10)
    advance(harness, 4)
    harness.crash(1)
    harness.start(1)
    assert harness.node(1).ledger.height == 14


def test_a_crash_while_a_checkpoint_is_written_finds_the_one_before() -> None:
    harness = network()
    advance(harness, 7)
    before = harness.places[1].store.copy()
    advance(harness, 1)
    assert harness.places[1].store.get(SNAPSHOT, LATEST) != before.get(SNAPSHOT, LATEST)
    harness.crash(1)
    harness.places[1].store = before
    harness.start(1)
    assert harness.node(1).ledger.height == 7
    harness.run(3 * SECOND)
    agree(harness, 8)


def test_a_store_keeps_two_intervals_of_blocks_and_few_runs() -> None:
    harness = network()
    sizes = []
    for _ in range(6):
        advance(harness, 8)
        store = harness.places[0].store
        sizes.append(len(list(store.scan(BLOCKS))))
        assert len(list(store.scan(RUNS))) <= 4
    assert sizes == [4] * 6
    ledger = harness.node(0).ledger
    assert (ledger.height, ledger.lowest) == (48, 45)
    assert ledger.certified_block(44) is None
    with pytest.raises(KeyError):
        ledger.digest(30)


def test_an_archive_keeps_every_block() -> None:
    harness = network(history=None)
    away(harness, 12)
    harness.start(3)
    harness.run(SECOND)
    agree(harness, 12)
    assert adopted(harness) == []
    assert harness.node(3).ledger.lowest == 1


def test_the_batch_of_a_checkpoint_holds_what_changed_since_the_one_before() -> None:
    """So a disk is charged for the changes of an interval and not for all accounts each time."""
    harness = network(MANY)
    advance(harness, 8)
    runs = [len(row) for _, row in harness.places[0].store.scan(RUNS)]
    assert sum(runs) < 2_000
