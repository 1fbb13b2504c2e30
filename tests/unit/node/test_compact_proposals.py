"""Proposals in compact form at one node, with the test as its peers."""

from dataclasses import replace
from typing import TypeVar

import pytest
from msgspec.structs import replace as changed

from consensus.costs import VOTE_VERIFY
from consensus.messages import GetProposal, Prepare, PrePrepare, Proposal
from consensus.state import ReplicaState, Timer
from network.compact.form import make_form
from network.compact.messages import (
    BlockTransactions,
    CompactForm,
    GetBlockTransactions,
    GetWholeBlock,
    SendCompact,
    WholeBlock,
)
from network.compact.state import CompactConfig, CompactTimer
from network.messages import GetStatus
from node.block_layout import EthereumBlocks
from node.events import PeerConnected, PeerGone
from node.execution import ExecutedBlock
from node.node import Node
from node.outlines import Outlines
from node.relay import Relay
from node.relay_config import RelayConfig
from node.relay_messages import CompactProposal
from node.trace import PeerScored
from primitives.ids import NodeId, Sequence, View
from primitives.machine import (
    Broadcast,
    Effect,
    Message,
    Received,
    Send,
    Started,
    Submitted,
    TimerFired,
    Work,
)
from storage.memory import MemoryStore
from tests.unit.node.driver import (
    ENVIRONMENT,
    GENESIS,
    Driver,
    broadcast,
    child,
    decide,
    proposal,
    sent,
    traced,
)
from tests.unit.node.harness import SECOND, make_config, validator_key
from tests.unit.node.transfers import raw_transfer

PRIMARY, OWN, OTHER = NodeId(0), NodeId(1), NodeId(2)
Kind = TypeVar("Kind", bound=Message)
ALL = (NodeId(0), NodeId(1), NodeId(2), NodeId(3))


class CompactDriver(Driver):
    """A node that understands compact blocks, of which `able` nodes do, too."""

    def __init__(self, index: int = OWN, able: tuple[NodeId, ...] = ALL, proposes: bool = True):
        environment = replace(ENVIRONMENT, signer=validator_key(index), draw_nonce=bytes)
        config = replace(make_config(index, 4), relay=RelayConfig(proposes=proposes, peers=able))
        self.index, self.now = index, 0
        self.node = Node(config, environment, MemoryStore())
        self.give(Started())

    @property
    def relay(self) -> Relay:
        assert self.node.parts.relay is not None
        return self.node.parts.relay


def form_of(block: ExecutedBlock, lacking: tuple[bytes, ...] = ()) -> CompactForm:
    parts = EthereumBlocks().split(block.payload)
    return make_form(parts, Outlines().hashes(block.payload), bytes(8), lacking)


def another_form(block: ExecutedBlock) -> CompactForm:
    """Return a form with other short ids."""
    parts, hashes = EthereumBlocks().split(block.payload), Outlines().hashes(block.payload)
    return make_form(parts, hashes, b"\x01" * 8)


def compact(block: ExecutedBlock, form: CompactForm | None = None) -> CompactProposal:
    return CompactProposal(changed(proposal(block), payload=b""), form or form_of(block))


def prepared(effects: list[Effect]) -> list[bytes]:
    return [each.digest for each in broadcast(effects) if isinstance(each, Prepare)]


def scored(effects: list[Effect]) -> list[int]:
    return [each.peer for each in traced(effects) if isinstance(each, PeerScored)]


BLOCK = child(GENESIS, 0, 1)
CONSENSUS = ENVIRONMENT.consensus
PATIENCE = CONSENSUS.request_timeout << CONSENSUS.timeout_doublings


def test_a_proposal_of_known_transactions_is_prepared_at_once() -> None:
    driver = CompactDriver()
    for nonce in (0, 1):
        driver.give(Submitted(raw_transfer(0, nonce)))
    effects = driver.receive(PRIMARY, compact(BLOCK))
    assert prepared(effects) == [BLOCK.digest]
    assert effects[0] == Work(VOTE_VERIFY, 1)
    assert not [m for _, m in sent(effects) if isinstance(m, GetBlockTransactions)]
    known = driver.node.ledger.executed(BLOCK.digest)
    assert known is not None
    assert known.payload == BLOCK.payload


def test_what_is_missing_is_asked_of_the_primary_and_then_prepared() -> None:
    driver = CompactDriver()
    driver.give(Submitted(raw_transfer(0, 0)))
    effects = driver.receive(PRIMARY, compact(BLOCK))
    assert prepared(effects) == []
    ((to, asked),) = [(to, m) for to, m in sent(effects) if isinstance(m, GetBlockTransactions)]
    assert (to, asked.indexes) == (PRIMARY, (1,))
    answer = BlockTransactions(asked.request, (raw_transfer(0, 1),))
    assert prepared(driver.receive(PRIMARY, answer)) == [BLOCK.digest]


def test_a_silent_primary_has_its_block_asked_of_the_others() -> None:
    driver = CompactDriver()
    driver.receive(PRIMARY, compact(BLOCK))
    driver.now = SECOND
    assert sent(driver.give(TimerFired(CompactTimer.REQUEST))) == []
    driver.now = PATIENCE
    effects = driver.give(TimerFired(CompactTimer.REQUEST))
    ((to, asked),) = [(to, m) for to, m in sent(effects) if isinstance(m, GetProposal)]
    assert to in {2, 3}
    assert asked.digest == BLOCK.digest
    answer = Proposal(Sequence(1), BLOCK.digest, BLOCK.payload)
    assert prepared(driver.receive(to, answer)) == [BLOCK.digest]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda form: changed(form, ids=form.ids[:-1]),
        lambda form: changed(form, prefilled=((9, b"\x02"),)),
        lambda form: changed(form, header=child(GENESIS, 0).payload[3:]),
        lambda form: form_of(child(GENESIS, 0)),
    ],
)
def test_a_form_that_is_malformed_or_anothers_costs_the_primary_and_no_block(spoil) -> None:
    driver = CompactDriver()
    effects = driver.receive(PRIMARY, compact(BLOCK, spoil(form_of(BLOCK))))
    assert [m.digest for _, m in sent(effects) if isinstance(m, GetProposal)] == [BLOCK.digest]
    assert scored(effects) == [PRIMARY]


def test_wrong_ids_end_in_the_whole_block_and_blame_nobody() -> None:
    driver = CompactDriver()
    for nonce in (0, 1):
        driver.give(Submitted(raw_transfer(0, nonce)))
    form = form_of(BLOCK)
    effects = driver.receive(
        PRIMARY, compact(BLOCK, changed(form, ids=form.ids[6:] + form.ids[:6]))
    )
    ((to, asked),) = [(to, m) for to, m in sent(effects) if isinstance(m, GetWholeBlock)]
    assert to == PRIMARY
    effects += driver.receive(PRIMARY, WholeBlock(asked.request, BLOCK.payload))
    assert prepared(effects) == [BLOCK.digest]
    assert scored(effects) == []


def test_only_the_signed_word_of_a_primary_is_worth_a_look_into_the_pool() -> None:
    driver = CompactDriver()
    told = compact(BLOCK)
    assert driver.receive(OTHER, told) == []
    unsigned = changed(told, proposal=changed(told.proposal, signature=bytes(64)))
    assert driver.receive(PRIMARY, unsigned) == [Work(VOTE_VERIFY, 1)]
    with_block = changed(told, proposal=changed(told.proposal, payload=BLOCK.payload))
    assert driver.receive(PRIMARY, with_block) == []


def test_the_same_proposal_again_is_not_rebuilt_again() -> None:
    driver = CompactDriver()
    first = driver.receive(PRIMARY, compact(BLOCK))
    again = driver.receive(PRIMARY, compact(BLOCK))
    assert [m for _, m in sent(first) if isinstance(m, GetBlockTransactions)]
    assert again == [Work(VOTE_VERIFY, 1)]


def in_view(view: int, block: ExecutedBlock, form: CompactForm | None = None) -> CompactProposal:
    """Return a block as the primary of a view would propose it."""
    return CompactProposal(changed(proposal(block, view), payload=b""), form or form_of(block))


def replica_state(driver: CompactDriver) -> ReplicaState:
    found = driver.node.replica.state  # type: ignore[union-attr]
    assert isinstance(found, ReplicaState)
    return found


def asked_of(effects: list[Effect], kind: type[Message]) -> list[int]:
    return [to for to, message in sent(effects) if isinstance(message, kind)]


def test_proposals_of_later_views_take_nobodys_place() -> None:
    driver = CompactDriver()
    driver.receive(PRIMARY, compact(BLOCK))
    for view in (2, 6, 10, 14, 18):
        driver.receive(OTHER, in_view(view, BLOCK))
    (request,) = driver.relay.core.receiver.state.numbers
    raws = (raw_transfer(0, 0), raw_transfer(0, 1))
    effects = driver.receive(PRIMARY, BlockTransactions(request, raws))
    assert prepared(effects) == [BLOCK.digest]


@pytest.mark.parametrize("other", [form_of(BLOCK), changed(form_of(BLOCK), ids=bytes(12))])
def test_nobody_is_asked_in_place_of_who_is_primary_now(other: CompactForm) -> None:
    driver = CompactDriver()
    first = driver.receive(OTHER, in_view(2, BLOCK, other))
    assert asked_of(first, GetBlockTransactions) == [OTHER]
    effects = driver.receive(PRIMARY, compact(BLOCK))
    assert asked_of(effects, GetBlockTransactions) == [PRIMARY]
    again = driver.receive(OTHER, in_view(6, BLOCK, other))
    assert asked_of(again, GetBlockTransactions) == []


def test_a_primary_that_has_failed_does_not_stop_the_search_by_saying_it_again() -> None:
    driver = CompactDriver()
    driver.receive(PRIMARY, compact(BLOCK))
    driver.receive(OTHER, in_view(2, BLOCK))
    driver.now = PATIENCE
    assert asked_of(driver.give(TimerFired(CompactTimer.REQUEST)), GetWholeBlock) == [OTHER]
    told = compact(BLOCK)
    varied = changed(told, form=another_form(BLOCK))
    assert driver.receive(PRIMARY, varied) == [Work(VOTE_VERIFY, 1)]
    (rebuild,) = driver.relay.core.receiver.state.rebuilds.values()
    assert (rebuild.asked, rebuild.failed) == (OTHER, [PRIMARY])


def test_a_block_beyond_the_window_is_not_worth_a_look_into_the_pool() -> None:
    driver = CompactDriver()
    block, window = BLOCK, CONSENSUS.window
    for nonce in range(2, window + 2):
        block = child(block, nonce)
    assert block.number == window + 1
    assert driver.receive(PRIMARY, compact(block)) == [Work(VOTE_VERIFY, 1)]
    assert not driver.relay.core.receiver.state.rebuilds
    # Consensus hears of it: f+1 such are reason to fetch blocks.
    assert replica_state(driver).repair.peer_sequences == {PRIMARY: window + 1}


def test_a_whole_pipeline_of_blocks_may_be_on_its_way() -> None:
    driver, blocks = CompactDriver(), [child(GENESIS, 0)]
    while len(blocks) < CONSENSUS.reach:
        blocks.append(child(blocks[-1], len(blocks)))
    for block in blocks:
        effects = driver.receive(PRIMARY, compact(block))
        assert asked_of(effects, GetBlockTransactions) == [PRIMARY]
        assert asked_of(effects, GetProposal) == []


def test_blocks_of_later_views_leave_room_for_the_primary_of_now() -> None:
    driver, limits = CompactDriver(), CompactConfig()
    blocks = [child(GENESIS, *range(count)) for count in range(3, 3 + limits.rebuilds_max)]
    for place, block in enumerate(blocks):
        driver.receive(NodeId(2 + place % 2), in_view(2 + place % 2, block))
    assert len(driver.relay.core.receiver.state.rebuilds) == 2 * limits.rebuilds_per_peer
    effects = driver.receive(PRIMARY, compact(BLOCK))
    assert asked_of(effects, GetBlockTransactions) == [PRIMARY]


def test_a_primary_that_has_forgotten_its_form_is_asked_for_what_the_new_one_lacks() -> None:
    driver = CompactDriver()
    driver.receive(PRIMARY, compact(BLOCK))
    effects = driver.receive(PRIMARY, compact(BLOCK, another_form(BLOCK)))
    assert asked_of(effects, GetBlockTransactions) == [PRIMARY]
    request = max(driver.relay.core.receiver.state.numbers)
    raws = (raw_transfer(0, 0), raw_transfer(0, 1))
    assert prepared(driver.receive(PRIMARY, BlockTransactions(request, raws))) == [BLOCK.digest]


def test_what_was_decided_meanwhile_is_waited_for_no_more() -> None:
    driver = CompactDriver()
    driver.receive(PRIMARY, compact(BLOCK))
    decide(driver, BLOCK)
    assert driver.node.ledger.height == 1
    after = child(BLOCK, 2)
    driver.receive(PRIMARY, compact(after))
    assert list(driver.relay.core.receiver.state.rebuilds) == [after.digest]
    compacts = driver.node.parts.compact
    assert compacts is not None
    assert list(compacts._waiting) == [after.digest]
    assert driver.receive(PRIMARY, compact(BLOCK)) == []


def test_what_is_left_of_an_earlier_view_is_waited_for_no_more() -> None:
    driver = CompactDriver()
    driver.receive(PRIMARY, compact(BLOCK))
    replica_state(driver).view = View(1)
    assert driver.receive(PRIMARY, compact(child(GENESIS, 0))) == []
    other = child(GENESIS, 0, 1, 2)
    driver.receive(NodeId(2), in_view(2, other))
    assert list(driver.relay.core.receiver.state.rebuilds) == [other.digest]


def test_a_block_that_is_here_needs_no_form() -> None:
    driver = CompactDriver()
    driver.receive(PRIMARY, proposal(BLOCK))
    effects = driver.step(Received(PRIMARY, compact(BLOCK)))
    assert effects == [Work(VOTE_VERIFY, 1)]


def proposed(driver: CompactDriver) -> list[Effect]:
    """Let a primary propose one transaction."""
    effects = driver.give(Submitted(raw_transfer(0, 0)))
    driver.now = SECOND
    return effects + driver.give(TimerFired(Timer.PROPOSE))


def leaving(effects: list[Effect], kind: type[Kind]) -> list[tuple[NodeId | None, Kind]]:
    """Return to whom messages of a kind leave, None for a broadcast."""
    return [
        (each.to if isinstance(each, Send) else None, each.message)
        for each in effects
        if isinstance(each, Send | Broadcast) and isinstance(each.message, kind)
    ]


def test_a_primary_broadcasts_the_form_where_all_understand_it() -> None:
    driver = CompactDriver(PRIMARY)
    effects = proposed(driver)
    ((to, left),) = leaving(effects, CompactProposal)
    assert to is None
    assert leaving(effects, PrePrepare) == []
    assert left.proposal.payload == b""
    assert list(driver.relay.core.server.held) == [left.proposal.digest]
    # Nobody was told of the transaction yet, so all get it with the form.
    assert [raw for _, raw in left.form.prefilled] == [raw_transfer(0, 0)]


def test_each_gets_a_proposal_as_it_understands_it() -> None:
    effects = proposed(CompactDriver(PRIMARY, able=(NodeId(2),)))
    assert [to for to, _ in leaving(effects, CompactProposal)] == [2]
    whole = leaving(effects, PrePrepare)
    assert [to for to, _ in whole] == [1, 3]
    assert all(each.payload for _, each in whole)


@pytest.mark.parametrize(("able", "proposes"), [((), True), (ALL, False)])
def test_a_whole_proposal_leaves_as_it_did(able: tuple[NodeId, ...], proposes: bool) -> None:
    ((to, left),) = leaving(proposed(CompactDriver(PRIMARY, able, proposes)), PrePrepare)
    assert to is None
    assert left.payload


def test_what_is_no_block_or_has_too_many_transactions_leaves_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver = CompactDriver(PRIMARY)
    compacts = driver.node.parts.compact
    assert compacts is not None
    opaque = Broadcast("committee", changed(proposal(BLOCK), payload=b"opaque"))
    assert compacts.outward([opaque]) == [opaque]
    whole = Broadcast("committee", proposal(BLOCK))
    assert leaving([*compacts.outward([whole])], PrePrepare) == []
    monkeypatch.setattr(Relay, "form", lambda self, digest: None)
    assert [*compacts.outward([whole])][-1] == whole


def test_a_handshake_tells_who_understands_it() -> None:
    driver = CompactDriver(PRIMARY, able=())
    relay = driver.relay
    ask = Send(OTHER, GetStatus())
    assert driver.step(PeerConnected(OTHER, compact=False)) == [ask]
    told = driver.step(PeerConnected(OTHER, compact=True))
    assert told == [Send(OTHER, SendCompact(high=False)), ask]
    assert not relay.is_able(OTHER)
    driver.receive(OTHER, SendCompact(high=False))
    assert relay.is_able(OTHER)
    driver.step(PeerGone(OTHER))
    assert not relay.is_able(OTHER)


def test_a_node_without_compact_blocks_takes_none() -> None:
    driver = Driver(OWN)
    assert driver.receive(PRIMARY, compact(BLOCK)) == []


def test_a_node_needs_something_to_draw_nonces_from() -> None:
    config = replace(make_config(OWN, 4), relay=RelayConfig())
    environment = replace(ENVIRONMENT, signer=validator_key(OWN))
    with pytest.raises(ValueError, match="draw_nonce"):
        Node(config, environment, MemoryStore())
