"""What checks the messages of later epochs' committees."""

import msgspec

from consensus.certificate_ed25519 import Ed25519Certificates
from consensus.messages import Commit
from consensus.signing import binding, signed_payload
from node.verifiers import EPOCHS_KEPT, LaterVerifiers
from primitives.committee import Committee
from primitives.epoch import Epoch
from primitives.ids import Hash32, Sequence, View
from primitives.keys import Ed25519Verifier
from tests.unit.node.harness import validator_key

GENESIS = Hash32(b"g" * 32)
POLICY = Ed25519Certificates(Ed25519Verifier())


def epoch(number: int, size: int = 4) -> Epoch:
    committee = Committee.of_keys(validator_key(node).public_key for node in range(size))
    return Epoch(number, committee, committee, 10 * number)


def commit(number: int, node: int) -> Commit:
    unsigned = Commit(View(0), Sequence(5), Hash32(bytes(32)), node, b"")
    payload = signed_payload(binding(GENESIS, epoch=number), unsigned)
    return msgspec.structs.replace(unsigned, signature=validator_key(node).sign(payload))


def test_each_epoch_has_a_verifier_that_knows_its_number_and_committee() -> None:
    later = LaterVerifiers()
    first = later.of(epoch(1), GENESIS, POLICY)
    second = later.of(epoch(2, 5), GENESIS, POLICY)
    assert first.verify_message(commit(1, 3))
    assert not first.verify_message(commit(2, 3))
    assert not first.verify_message(commit(1, 4))
    assert second.verify_message(commit(2, 4))
    assert not second.verify_message(commit(1, 3))


def test_nodes_that_share_it_get_the_same_one() -> None:
    later = LaterVerifiers()
    made = later.of(epoch(1), GENESIS, POLICY)
    assert later.of(epoch(1), GENESIS, POLICY) is made
    assert later.of(epoch(1, 5), GENESIS, POLICY) is not made


def test_old_ones_are_forgotten_and_made_anew() -> None:
    later = LaterVerifiers()
    made = later.of(epoch(1), GENESIS, POLICY)
    for number in range(2, 2 + EPOCHS_KEPT):
        later.of(epoch(number), GENESIS, POLICY)
    again = later.of(epoch(1), GENESIS, POLICY)
    assert again is not made
    assert again.verify_message(commit(1, 0))
