"""A gateway: the host that clients submit to when they want fast confirmation.

It holds no chain and trusts no validator. Clients hand it signed transactions; it speaks to the
committee for them (`node.confirmation_client`) and traces every answer. Losing it loses nothing:
a client whose gateway has crashed goes to another one with the same transaction.
"""

from collections.abc import Callable, Mapping, Sequence as Seq
from types import MappingProxyType
from typing import Any

from node.config import Environment, NodeConfig
from node.confirmation_answers import Answer, Confirmed, Final, Pending, Rejected
from node.confirmation_client import ConfirmationClient
from node.confirmation_messages import (
    BlockResults,
    FinalBlock,
    Refusals,
    Succession,
    TentativeBlock,
)
from node.confirmation_state import Answered, ClientConfig, ClientTimer, Misbehaved
from node.gateway_epochs import succeed
from node.gateway_trace import (
    Accepted,
    FastConfirmed,
    Finalised,
    Refused,
    StillPending,
    ValidatorLied,
)
from node.peer_scores import Misdeed, PeerScores
from node.snapshot import Closing
from primitives.codec import decode_canonical
from primitives.epoch import first_epoch
from primitives.errors import InvalidInput
from primitives.header import decode_header
from primitives.ids import Hash32, Instant, NodeId
from primitives.machine import (
    NOTHING,
    Effect,
    Emit,
    Event,
    Message,
    Received,
    Submitted,
    TimerFired,
    TraceEvent,
    Work,
)
from primitives.transaction import transaction_hash

MISDEEDS: Mapping[str, Misdeed] = MappingProxyType(
    {
        "signature": Misdeed.FALSE_SIGNATURE,
        "proof": Misdeed.FALSE_PROOF,
        "certificate": Misdeed.FALSE_CERTIFICATE,
        "refusal": Misdeed.STRANGE_REFUSAL,
        "tentative": Misdeed.EQUIVOCATION,
    }
)
"""What each kind of `Misbehaved` is in the book of peers."""


class Gateway:
    """One gateway, as a driver sees it.

    Args:
        config: its number.
        environment: what it shares with its network.
        client: its own choices.
    """

    __slots__ = ("_environment", "_epoch", "_messages", "client", "scores")

    def __init__(
        self, config: NodeConfig, environment: Environment, client: ClientConfig | None = None
    ) -> None:
        committee = environment.genesis.committee
        self._environment = environment
        self._epoch = first_epoch(committee)
        self.scores = PeerScores()
        """How validators stand with it."""
        self.client = ConfirmationClient(
            committee,
            0,
            environment.verifier,
            environment.certificates,
            client or ClientConfig(),
            config.index % committee.size,
            self.scores,
        )
        """Its core, to look at from outside."""
        self._messages: dict[type[Message], Callable[[Instant, NodeId, Any], list[Effect]]] = {
            TentativeBlock: self.client.on_tentative_block,
            BlockResults: self.client.on_block_results,
            FinalBlock: self.client.on_final_block,
            Refusals: self.client.on_refusals,
            Succession: self._on_succession,
        }

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn."""
        if isinstance(event, Received):
            handle = self._messages.get(type(event.message))
            if handle is None:
                return NOTHING
            return self._perform(now, handle(now, event.sender, event.message))
        if isinstance(event, Submitted):
            return self._submit(now, event.raw)
        if isinstance(event, TimerFired) and event.timer is ClientTimer.FLUSH:
            return self._perform(now, self.client.on_flush_timeout(now))
        if isinstance(event, TimerFired) and event.timer is ClientTimer.INSIST:
            return self._perform(now, self.client.on_insist_timeout(now))
        return NOTHING

    def _on_succession(self, now: Instant, sender: NodeId, message: Succession) -> list[Effect]:
        """Follow the committee into later epochs, as far as it is proven."""
        effects: list[Effect] = []
        epoch = self._epoch
        try:
            for encoded in message.closings:
                closing = decode_canonical(encoded, Closing)
                if decode_header(closing.header).number <= epoch.since:
                    continue
                costs = self._environment.verifier_of(epoch).policy.costs
                signers = self._environment.certificates.read(closing.certificate).signers
                parts = costs.checking(min(len(signers), epoch.committee.size))
                effects += [Work(part.kind, sum(part.units)) for part in parts]
                epoch = succeed(self._environment, epoch, closing)
        except InvalidInput:
            return effects
        if epoch.number > self._epoch.number:
            self._epoch = epoch
            verifier = self._environment.verifier_of(epoch)
            effects += self.client.begin_epoch(now, epoch.committee, epoch.number, verifier)
        return effects

    def _submit(self, now: Instant, raw: bytes) -> Seq[Effect]:
        """Take a transaction; a repetition of one that is under way is none."""
        name = transaction_hash(raw)
        if self.client.knows(name):
            return NOTHING
        return [Emit(Accepted(name)), *self._perform(now, self.client.submit(now, raw))]

    def _perform(self, now: Instant, effects: list[Effect]) -> list[Effect]:
        """Trace what the client has learned; leave the rest in its place."""
        performed: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Answered):
                traced = _traced(effect.transaction, effect.answer, effect.latency_ns)
                performed.append(Emit(traced))
            elif isinstance(effect, Misbehaved):
                lie = ValidatorLied(effect.validator, effect.kind, effect.sequence)
                performed.append(Emit(lie))
                performed += self.scores.count(now, effect.validator, MISDEEDS[effect.kind])
            else:
                performed.append(effect)
        return performed


def _traced(name: Hash32, answer: Answer, latency_ns: int) -> TraceEvent:
    match answer:
        case Confirmed(votes=votes):
            first = votes[0]
            return FastConfirmed(name, first.view, first.sequence, first.digest, latency_ns)
        case Final(certificate=certificate):
            place = certificate.view, certificate.sequence, certificate.digest
            return Finalised(name, *place, latency_ns)
        case Rejected(code=code):
            return Refused(name, code, latency_ns)
        case Pending(votes=votes, refusals=refusals):
            return StillPending(name, len(votes), len(refusals), latency_ns)
