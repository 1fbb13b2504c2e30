"""How validators stand with a gateway: false answers count, and other validators are preferred."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from node.confirmation_peers import Peers
from node.confirmation_state import ClientTimer
from node.gateway import MISDEEDS, Gateway
from node.peer_scores import FULL, Misdeed, PeerScores
from node.trace import PeerScored
from primitives.ids import Instant, NodeId
from primitives.keccak import keccak256
from primitives.machine import Effect, Message, Received, Submitted, TimerFired
from tests.unit.node.confirmation_parts import (
    OTHER,
    RAWS,
    UNKNOWN,
    final,
    refusal,
    results,
    signed_block,
    watches,
)
from tests.unit.node.driver import ENVIRONMENT, traced
from tests.unit.node.harness import make_config

NOW = Instant(1_000)


class Rig:
    """A gateway that waits for one transaction."""

    def __init__(self, raw: bytes = RAWS[0]) -> None:
        self.gateway = Gateway(make_config(4, 4), ENVIRONMENT)
        self.submit(raw)

    def submit(self, raw: bytes) -> Sequence[Effect]:
        self.gateway.step(NOW, Submitted(raw))
        return self.gateway.step(NOW, TimerFired(ClientTimer.FLUSH))

    def tell(self, sender: int, message: Message) -> list[tuple[int, int, str]]:
        effects = self.gateway.step(NOW, Received(NodeId(sender), message))
        scored = [event for event in traced(effects) if isinstance(event, PeerScored)]
        return [(event.peer, event.score, event.reason) for event in scored]


def test_an_honest_answer_costs_nothing() -> None:
    rig = Rig()
    for replica in range(4):
        assert not rig.tell(replica, signed_block(replica))
        assert not rig.tell(replica, results())
    assert not rig.tell(0, final())
    assert len(rig.gateway.scores) == 0


def test_a_false_signature_is_a_proof() -> None:
    forged = replace(signed_block(0), signature=signed_block(1).signature)
    assert Rig().tell(0, forged) == [(0, 50, "a signature that is not valid")]


def test_two_signatures_that_contradict_each_other_are_a_proof() -> None:
    rig = Rig()
    assert not rig.tell(2, signed_block(2))
    expected = (2, 50, "two statements that contradict each other")
    assert rig.tell(2, signed_block(2, OTHER)) == [expected]


def test_a_certificate_without_a_quorum_is_a_proof() -> None:
    expected = (3, 50, "a certificate that no quorum has signed")
    assert Rig().tell(3, final(signers=(0, 1))) == [expected]


def test_a_proof_that_proves_nothing_is_one_of_a_lie() -> None:
    rig = Rig()
    rig.tell(1, signed_block(1))
    spoilt = replace(results(), receipt_nodes=())
    assert rig.tell(1, spoilt) == [(1, 50, "a proof of a result that proves nothing")]


def test_a_refusal_that_cannot_be_checked_is_forgiven() -> None:
    rig = Rig(UNKNOWN)
    name = keccak256(UNKNOWN)
    strange = refusal(0, name)
    expected = (1, 96, "a refusal that this epoch's committee has not signed")
    assert rig.tell(1, strange) == [expected]
    assert rig.gateway.scores.score(Instant(10**12), NodeId(1)) == FULL


def test_every_lie_that_a_client_notices_has_a_weight() -> None:
    assert sorted(MISDEEDS) == ["certificate", "proof", "refusal", "signature", "tentative"]


@pytest.mark.parametrize("liar", [0, 1])
def test_who_was_caught_is_no_prover_and_gets_no_transaction_first(liar: int) -> None:
    rig = Rig()
    forged = replace(signed_block(liar), signature=signed_block(liar + 1).signature)
    rig.tell(liar, forged)
    sent = watches(rig.submit(RAWS[1]))
    assert sorted(sent) == [0, 1, 2, 3], "a liar's votes count as all others"
    assert not sent[liar].prove
    holders = [node for node, watch in sent.items() if watch.transactions]
    assert holders == ([0, 1, 2] if liar == 0 else [0, 2, 3]), "the primary, then the honest"


def test_among_those_that_stand_alike_the_quickest_are_first() -> None:
    scores = PeerScores()
    peers = Peers(ENVIRONMENT.genesis.committee, 1, scores)
    assert peers.ranking(NOW) == [1, 2, 3, 0]
    scores.count(NOW, NodeId(1), Misdeed.STRANGE_REFUSAL)
    scores.count(NOW, NodeId(2), Misdeed.FALSE_PROOF)
    assert peers.ranking(NOW) == [3, 0, 1, 2]
    assert peers.prover(NOW, after=3) == 0
