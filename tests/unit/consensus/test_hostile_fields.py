"""Messages that decode and that no honest replica would send. The liar `garbage` found them."""

from consensus.messages import Decided, ReplicaStatus
from primitives.ids import Sequence, View
from tests.unit.consensus.rig import Rig, chain, sent_to


def test_a_status_from_below_genesis_finds_no_certificate_and_does_no_harm() -> None:
    rig = Rig()
    below = ReplicaStatus(View(0), Sequence(-1), alone=False)
    assert not sent_to(rig.receive(3, below), Decided)


def test_a_status_from_below_genesis_gets_the_head_once_there_is_one() -> None:
    rig = Rig()
    (block,) = chain(1)
    rig.decide(block)
    below = ReplicaStatus(View(0), Sequence(-(2**63)), alone=True)
    ((peer, answer),) = sent_to(rig.receive(3, below), Decided)
    assert (peer, answer.certificate.digest) == (3, block.digest)
