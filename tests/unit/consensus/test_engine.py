"""PBFT as an engine: everything that a node asks it for."""

from consensus.effects import VERIFIED
from consensus.engine import ConsensusCore, ConsensusEngine
from consensus.messages import (
    HINT_BYTES_MAX,
    MESSAGE_TYPES,
    Commit,
    NewView,
    Prepare,
    PrePrepare,
    Proposal,
)
from consensus.pbft import Pbft
from consensus.replica import ON_MESSAGE, ON_TIMER
from network.codec import Codec
from network.messages import LIMITS
from node.confirmation_messages import CONFIRMATION_MESSAGES
from node.wire import BLOCK_RELAY, RECONCILIATION, SPREAD, message_types, node_codec
from primitives.ids import Instant, NodeId, Sequence
from primitives.machine import Persist
from primitives.params import MAX_BLOCK_BYTES
from tests.unit.consensus.rig import Rig, chain
from tests.unit.consensus.toys import signed_prepare

ENGINE: ConsensusEngine = Pbft()


def test_its_messages_are_those_that_a_replica_handles_in_wire_order() -> None:
    assert tuple(ENGINE.messages) == MESSAGE_TYPES
    assert set(ENGINE.messages) == set(ON_MESSAGE)
    assert all(kind.core == "consensus" for kind in ENGINE.messages)


def test_a_vote_is_short_and_a_proposal_has_room_for_the_largest_block() -> None:
    assert ENGINE.messages[Prepare] == ENGINE.messages[Commit] == 512
    assert ENGINE.messages[Proposal] > MAX_BLOCK_BYTES
    assert ENGINE.messages[PrePrepare] == ENGINE.messages[Proposal] + HINT_BYTES_MAX
    assert ENGINE.messages[NewView] > 1_000 * 1_000


def test_the_wire_table_is_the_engines_then_the_networks() -> None:
    codec: Codec = node_codec(ENGINE)
    assert message_types(ENGINE) == (
        *MESSAGE_TYPES,
        *LIMITS,
        *BLOCK_RELAY,
        *CONFIRMATION_MESSAGES,
        *SPREAD,
        *RECONCILIATION,
    )
    plain = message_types(ENGINE, compact_blocks=False, spread=False, reconciles=False)
    assert plain == (*MESSAGE_TYPES, *LIMITS, *CONFIRMATION_MESSAGES)
    limits = {kind.type: kind.limit for kind in codec.kinds}
    relay, answers = BLOCK_RELAY, CONFIRMATION_MESSAGES
    groups = (ENGINE.messages, LIMITS, relay, answers, SPREAD, RECONCILIATION)
    assert limits == {kind: limit for group in groups for kind, limit in group.items()}


def test_its_timers_are_those_that_a_replica_answers() -> None:
    assert set(ENGINE.timers) == set(ON_TIMER)


def test_its_records_are_in_its_table() -> None:
    rig = Rig()
    (block,) = chain(1)
    written = [effect for effect in rig.pre_prepare(block) if isinstance(effect, Persist)]
    assert written
    assert {record.table for effect in written for record in effect.records} == {ENGINE.table}


def test_the_handlers_do_what_a_step_does() -> None:
    rig = Rig()
    (block,) = chain(1)
    core: ConsensusCore = rig.replica
    assert set(core.handlers) == set(MESSAGE_TYPES)
    vote = signed_prepare(4, 2, 0, block.sequence, block.digest, block.parent)
    assert core.handlers[Prepare](Instant(0), NodeId(2), vote) is VERIFIED
    assert rig.state.slots[Sequence(1)].prepares[2] is vote


def test_it_makes_a_new_replica_at_any_time() -> None:
    rig = Rig()
    (block,) = chain(1)
    first, second = (Pbft().create(rig.state.config, ()) for _ in range(2))
    vote = signed_prepare(4, 2, 0, block.sequence, block.digest, block.parent)
    first.handlers[Prepare](Instant(0), NodeId(2), vote)
    assert first.state.slots
    assert not second.state.slots
    assert (second.view, second.delivered, dict(second.scores)) == (0, 0, {})
