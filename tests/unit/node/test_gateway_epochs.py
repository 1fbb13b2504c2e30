"""How a gateway follows the committee: from the ends of epochs, as many as an answer holds."""

import pytest
from msgspec.structs import replace

import node.confirmations as confirmations
from consensus.certificate import Certificate
from consensus.costs import VOTE_VERIFY
from node.config import NodeConfig, Role
from node.confirmation_answers import Confirmed
from node.confirmation_messages import Succession, Watch
from node.confirmation_state import ClientTimer
from node.gateway import Gateway
from node.ledger import encode_certificate
from node.snapshot import Closing
from node.verifiers import Keys
from primitives.codec import decode_canonical, encode_canonical
from primitives.committee import Committee
from primitives.ids import Instant, NodeId
from primitives.machine import Effect, Received, Send, Submitted, TimerFired, Work
from tests.unit.node.confirmation_parts import (
    MS,
    RAWS,
    Rig,
    answers,
    results,
    signed_block,
    watches as confirmation_watches,
)
from tests.unit.node.driver import ENVIRONMENT
from tests.unit.node.harness import SECOND, Harness, make_environment, validator_key
from tests.unit.node.test_node_epochs import PARAMS, Traffic, add, remove
from tests.unit.node.transfers import raw_transfer

GATEWAY = NodeId(9)
LAST = 3


@pytest.fixture(scope="module")
def harness() -> Harness:
    keys = {node: (Keys(validator_key(node)),) for node in (5, 6)}
    built = Harness(5, 2, make_environment(5, PARAMS), spare_keys=keys, serves_gateways=True)
    traffic = Traffic(built)
    for changes in ((add(5),), (add(6),), (remove(1),)):
        traffic.change(*changes)
        traffic.blocks(3)
    built.run(SECOND)
    assert built.node(0).parts.epochs.epoch.number == LAST
    return built


def make_gateway(harness: Harness) -> Gateway:
    return Gateway(NodeConfig(GATEWAY, Role.GATEWAY), harness.environment)


def step(gateway: Gateway, event: object) -> list[Effect]:
    return list(gateway.step(Instant(0), event))  # type: ignore[arg-type]


def watches(effects: list[Effect], to: int = 0) -> list[Watch]:
    sent = [e for e in effects if isinstance(e, Send) and e.to == to]
    return [e.message for e in sent if isinstance(e.message, Watch)]


def answer(harness: Harness, watch: Watch) -> Succession | None:
    """What validator 0 says about the committees that the gateway has not heard of."""
    serving = harness.node(0).parts.confirmations
    assert serving is not None
    effects = serving.on_watch(Instant(harness.now), GATEWAY, watch)
    found = [
        e.message for e in effects if isinstance(e, Send) and isinstance(e.message, Succession)
    ]
    return found[0] if found else None


def follow(harness: Harness, gateway: Gateway) -> list[int]:
    """Have a gateway that waits for something follow; return the epochs that it came through."""
    step(gateway, Submitted(raw_transfer(3, 7)))
    (watch,) = watches(step(gateway, TimerFired(ClientTimer.FLUSH)))
    seen = [gateway.client.epoch]
    while (told := answer(harness, watch)) is not None:
        (watch,) = watches(step(gateway, Received(NodeId(0), told)))
        seen.append(gateway.client.epoch)
    return seen


def test_all_epochs_come_in_one_answer_if_they_fit(harness: Harness) -> None:
    assert follow(harness, make_gateway(harness)) == [0, LAST]


def test_what_does_not_fit_is_asked_for_again(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirmations, "SUCCESSION_BYTES", 1)
    assert follow(harness, make_gateway(harness)) == [0, 1, 2, LAST]


def test_a_closing_block_of_a_crowd_costs_no_more_than_one_of_the_committee(
    harness: Harness,
) -> None:
    gateway = make_gateway(harness)
    told = answer(harness, Watch((), (), False, 0))
    assert told is not None
    closing = decode_canonical(told.closings[0], Closing)
    crowd = tuple(range(10_000))
    read = decode_canonical(closing.certificate, Certificate)
    forged = replace(read, signers=crowd, signatures=(b"",) * len(crowd))
    part = encode_canonical(replace(closing, certificate=encode_certificate(forged)))
    effects = step(gateway, Received(NodeId(8), Succession((part,))))
    assert gateway.client.epoch == 0
    assert sum(e.units for e in effects if isinstance(e, Work) and e.kind == VOTE_VERIFY) <= 5


@pytest.mark.parametrize(("size", "asked_again"), [(4, False), (1, True)])
def test_nobody_of_the_next_committee_is_blamed_for_what_was_asked_of_the_last(
    size: int, asked_again: bool
) -> None:
    """A prover is known by its index: another node's in the next committee, or nobody's."""
    rig = Rig(patience=1_000 * MS)
    rig.submit(RAWS[0])
    if asked_again:
        rig.at(1_000).insist()
    for replica in range(3):
        rig.tell(replica, signed_block(replica))
    (confirmed,) = answers(rig.tell(0, results()))
    assert isinstance(confirmed, Confirmed)
    members = ENVIRONMENT.genesis.committee.members[::-1][:size]
    verifier = ENVIRONMENT.verifier
    assert not rig.client.begin_epoch(Instant(rig.now), Committee(members), 1, verifier)
    first = members[0].node
    assert list(confirmation_watches(rig.at(5_000).insist())) == [first]
    provers = [n for n, w in confirmation_watches(rig.submit(RAWS[1])).items() if w.prove]
    assert provers == [first]
