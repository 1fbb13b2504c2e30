"""What a validator tells gateways: signatures, proofs, certificates, refusals; and its bounds."""

from dataclasses import replace

import pytest
from msgspec import structs

from consensus.confirmation import Tentative
from consensus.messages import Commit, Prepare, Refusal, TentativeVote
from consensus.params import ConsensusParams
from node.confirmation_answers import (
    Confirmed,
    InvalidConfirmation,
    verify_confirmed,
)
from node.confirmation_messages import (
    TRANSACTIONS_PER_WATCH,
    BlockResults,
    FinalBlock,
    Refusals,
    TentativeBlock,
    Watch,
)
from node.confirmation_proofs import check_results
from node.confirmations import (
    GATEWAY_IDLE_NS,
    GATEWAYS_MAX,
    WATCHED_MAX,
    TentativeSigned,
    code_of,
    reason_of,
)
from node.node import Node
from primitives.ids import Hash32, NodeId, Sequence, View
from primitives.machine import Effect, Loopback, Message, Started
from primitives.trie_proof import InvalidProof
from storage.memory import MemoryStore
from tests.unit.node.confirmation_parts import (
    BLOCK,
    NAMES,
    OTHER,
    RAWS,
    results,
    tentative_vote,
)
from tests.unit.node.driver import Driver, child, proposal, sent, vote
from tests.unit.node.harness import PARAMS, make_config, make_environment, validator_key
from tests.unit.node.transfers import raw_transfer

FAST: ConsensusParams = replace(PARAMS, fast_confirmation=True)
ENVIRONMENT = make_environment(4, consensus=FAST)
GATEWAY, ANOTHER = 7, 8


class Validator(Driver):
    """Validator 1, which serves gateways."""

    def __init__(self) -> None:
        own = replace(ENVIRONMENT, signer=validator_key(1))
        self.index = 1
        self.node = Node(make_config(1, 4, serves_gateways=True), own, MemoryStore())
        self.now = 0
        self.give(Started())

    def watch(self, *hashes: bytes, prove: bool = False, gateway: int = GATEWAY) -> list[Effect]:
        return self.receive(gateway, Watch((), hashes, prove, 0))

    def prepare(self) -> list[Effect]:
        """Have the block proposed and prepared."""
        effects = self.receive(0, proposal(BLOCK))
        for replica in (2, 3):
            effects += self.receive(replica, vote(Prepare, BLOCK, replica))
        return effects

    def commit(self) -> list[Effect]:
        effects: list[Effect] = []
        for replica in (0, 2, 3):
            effects += self.receive(replica, vote(Commit, BLOCK, replica))
        return effects


def told(effects: list[Effect], gateway: int = GATEWAY) -> list[Message]:
    return [message for to, message in sent(effects) if to == gateway]


def kinds(effects: list[Effect], gateway: int = GATEWAY) -> list[str]:
    return [type(message).__name__ for message in told(effects, gateway)]


def test_a_watching_gateway_gets_the_signature_when_the_block_is_prepared() -> None:
    validator = Validator()
    assert not told(validator.watch(NAMES[1]))
    (message,) = told(validator.prepare())
    assert isinstance(message, TentativeBlock)
    shown = TentativeVote(View(0), Sequence(1), BLOCK.digest, 1, message.signature)
    assert shown == tentative_vote(1)


def test_the_signature_waits_for_the_prepared_certificate() -> None:
    """It leaves in a `Loopback` of the consensus core, which a `Persist` of it holds back."""
    validator = Validator()
    validator.watch(NAMES[0])
    loops = [e.event for e in validator.prepare() if isinstance(e, Loopback)]
    signed = [event for event in loops if isinstance(event, TentativeSigned)]
    assert [event.core for event in signed] == ["consensus"]


def test_who_watches_nothing_of_the_block_hears_nothing() -> None:
    validator = Validator()
    validator.watch(b"x" * 32)
    assert not told(validator.prepare() + validator.commit())


def test_only_the_prover_sends_proofs_and_the_certificate() -> None:
    validator = Validator()
    validator.watch(NAMES[0], prove=True)
    validator.watch(NAMES[0], gateway=ANOTHER)
    prepared, committed = validator.prepare(), validator.commit()
    assert kinds(prepared) == ["TentativeBlock", "BlockResults"]
    assert kinds(committed) == ["FinalBlock"]
    assert kinds(prepared, ANOTHER) == ["TentativeBlock"]
    assert kinds(committed, ANOTHER) == []


def test_the_proofs_are_of_what_the_gateway_watches() -> None:
    validator = Validator()
    validator.watch(NAMES[2], NAMES[0], prove=True)
    (_, message) = told(validator.prepare())
    assert isinstance(message, BlockResults)
    proven = check_results(message)
    assert (proven.digest, proven.number) == (BLOCK.digest, 1)
    assert {result.transaction for result in proven.results} == {NAMES[0], NAMES[2]}


def test_after_the_commit_nothing_is_watched_any_more() -> None:
    validator = Validator()
    validator.watch(*NAMES)
    validator.prepare()
    validator.commit()
    confirmations = validator.node.parts.confirmations
    assert confirmations is not None
    assert confirmations.watched(NodeId(GATEWAY)) == 0


def test_a_late_question_is_answered_at_once() -> None:
    validator = Validator()
    validator.prepare()
    assert kinds(validator.watch(NAMES[0])) == ["TentativeBlock"]
    assert kinds(validator.watch(NAMES[0], prove=True)) == ["TentativeBlock", "BlockResults"]
    validator.commit()
    answer = validator.watch(NAMES[0], prove=True, gateway=ANOTHER)
    assert kinds(answer, ANOTHER) == ["TentativeBlock", "FinalBlock", "BlockResults"]


def test_a_transaction_that_is_in_a_block_is_not_refused_when_it_comes_again() -> None:
    validator = Validator()
    validator.prepare()
    validator.commit()
    answer = validator.receive(GATEWAY, Watch((RAWS[0],), (), prove=False, epoch=0))
    assert kinds(answer) == ["TentativeBlock"]


def test_the_transactions_of_a_gateway_go_into_the_pool() -> None:
    validator = Validator()
    assert not told(validator.receive(GATEWAY, Watch((RAWS[0],), (), prove=False, epoch=0)))
    assert validator.node.pool.get(NAMES[0]) is not None
    assert not told(validator.receive(GATEWAY, Watch((RAWS[0],), (), prove=False, epoch=0)))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (raw_transfer(0, 0, chain_id=5), "wrong_chain_id"),
        (raw_transfer(0, 0, value=10**30), "insufficient_funds"),
        (bytes(300_000), "too_large_for_pool"),
    ],
)
def test_a_refusal_is_signed_with_its_reason(raw: bytes, code: str) -> None:
    validator = Validator()
    (message,) = told(validator.receive(GATEWAY, Watch((raw,), (), prove=False, epoch=0)))
    assert isinstance(message, Refusals)
    (refused,) = message.refused
    assert code_of(refused.reason) == code
    shown = Refusal(Hash32(refused.hash), refused.reason, 1, refused.signature)
    assert ENVIRONMENT.verifier.verify_message(shown)


def test_reasons_survive_their_signed_form() -> None:
    assert code_of(reason_of("nonce_too_low")) == "nonce_too_low"
    assert len(reason_of("x" * 50)) == 32


def test_a_validator_that_serves_no_gateway_ignores_them() -> None:
    driver = Driver()
    assert driver.receive(GATEWAY, Watch((RAWS[0],), (), prove=True, epoch=0)) == []


def test_what_is_watched_is_bounded_for_each_gateway() -> None:
    validator = Validator()
    confirmations = validator.node.parts.confirmations
    assert confirmations is not None
    for start in range(0, WATCHED_MAX + 2_000, 1_000):
        validator.watch(*(b"%032d" % n for n in range(start, start + 1_000)))
    assert confirmations.watched(NodeId(GATEWAY)) == WATCHED_MAX


def test_too_much_at_once_and_too_many_gateways_are_ignored() -> None:
    validator = Validator()
    confirmations = validator.node.parts.confirmations
    assert confirmations is not None
    validator.watch(*(b"%032d" % n for n in range(TRANSACTIONS_PER_WATCH + 1)))
    assert confirmations.watched(NodeId(GATEWAY)) == 0
    for gateway in range(100, 100 + GATEWAYS_MAX + 1):
        validator.watch(NAMES[0], gateway=gateway)
    assert confirmations.watched(NodeId(100)) == 1
    assert confirmations.watched(NodeId(100 + GATEWAYS_MAX)) == 0


def test_a_gateway_that_waits_for_nothing_or_is_silent_makes_way() -> None:
    validator = Validator()
    confirmations = validator.node.parts.confirmations
    assert confirmations is not None
    validator.watch(gateway=99)
    for gateway in range(100, 100 + GATEWAYS_MAX):
        validator.watch(NAMES[0], gateway=gateway)
    assert confirmations.watched(NodeId(99 + GATEWAYS_MAX)) == 1
    validator.watch(NAMES[0], gateway=GATEWAY)
    assert confirmations.watched(NodeId(GATEWAY)) == 0
    validator.now += GATEWAY_IDLE_NS
    validator.watch(NAMES[0], gateway=101)
    validator.now += 1
    validator.watch(NAMES[0], gateway=GATEWAY)
    assert [confirmations.watched(NodeId(n)) for n in (GATEWAY, 100, 101)] == [1, 0, 1]


def test_a_certificate_alone_is_sent_where_nothing_is_signed_early() -> None:
    validator = Validator()
    validator.watch(NAMES[0], prove=True)
    state = validator.node.replica.state  # type: ignore[union-attr]
    state.params = replace(state.params, fast_confirmation=False)
    assert not told(validator.prepare())
    assert kinds(validator.commit()) == ["FinalBlock", "BlockResults"]


def test_a_signature_for_a_block_that_is_not_executed_is_kept() -> None:
    validator = Validator()
    confirmations = validator.node.parts.confirmations
    assert confirmations is not None
    other = child(BLOCK, 3)
    effect = Tentative(0, View(0), Sequence(2), other.digest, b"s" * 64)
    (loop,) = confirmations.on_tentative(validator.now, effect)  # type: ignore[arg-type]
    assert isinstance(loop, Loopback)
    assert validator.give(loop.event) == []


# ------------------------------------------------------------- what a stranger checks


def confirmed() -> Confirmed:
    votes = tuple(tentative_vote(replica) for replica in (0, 2, 3))
    return Confirmed(0, votes, results(), check_results(results()).results[1])


def check(answer: Confirmed) -> None:
    verify_confirmed(answer, ENVIRONMENT.genesis.committee, ENVIRONMENT.genesis_block.digest)


def test_a_confirmation_convinces_who_knows_the_committee() -> None:
    check(confirmed())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"votes": confirmed().votes[:2]}, "3 votes"),
        ({"votes": confirmed().votes[:1] * 3}, "distinct replicas"),
        ({"votes": confirmed().votes[::-1]}, "distinct replicas"),
        ({"votes": (*confirmed().votes[:2], tentative_vote(3, OTHER))}, "one block"),
        ({"votes": (*confirmed().votes[:2], tentative_vote(3, view=1))}, "one block"),
        (
            {"votes": (*confirmed().votes[:2], structs.replace(tentative_vote(1), replica=3))},
            "valid ones",
        ),
        ({"epoch": 1}, "valid ones"),
        ({"results": results(OTHER)}, "the signed block's"),
        (
            {"result": structs.replace(confirmed().result, receipt=b"another")},
            "one that is proven",
        ),
    ],
)
def test_a_forged_confirmation_convinces_nobody(change: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidConfirmation, match=reason):
        check(structs.replace(confirmed(), **change))


def test_a_confirmation_with_a_broken_proof_convinces_nobody() -> None:
    broken = structs.replace(results(), transaction_nodes=())
    with pytest.raises(InvalidProof):
        check(structs.replace(confirmed(), results=broken))


@pytest.mark.parametrize("indexes", [(0, 0, 1), tuple(range(2_000))])
def test_results_name_each_place_once_and_not_too_many(indexes: tuple[int, ...]) -> None:
    with pytest.raises(InvalidProof):
        check_results(structs.replace(results(), indexes=indexes))


def test_the_certificate_that_is_sent_is_the_blocks() -> None:
    validator = Validator()
    validator.watch(NAMES[0], prove=True)
    validator.prepare()
    (message,) = told(validator.commit())
    assert isinstance(message, FinalBlock)
    certificate = ENVIRONMENT.certificates.read(message.certificate)
    assert certificate.digest == BLOCK.digest
