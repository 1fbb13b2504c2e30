"""What goes beside a proposal: passed on as it is, signed by nobody, kept nowhere."""

import msgspec

from consensus.effects import BlockBuilt, ValidateBlock
from consensus.evidence import bare_proposal
from consensus.messages import HINT_BYTES_MAX, PrePrepare
from consensus.proposing import signed_proposal
from consensus.signing import binding, signed_payload
from node.schedule import hint
from primitives.ids import NodeId, Sequence, View
from primitives.machine import Persist
from tests.unit.consensus.rig import Rig, chain, only, pre_prepare, sent
from tests.unit.consensus.toys import GENESIS, ToyBlock

HINT = b"who touches what"
(BLOCK,) = chain(1)


def hinted(block: ToyBlock, said: bytes = HINT) -> PrePrepare:
    return msgspec.structs.replace(pre_prepare(4, block), hint=said)


def built(block: ToyBlock) -> BlockBuilt:
    place = (View(0), Sequence(block.sequence), block.digest, block.parent)
    return BlockBuilt(*place, block.payload, hint=HINT)


def test_a_primary_sends_its_nodes_hint() -> None:
    rig = Rig(0)
    rig.work()
    (proposal,) = sent(rig.give(built(BLOCK)), PrePrepare)
    assert proposal.hint == HINT


def test_a_backup_hands_it_to_its_node_and_says_from_whom_it_is() -> None:
    (asked,) = only(Rig().receive(0, hinted(BLOCK)), ValidateBlock)
    assert asked.hint == HINT
    assert asked.hinted_by == NodeId(0)


def test_a_proposal_without_one_is_nobodys() -> None:
    (asked,) = only(Rig().receive(0, hinted(BLOCK, b"")), ValidateBlock)
    assert (asked.hint, asked.hinted_by) == (b"", None)


def test_one_that_is_too_long_is_left_out() -> None:
    assert HINT_BYTES_MAX == hint.HINT_BYTES_MAX
    (asked,) = only(Rig().receive(0, hinted(BLOCK, bytes(HINT_BYTES_MAX + 1))), ValidateBlock)
    assert (asked.hint, asked.hinted_by) == (b"", None)


def test_no_signature_covers_it() -> None:
    bound = binding(GENESIS)
    assert signed_payload(bound, hinted(BLOCK)) == signed_payload(bound, pre_prepare(4, BLOCK))


def test_neither_log_nor_evidence_keep_it() -> None:
    written = b""
    for rig in (Rig(0), Rig(1)):
        rig.work()
        effects = rig.give(built(BLOCK)) if rig.index == 0 else rig.receive(0, hinted(BLOCK))
        rows = [row for each in only(effects, Persist) for row in each.records]
        written += b"".join(row.value or b"" for row in rows)
    assert BLOCK.payload in written
    assert HINT not in written
    assert bare_proposal(hinted(BLOCK)).hint == b""


def test_what_a_later_proposal_of_the_same_block_says_is_too_late() -> None:
    rig = Rig(validates=False)
    (asked,) = only(rig.receive(0, hinted(BLOCK)), ValidateBlock)
    assert not only(rig.receive(0, hinted(BLOCK, b"other")), ValidateBlock)
    assert rig.state.blocks[BLOCK.digest].hint == asked.hint


def test_a_later_primary_does_not_send_what_another_one_said() -> None:
    """It would be taken for its own word, and it may be a lie."""
    rig = Rig()
    rig.receive(0, hinted(BLOCK))
    proposal = signed_proposal(rig.state, rig.state.blocks[BLOCK.digest])
    assert (proposal.payload, proposal.hint) == (BLOCK.payload, b"")
