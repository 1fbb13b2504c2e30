"""States that are fetched across the ends of epochs: what of an offer is believed and kept."""

from collections.abc import Callable

from msgspec.structs import replace as changed

from consensus.certificate import Certificate
from network.messages import SnapshotOffer
from node.durable_runs import DurableRuns
from node.ledger import encode_certificate
from node.snapshot import Manifest, SnapshotLibrary
from node.verifiers import Keys
from primitives.codec import decode_canonical, encode_canonical
from primitives.machine import Message
from tests.unit.node.harness import SECOND, Harness, make_environment, validator_key
from tests.unit.node.test_node_epochs import INTERVAL, PARAMS, Traffic, add, epochs, other_key

LATE = 4


def network() -> Harness:
    """Five validators that keep two intervals of blocks, and two followers."""
    keys = {node: (Keys(other_key(node)),) for node in range(5)}
    keys |= {node: (Keys(validator_key(node)),) for node in range(5, 7)}
    return Harness(5, 2, make_environment(5, PARAMS), spare_keys=keys, history=0)


def close_while_one_is_away(harness: Harness) -> Traffic:
    """Have block 8 close epoch 0 and be the last one; nobody holds the first blocks any more."""
    traffic = Traffic(harness)
    harness.crash(LATE)
    traffic.blocks(5)
    traffic.change(add(5))
    traffic.blocks(2)
    harness.run(SECOND)
    assert harness.heights() == [2 * INTERVAL] * 6
    return traffic


def beside_the_closing_block(
    forge: Callable[[Certificate], Certificate],
) -> Callable[[int, int, Message], Message]:
    """Put another certificate into offers, whose closing blocks stay as they are."""

    def tamper(sender: int, to: int, message: Message) -> Message:
        if to != LATE or not isinstance(message, SnapshotOffer):
            return message
        manifest = decode_canonical(message.manifest, Manifest)
        certificate = forge(decode_canonical(manifest.certificate, Certificate))
        forged = changed(manifest, certificate=encode_certificate(certificate))
        return changed(message, manifest=encode_canonical(forged))

    return tamper


def of_the_next_epoch(certificate: Certificate) -> Certificate:
    return changed(certificate, epoch=1, signatures=(bytes(64),) * len(certificate.signatures))


def test_a_false_certificate_beside_a_closing_block_is_not_kept() -> None:
    """It would stand in this replica's view changes, and in what it offers to others."""
    harness = network()
    traffic = close_while_one_is_away(harness)
    harness.tamper = beside_the_closing_block(of_the_next_epoch)
    harness.start(LATE)
    harness.run(2 * SECOND)
    node = harness.node(LATE)
    assert epochs(harness) == [1] * 7
    assert [e.height for e in harness.traced("sync.snapshot_adopted", LATE)] == [8]  # type: ignore[attr-defined]
    assert [certificate.epoch for certificate in node.ledger.trail()] == [0]
    served = node.ledger.checkpoints.served[-1]
    assert served.certificate == served.closings[-1].certificate
    traffic.blocks(2)
    assert [certificate.epoch for certificate in node.ledger.trail()] == [0, 1, 1]


def test_an_epoch_that_ended_during_the_transfer_ends_once() -> None:
    """The node has seen the same closing block, signed by another quorum than the peer's."""
    harness = network()
    close_while_one_is_away(harness)
    offered = harness.node(0).ledger.checkpoints
    (theirs,) = offered.closings
    whole = decode_canonical(theirs.certificate, Certificate)
    signers, signatures = whole.signers[1:], whole.signatures[1:]
    own = changed(whole, signers=signers, signatures=signatures)
    mine = changed(theirs, certificate=encode_certificate(own))
    target = offered.served[-1]
    late = DurableRuns(INTERVAL, SnapshotLibrary(), target.block.state)
    late.leap(target.block, mine.certificate, (mine,))
    late.leap(target.block, target.certificate, (theirs,))
    assert late.checkpoints.closings == (mine,)
