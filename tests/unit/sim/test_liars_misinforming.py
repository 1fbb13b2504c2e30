"""Misinforming: every lie in its turn, to gateways and to nobody else."""

from msgspec.structs import replace

from consensus.messages import TentativeVote
from consensus.signing import binding, signed_payload
from node.confirmation_messages import BlockResults, FinalBlock, TentativeBlock
from primitives.ids import NodeId, Sequence, View
from primitives.machine import Message
from sim.liars.misinforming import Misinforming
from tests.unit.node.confirmation_parts import final, results, signed_block
from tests.unit.node.driver import ENVIRONMENT
from tests.unit.node.harness import validator_key
from tests.unit.sim.liar_rigs import Bench


class Context:
    """As much of a `LiarContext` as this liar looks at."""

    place = staticmethod(lambda: Bench("silent", 3).place)

    def sign(self, message: TentativeVote) -> TentativeVote:
        bound = binding(ENVIRONMENT.genesis_block.digest)
        mark = validator_key(3).sign(signed_payload(bound, message))
        return replace(message, signature=mark)


def told(message: Message, times: int) -> list[tuple[Message, ...]]:
    liar = Misinforming(Context())  # type: ignore[arg-type]
    return [tuple(liar.change(NodeId(9), message)) for _ in range(times)]


def is_true(message: TentativeBlock) -> bool:
    place = View(message.view), Sequence(message.sequence)
    vote = TentativeVote(*place, message.digest, 3, message.signature)  # type: ignore[arg-type]
    return ENVIRONMENT.verifier.verify_message(vote)


def test_signatures_are_forged_repeated_and_contradictory_in_turn() -> None:
    honest = signed_block(3)
    lies = told(honest, 5)
    shown = [[m for m in lie if isinstance(m, TentativeBlock)] for lie in lies]
    assert [[is_true(m) for m in each] for each in shown] == [
        [True, True, True],
        [True, True],
        [False],
        [True, True],
        [False],
    ]
    contradictions = [each for each in shown if len({m.digest for m in each}) == 2]
    assert len(contradictions) == 2


def test_no_proof_and_no_certificate_stays_true() -> None:
    for lie in told(results(), 3):
        assert all(isinstance(m, BlockResults) and m != results() for m in lie)
    for lie in told(final(), 2):
        assert all(isinstance(m, FinalBlock) and m != final() for m in lie)
