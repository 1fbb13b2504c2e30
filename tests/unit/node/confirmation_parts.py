"""Signatures, proofs and a client of fast confirmation, for the tests that need them."""

from collections.abc import Sequence as Seq

from consensus.certificate import Certificate
from consensus.messages import Commit, Refusal, TentativeVote
from consensus.signing import binding, signed_payload
from node.certificates import CertificateReader
from node.confirmation_answers import Answer
from node.confirmation_client import ConfirmationClient
from node.confirmation_messages import (
    BlockResults,
    FinalBlock,
    Refusals,
    RefusedTransaction,
    TentativeBlock,
    Watch,
)
from node.confirmation_proofs import prove_results
from node.confirmation_state import Answered, ClientConfig, Misbehaved
from node.confirmations import reason_of
from node.execution import ExecutedBlock
from node.ledger import encode_certificate
from primitives.ids import Hash32, Instant, NodeId, Sequence, View
from primitives.machine import Effect, Send
from primitives.transaction import transaction_hash
from tests.unit.node.driver import ENVIRONMENT, GENESIS, child
from tests.unit.node.harness import validator_key
from tests.unit.node.transfers import raw_transfer

MS = 1_000_000
BLOCK = child(GENESIS, 0, 1, 2)
OTHER = child(GENESIS, 0, 1)
RAWS = tuple(BLOCK.block.transactions)
NAMES = tuple(transaction_hash(raw) for raw in RAWS)
UNKNOWN = raw_transfer(4, 9)
BINDING = binding(GENESIS.digest)


def make_client(**choices: int) -> ConfirmationClient:
    return ConfirmationClient(
        ENVIRONMENT.genesis.committee,
        0,
        ENVIRONMENT.verifier,
        CertificateReader(),
        ClientConfig(**choices),  # type: ignore[arg-type]
    )


def signed_block(
    replica: int, block: ExecutedBlock = BLOCK, view: int = 0, epoch: int = 0
) -> TentativeBlock:
    vote = TentativeVote(View(view), Sequence(block.number), block.digest, replica, b"")
    mark = validator_key(replica).sign(signed_payload(binding(GENESIS.digest, epoch=epoch), vote))
    return TentativeBlock(epoch, view, block.number, block.digest, mark)


def tentative_vote(replica: int, block: ExecutedBlock = BLOCK, view: int = 0) -> TentativeVote:
    mark = signed_block(replica, block, view).signature
    return TentativeVote(View(view), Sequence(block.number), block.digest, replica, mark)


def results(block: ExecutedBlock = BLOCK, *indexes: int) -> BlockResults:
    return prove_results(block.block, block.receipts, indexes or range(len(block.receipts)))


def final(block: ExecutedBlock = BLOCK, signers: Seq[int] = (0, 1, 2)) -> FinalBlock:
    place = View(0), Sequence(block.number), block.digest
    marks = tuple(
        validator_key(i).sign(signed_payload(BINDING, Commit(*place, i, b""))) for i in signers
    )
    return FinalBlock(encode_certificate(Certificate(0, *place, tuple(signers), marks)))


def refusal(replica: int, name: Hash32, code: str = "nonce_too_low") -> Refusals:
    unsigned = Refusal(name, reason_of(code), replica, b"")
    mark = validator_key(replica).sign(signed_payload(BINDING, unsigned))
    return Refusals((RefusedTransaction(name, reason_of(code), mark),))


class Rig:
    """A client whose clock and peers a test moves by hand."""

    def __init__(self, **choices: int) -> None:
        self.client = make_client(**choices)
        self.now = 0

    def at(self, ms: float) -> "Rig":
        self.now = int(ms * MS)
        return self

    def submit(self, *raws: bytes) -> list[Effect]:
        effects = [effect for raw in raws for effect in self.client.submit(Instant(self.now), raw)]
        return effects + self.client.on_flush_timeout(Instant(self.now))

    def insist(self) -> list[Effect]:
        return self.client.on_insist_timeout(Instant(self.now))

    def tell(self, sender: int, message: object) -> list[Effect]:
        now, node, client = Instant(self.now), NodeId(sender), self.client
        match message:
            case TentativeBlock():
                return client.on_tentative_block(now, node, message)
            case BlockResults():
                return client.on_block_results(now, node, message)
            case FinalBlock():
                return client.on_final_block(now, node, message)
            case Refusals():
                return client.on_refusals(now, node, message)
        raise AssertionError(message)


def answers(effects: Seq[Effect]) -> list[Answer]:
    return [effect.answer for effect in effects if isinstance(effect, Answered)]


def lies(effects: Seq[Effect]) -> list[tuple[int, str]]:
    return [(e.validator, e.kind) for e in effects if isinstance(e, Misbehaved)]


def watches(effects: Seq[Effect]) -> dict[int, Watch]:
    return {
        effect.to: effect.message
        for effect in effects
        if isinstance(effect, Send) and isinstance(effect.message, Watch)
    }
