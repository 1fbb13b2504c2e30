"""What one node makes of letters and shreds that no honest primary sends, or not there."""

from dataclasses import replace
from functools import partial

import pytest
from numpy.random import default_rng

from consensus.signing import binding
from network.dissemination import BlockShred, Place, TreeConfig
from network.dissemination.reed_solomon import ReedSolomon
from network.dissemination.shreds import cut
from network.mesh import MeshPayload
from network.mesh.topics import BLOCKS
from node.events import PeerConnected
from node.node import Node
from node.spread_config import DisseminationName, SpreadConfig
from node.spread_letters import LetterKind, seal
from node.spread_proposals import pack
from node.spreading import VIEWS_APART
from node.trace import PeerScored, PrimaryContradicted
from primitives.ids import NodeId
from primitives.machine import Effect, Message, Send, Started
from storage.memory import MemoryStore
from tests.unit.node.driver import ENVIRONMENT, GENESIS, Driver, child, proposal, traced
from tests.unit.node.harness import make_config, validator_key

PRIMARY, OWN, LIAR = NodeId(0), NodeId(1), NodeId(2)
DOMAIN = binding(GENESIS.digest, epoch=0)
TREE = TreeConfig(data=2, parity=2, fanout=2)
BLOCK = child(GENESIS)


class SpreadDriver(Driver):
    """A node of four that spreads blocks otherwise than directly."""

    def __init__(self, dissemination: DisseminationName) -> None:
        environment = replace(ENVIRONMENT, signer=validator_key(OWN), draws=default_rng(1))
        ways = SpreadConfig(dissemination, tree=TREE)
        self.index, self.now = OWN, 0
        self.node = Node(replace(make_config(OWN, 4), spread=ways), environment, MemoryStore())
        self.give(Started())
        for peer in (0, 2, 3):
            self.give(PeerConnected(NodeId(peer), compact=False))


def letter(place: Place, content: bytes, kind: LetterKind = LetterKind.PROPOSAL) -> bytes:
    return seal(DOMAIN, validator_key(place.view % 4), place, kind, 0, content)


def payload(place: Place, sealed: bytes) -> MeshPayload:
    head = place.sequence.to_bytes(8, "big") + place.view.to_bytes(8, "big")
    return MeshPayload(BLOCKS, head + sealed)


def shreds(place: Place) -> tuple[BlockShred, ...]:
    code = ReedSolomon(TREE.data, TREE.parity)
    return cut(code, DOMAIN, place, b"block", validator_key(place.view % 4))


def blamed(effects: list[Effect]) -> list[int]:
    events = traced(effects)
    told = [each.peer for each in events if isinstance(each, PeerScored)]
    return told + [each.primary for each in events if isinstance(each, PrimaryContradicted)]


def test_a_letter_that_is_sent_on_under_another_place_costs_its_primary_nothing() -> None:
    """Neither as a second statement there, nor as one without meaning."""
    driver, content = SpreadDriver("mesh"), pack(proposal(BLOCK))
    honest = letter(Place(1, 0), content)
    effects = driver.receive(PRIMARY, payload(Place(1, 0), honest))
    effects += driver.receive(LIAR, payload(Place(2, 0), honest))
    effects += driver.receive(LIAR, payload(Place(1, 4), honest))
    effects += driver.receive(LIAR, payload(Place(1, 0), letter(Place(2, 0), b"later")))
    assert not blamed(effects)


def test_the_next_committee_may_propose_where_the_last_one_has_not_decided() -> None:
    """Heights go on from epoch to epoch, and views begin anew."""
    driver = SpreadDriver("mesh")
    spread, place = driver.node.parts.spread, Place(2, 0)
    assert spread is not None
    effects = driver.receive(PRIMARY, payload(place, letter(place, b"undecided")))
    spread.enter()
    again = driver.receive(PRIMARY, payload(place, letter(place, b"decided")))
    assert not [each for each in traced(again) if isinstance(each, PrimaryContradicted)]
    more = driver.receive(PRIMARY, payload(place, letter(place, b"another")))
    assert [each for each in traced(more) if isinstance(each, PrimaryContradicted)]
    assert effects


@pytest.mark.parametrize("dissemination", ["mesh", "tree"])
def test_places_of_views_that_nobody_comes_to_take_neither_memory_nor_links(
    dissemination: DisseminationName,
) -> None:
    """Each member leads every fourth view, as far as numbers go."""
    driver = SpreadDriver(dissemination)
    spread = driver.node.parts.spread
    assert spread is not None
    effects: list[Effect] = []
    for view in range(2, 4_000, 4):
        place = Place(1, view)
        made = partial(payload, place, letter(place, b"nonsense"))
        messages: tuple[Message, ...] = shreds(place) if dissemination == "tree" else (made(),)
        for message in messages:
            effects += driver.receive(LIAR, message)
    remembered = len(spread._came) + (0 if spread.tree is None else len(spread.tree.drafts))
    assert 0 < remembered <= VIEWS_APART
    if dissemination == "tree":
        far = [
            each.message.commitment.view
            for each in effects
            if isinstance(each, Send) and isinstance(each.message, BlockShred)
        ]
        assert max(far) <= VIEWS_APART
