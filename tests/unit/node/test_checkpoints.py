"""Which ends of epochs a node knows after it has fetched a state."""

from msgspec import structs

from node.checkpoints import Checkpoints
from node.execution import ExecutedBlock
from node.snapshot import Closing
from primitives.committee import Committee
from primitives.header import encode_header
from tests.unit.node.harness import validator_key
from tests.unit.node.transfers import chain

GENESIS = chain()
COMMITTEE = Committee.of_keys(validator_key(index).public_key for index in range(4))


def at(height: int) -> ExecutedBlock:
    header = structs.replace(GENESIS.block.header, number=height)
    return structs.replace(GENESIS, block=structs.replace(GENESIS.block, header=header))


def closing(height: int, certificate: bytes) -> Closing:
    return Closing(encode_header(at(height).block.header), certificate, COMMITTEE)


def test_an_epoch_that_the_node_has_ended_itself_does_not_end_twice() -> None:
    """Whoever gives the state may have another quorum's signatures for it."""
    checkpoints = Checkpoints(4)
    own, theirs, later = closing(8, b"own"), closing(8, b"theirs"), closing(16, b"later")
    checkpoints.restored((), (own,))
    checkpoints.leap(at(20), b"proof", (theirs, later))
    assert checkpoints.closings == (own, later)
    (served,) = checkpoints.served
    assert (served.block.number, served.certificate, served.closings) == (
        20,
        b"proof",
        (own, later),
    )
    assert checkpoints.served[0].manifest(1).closings == (later,)


def test_a_node_that_knows_none_takes_all() -> None:
    checkpoints = Checkpoints(4)
    ends = (closing(8, b"one"), closing(16, b"two"))
    checkpoints.leap(at(20), b"proof", ends)
    assert checkpoints.closings == ends
