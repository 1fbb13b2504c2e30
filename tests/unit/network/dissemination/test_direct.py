from network.dissemination import BlockBody, BlockShred, Direct, DirectConfig, PayloadArrived, Place
from network.mesh import Verdict
from network.offences import Offence
from primitives.ids import NodeId
from primitives.keccak import keccak256
from primitives.machine import NOTHING, Broadcast
from tests.unit.network.books import Book
from tests.unit.network.dissemination.material import BLOCK, NOW, leader_of, shreds_of


def make(book: Book | None = None, config: DirectConfig | None = None) -> Direct:
    return Direct(config or DirectConfig(), leader_of, keccak256, book or Book())


def test_a_block_goes_to_the_group() -> None:
    effects = make().publish(NOW, Place(3, 1), BLOCK)
    assert effects == (Broadcast("committee", BlockBody(3, 1, BLOCK)),)


def test_a_block_of_its_leader_is_handed_over_once() -> None:
    core = make()
    (arrival,) = core.on_message(NOW, NodeId(1), BlockBody(3, 1, BLOCK))
    assert arrival == PayloadArrived(Place(3, 1), keccak256(BLOCK), BLOCK, NodeId(1))
    assert core.on_message(NOW, NodeId(1), BlockBody(3, 1, BLOCK)) == NOTHING
    assert core.on_message(NOW, NodeId(1), BlockBody(3, 1, b"another")) == NOTHING
    assert core.duplicates == 2
    assert core.judged(NOW, keccak256(BLOCK), Verdict.ACCEPT) == NOTHING
    assert core.on_timeout(NOW, "any") == NOTHING


def test_a_block_of_somebody_else_is_an_offence() -> None:
    book = Book()
    assert make(book).on_message(NOW, NodeId(2), BlockBody(3, 1, BLOCK)) == ()
    assert book.offences == {NodeId(2): {Offence.UNASKED: 1}}


def test_only_near_sequences_are_looked_at_and_memory_is_bounded() -> None:
    core = make(config=DirectConfig(sequences_ahead=9, places_max=4))
    assert core.on_message(NOW, NodeId(1), BlockBody(10, 1, BLOCK)) == NOTHING
    for view in range(1, 70, 7):
        assert core.on_message(NOW, NodeId(1), BlockBody(3, view, BLOCK))
    assert len(core._came) == 4
    core.advance(NOW, 3)
    assert core._came == {}
    assert core.on_message(NOW, NodeId(1), BlockBody(3, 1, BLOCK)) == NOTHING
    assert core.on_message(NOW, NodeId(1), BlockBody(10, 1, BLOCK))


def test_other_messages_are_not_its_own() -> None:
    shred = shreds_of()[0]
    assert isinstance(shred, BlockShred)
    assert make().on_message(NOW, NodeId(0), shred) == NOTHING
