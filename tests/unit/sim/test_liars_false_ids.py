"""False ids: a member of a mesh that announces, gives and asks as it should not."""

from network.mesh import MeshDontWant, MeshHave, MeshPayload, MeshPrune, MeshWant
from network.mesh.messages import IDS_PER_MESSAGE
from network.mesh.topics import BLOCKS, TRANSACTIONS
from primitives.ids import NodeId
from primitives.machine import Message, Send, TimerFired
from sim.liars.false_ids import FALSE_IDS, REPEATS
from tests.unit.sim.liar_rigs import Bench


def spoken(bench: Bench, *messages: Message) -> list[Message]:
    """Return what is sent instead of messages to one peer."""
    answer = [Send(NodeId(2), message) for message in messages]
    said = bench.step(TimerFired("beat"), answer)
    return [effect.message for effect in said if isinstance(effect, Send)]


def test_false_ids_announce_what_nobody_has_beside_what_is_true() -> None:
    ids = (b"i" * 20, b"j" * 20)
    (told,) = spoken(Bench("false-ids"), MeshHave(BLOCKS, ids))
    assert isinstance(told, MeshHave)
    assert told.topic == BLOCKS
    assert told.ids[-2:] == ids
    assert len(set(told.ids)) == len(ids) + FALSE_IDS
    full = MeshHave(BLOCKS, tuple([at.to_bytes(20, "big") for at in range(IDS_PER_MESSAGE)]))
    (told,) = spoken(Bench("false-ids"), full)
    assert isinstance(told, MeshHave)
    assert len(told.ids) == IDS_PER_MESSAGE


def test_false_ids_withhold_change_or_give_what_is_asked_for() -> None:
    bench, payload = Bench("false-ids"), MeshPayload(BLOCKS, b"a block")
    said = [spoken(bench, payload) for _ in range(40)]
    given = {each for (each,) in said if isinstance(each, MeshPayload)}
    assert given == {payload, MeshPayload(BLOCKS, b"a bloc\x00")}
    withheld = [each for (each,) in said if isinstance(each, MeshHave)]
    assert 5 < len(withheld) < 35


def test_false_ids_ask_again_and_cut_links_without_a_word() -> None:
    want = MeshWant((b"i" * 20,))
    assert spoken(Bench("false-ids"), want) == [want] * REPEATS
    assert spoken(Bench("false-ids"), MeshPrune(BLOCKS, 1)) == []
    refusal = MeshDontWant((b"i" * 20,))
    first, *told = spoken(Bench("false-ids"), refusal)
    assert first == refusal
    assert {each.topic for each in told if isinstance(each, MeshHave)} == {BLOCKS, TRANSACTIONS}
