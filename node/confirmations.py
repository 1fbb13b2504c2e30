"""The validator's side of fast confirmation: it tells gateways what becomes of transactions.

A gateway watches transactions by sending them, or only their hashes. For each block that holds
something watched, the gateway gets this validator's tentative signature as soon as consensus has
made it durable; if it named this validator its prover, also header and proofs, which are made as
a computation on the host's cores, and the certificate when the block is final. Of transactions
that this node's pool refuses it gets a signed reason.

A gateway that asks for what has happened already is answered at once, from the blocks of late.
What is remembered for gateways is bounded, for each of them and in all: a gateway that watches
too much loses its oldest, and it insists anyway (`node.confirmation_client`).

Reference: Castro & Liskov, TOCS 20(4), 2002, section 5.1.
"""

from dataclasses import dataclass, field

from consensus.confirmation import Tentative
from consensus.costs import VOTE_SIGN
from consensus.messages import Refusal
from consensus.signing import binding, signed_payload
from node.confirmation_messages import (
    TRANSACTIONS_PER_WATCH,
    BlockResults,
    FinalBlock,
    Refusals,
    RefusedTransaction,
    Succession,
    TentativeBlock,
    Watch,
)
from node.confirmation_proofs import ProveResults
from node.costs import PROVE, WATCH
from node.epochs import Epochs, Place
from node.events import BlockFinal, TransactionsRefused
from node.execution import ExecutedBlock
from node.intake import Intake
from node.ledger import Ledger
from node.requests import Purpose, Requests
from primitives.block import Block
from primitives.codec import encode_canonical
from primitives.ids import Hash32, Instant, NodeId
from primitives.machine import Compute, Effect, Event, Loopback, Send, Serial, Work
from primitives.receipt import Receipt
from primitives.transaction import transaction_hash

GATEWAYS_MAX = 64
"""Gateways that one validator serves."""
GATEWAY_IDLE_NS = 60_000_000_000
"""How long one that waits for something may be silent before another takes its place, in ns."""
WATCHED_MAX = 8_192
"""Transactions that it watches for one of them."""
RECENT_BLOCKS = 128
"""Blocks whose transactions it can still answer for."""
SUCCESSION_BYTES = 1024 * 1024
"""Ends of epochs that one answer holds at most, one apart."""
REASON_BYTES = 32


class TentativeSigned(Event, frozen=True, gc=False):
    """A tentative signature of this validator may leave.

    Travels as a `Loopback` of the core "consensus", so that the durability rule holds it back.
    """

    core = "consensus"

    block: TentativeBlock


class ProofPurpose(Purpose, frozen=True, gc=False):
    """Proofs are being made."""


@dataclass(slots=True)
class KnownBlock:
    """A block of late, as far as gateways may ask about it."""

    body: Block
    receipts: tuple[Receipt, ...]
    places: dict[Hash32, int]
    """Index of each of its transactions."""
    tentative: TentativeBlock | None = None
    certificate: bytes | None = None


@dataclass(slots=True)
class Watcher:
    """One gateway."""

    heard: Instant = Instant(0)
    """When it asked last."""
    watched: dict[Hash32, bool] = field(default_factory=dict)
    """Transactions that it waits for, oldest first; whether this validator is to prove them."""


class Confirmations:
    """What one validator does for gateways.

    Args:
        genesis_hash: the chain.
        ledger: its blocks.
        intake: where transactions go.
        requests: numbers of its computations.
        epochs: knows its place in the committee, and the keys for it.
    """

    __slots__ = (
        "_early",
        "_epochs",
        "_genesis_hash",
        "_intake",
        "_known",
        "_ledger",
        "_requests",
        "_watchers",
        "_where",
    )

    def __init__(
        self,
        genesis_hash: Hash32,
        ledger: Ledger,
        intake: Intake,
        requests: Requests,
        epochs: Epochs,
    ) -> None:
        self._genesis_hash = genesis_hash
        self._epochs = epochs
        self._ledger = ledger
        self._intake = intake
        self._requests = requests
        self._watchers: dict[NodeId, Watcher] = {}
        self._known: dict[Hash32, KnownBlock] = {}
        """Blocks of late by digest, oldest first."""
        self._where: dict[Hash32, Hash32] = {}
        """The block of each of their transactions."""
        self._early: dict[Hash32, TentativeBlock] = {}
        """Signatures for blocks that are not executed in this life of the node."""

    def watched(self, gateway: NodeId) -> int:
        """Return how many transactions a gateway waits for here."""
        watcher = self._watchers.get(gateway)
        return 0 if watcher is None else len(watcher.watched)

    # ---------------------------------------------------------------- what gateways ask

    def on_watch(self, now: Instant, sender: NodeId, message: Watch) -> list[Effect]:
        """Note what a gateway waits for; answer for what has happened already."""
        count = len(message.transactions) + len(message.hashes)
        if count > TRANSACTIONS_PER_WATCH or not self._has_room(now, sender):
            return []
        watcher = self._watchers.setdefault(sender, Watcher())
        watcher.heard, watched = now, watcher.watched
        effects: list[Effect] = [Work(WATCH, max(count, 1))]
        if message.epoch < self._epochs.epoch.number:
            effects.append(Send(sender, self._succession(message.epoch)))
        offered = [(transaction_hash(raw), raw) for raw in message.transactions]
        answers: dict[Hash32, list[int]] = {}
        for name in (*[name for name, _ in offered], *map(Hash32, message.hashes)):
            digest = self._where.get(name)
            if digest is not None:
                answers.setdefault(digest, []).append(self._known[digest].places[name])
            if digest is None or self._known[digest].certificate is None:
                watched[name] = message.prove or watched.get(name, False)
        while len(watched) > WATCHED_MAX:
            del watched[next(iter(watched))]
        for digest, places in answers.items():
            effects += self._answer(sender, self._known[digest], places, prove=message.prove)
        fresh = [(name, raw) for name, raw in offered if name not in self._where]
        return effects + self._intake.offer(fresh, sender)

    def _has_room(self, now: Instant, sender: NodeId) -> bool:
        """Tell whether a gateway can be served, if need be in the place of one that has gone."""
        if sender in self._watchers or len(self._watchers) < GATEWAYS_MAX:
            return True
        for gateway, watcher in self._watchers.items():
            if not watcher.watched or now - watcher.heard > GATEWAY_IDLE_NS:
                del self._watchers[gateway]
                return True
        return False

    def _succession(self, epoch: int) -> Succession:
        """Return the ends of `epoch` and later ones: as many as fit, for the rest will be asked."""
        parts: list[bytes] = []
        room = SUCCESSION_BYTES
        for closing in self._ledger.checkpoints.closings[epoch:]:
            part = encode_canonical(closing)
            room -= len(part)
            if parts and room < 0:
                break
            parts.append(part)
        return Succession(tuple(parts))

    def _answer(
        self, gateway: NodeId, known: KnownBlock, places: list[int], *, prove: bool
    ) -> list[Effect]:
        effects: list[Effect] = []
        if known.tentative is not None:
            effects.append(Send(gateway, known.tentative))
        if prove:
            if known.certificate is not None:
                effects.append(Send(gateway, FinalBlock(known.certificate)))
            effects.append(self._prove(known, {gateway: places}))
        return effects

    def known_block(self, transaction: Hash32) -> KnownBlock | None:
        """Return the block of late that has a transaction, as far as this validator has spoken."""
        digest = self._where.get(transaction)
        return None if digest is None else self._known.get(digest)

    # ---------------------------------------------------------------- what happens to blocks

    def on_tentative(self, now: Instant, effect: Tentative) -> list[Effect]:
        """Send a signature around, so that it waits for what consensus has to persist first."""
        signed = TentativeBlock(
            effect.epoch, effect.view, effect.sequence, effect.digest, effect.signature
        )
        return [Loopback(TentativeSigned(signed))]

    def on_tentative_signed(self, now: Instant, event: TentativeSigned) -> list[Effect]:
        """Tell the gateways that wait for something in the block."""
        block = self._ledger.executed(Hash32(event.block.digest))
        if block is None:
            self._early[Hash32(event.block.digest)] = event.block
            while len(self._early) > RECENT_BLOCKS:
                del self._early[next(iter(self._early))]
            return []
        known = self._know(block)
        known.tentative = event.block
        return self._tell(known, event.block, final=False)

    def on_block_final(self, now: Instant, effect: BlockFinal) -> list[Effect]:
        """Tell the gateways whose prover this validator is, and stop to watch."""
        known = self._know(effect.block)
        told = known.tentative is not None
        known.certificate = effect.certificate
        if not told:
            known.tentative = self._early.pop(effect.block.digest, None)
        message = FinalBlock(effect.certificate)
        effects = self._tell(known, message, final=True, results=not told)
        for watcher in self._watchers.values():
            for name in _matches(watcher, known):
                del watcher.watched[name]
        return effects

    def _tell(
        self,
        known: KnownBlock,
        message: TentativeBlock | FinalBlock,
        *,
        final: bool,
        results: bool = True,
    ) -> list[Effect]:
        """Send `message` to whom it concerns, and have the proofs made that are this node's."""
        effects: list[Effect] = []
        wanted: dict[int, list[int]] = {}
        looked = 0
        for gateway, watcher in self._watchers.items():
            looked += min(len(watcher.watched), len(known.places))
            matches = _matches(watcher, known)
            proves = [known.places[name] for name in matches if watcher.watched[name]]
            if proves:
                wanted[gateway] = proves
            if proves or (matches and not final):
                effects.append(Send(gateway, message))
        if looked:
            effects.insert(0, Work(WATCH, looked))
        if wanted and results:
            effects.append(self._prove(known, wanted))
        return effects

    def _know(self, block: ExecutedBlock) -> KnownBlock:
        known = self._known.get(block.digest)
        if known is None:
            places = {transaction.hash: i for i, transaction in enumerate(block.transactions)}
            known = self._known[block.digest] = KnownBlock(block.block, block.receipts, places)
            self._where.update(dict.fromkeys(places, block.digest))
            while len(self._known) > RECENT_BLOCKS:
                self._forget(next(iter(self._known)))
        return known

    def _forget(self, digest: Hash32) -> None:
        for name in self._known.pop(digest).places:
            if self._where.get(name) == digest:
                del self._where[name]

    # ---------------------------------------------------------------- proofs and refusals

    def _prove(self, known: KnownBlock, wanted: dict[int, list[int]]) -> Effect:
        request = self._requests.open(ProofPurpose())
        demand = Serial(PROVE, max(len(known.receipts), 1))
        return Compute(request, (demand,), ProveResults(known.body, known.receipts, wanted))

    def proven(
        self, now: Instant, purpose: ProofPurpose, results: dict[int, tuple[BlockResults, ...]]
    ) -> list[Effect]:
        """Send proofs that are ready."""
        return [
            Send(NodeId(gateway), message)
            for gateway, messages in results.items()
            for message in messages
        ]

    def on_transactions_refused(self, now: Instant, effect: TransactionsRefused) -> list[Effect]:
        """Sign why this node does not take a gateway's transactions."""
        place = self._epochs.place()
        if place is None:
            return []
        effects: list[Effect] = [Work(VOTE_SIGN, len(effect.refused))]
        by_gateway: dict[NodeId, list[RefusedTransaction]] = {}
        for gateway, name, code in effect.refused:
            by_gateway.setdefault(gateway, []).append(self._refuse(place, name, code))
        for gateway, refused in by_gateway.items():
            effects.append(Send(gateway, Refusals(tuple(refused))))
        return effects

    def _refuse(self, place: Place, name: Hash32, code: str) -> RefusedTransaction:
        reason = reason_of(code)
        unsigned = Refusal(name, reason, place.index, b"")
        bound = binding(self._genesis_hash, epoch=self._epochs.epoch.number)
        signature = place.keys.signer.sign(signed_payload(bound, unsigned))
        return RefusedTransaction(name, reason, signature)


def _matches(watcher: Watcher, known: KnownBlock) -> list[Hash32]:
    """Return what a gateway watches of a block, in the order of the shorter of the two."""
    watched, places = watcher.watched, known.places
    if len(watched) < len(places):
        return [name for name in watched if name in places]
    return [name for name in places if name in watched]


def reason_of(code: str) -> bytes:
    """Return the form in which the code of an error is signed."""
    return code.encode("ascii")[:REASON_BYTES].ljust(REASON_BYTES, b"\0")


def code_of(reason: bytes) -> str:
    """Return the code that a signed reason stands for."""
    return reason.rstrip(b"\0").decode("ascii", "replace")
