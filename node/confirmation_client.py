"""The client of fast confirmation: it asks all validators at once and waits for enough of them.

A core as all others: it is told what came and what time it is, and answers with effects. Its
`Answered` are what a gateway traces in virtual time, and what an RPC server would return.

A transaction goes to the primary and to 2f of the fastest validators, so that f+1 correct ones
can refuse it; all others only hear its hash. One validator is named prover: the one whose
signatures have come first lately. Whoever keeps the client waiting is asked again, with growing
pauses, and another becomes the prover each time, so that a liar or a crash costs patience and
never the answer.

Nothing that a validator says is believed. Signatures are checked one by one as they come, each
validator counts once for a place (`node.confirmation_tally`), proofs are checked against the
block's hash, and only what a quorum has signed, with the result proven in it, is Confirmed.

Reference: Castro & Liskov, TOCS 20(4), 2002, sections 5.1 (tentative execution, digest replies).
"""

import heapq
from collections.abc import Iterable

from consensus.certificate import Certificate, InvalidCertificate
from consensus.costs import VOTE_VERIFY
from consensus.messages import Refusal, TentativeVote
from consensus.signing import MessageVerifier
from node.certificates import CertificateReader
from node.confirmation_answers import Answer, Confirmed, Final, Pending, Rejected
from node.confirmation_messages import (
    BlockResults,
    FinalBlock,
    Refusals,
    TentativeBlock,
    Watch,
)
from node.confirmation_peers import Peers
from node.confirmation_proofs import ProvenResult, check_results
from node.confirmation_state import (
    CERTIFIED_KEPT,
    DOUBLINGS,
    EPOCHS_KEPT,
    GATEWAY_FULL,
    Answered,
    ClientConfig,
    ClientTimer,
    Entry,
    Misbehaved,
    Proofs,
    in_order,
)
from node.confirmation_tally import Place, Tally, Verdict
from node.confirmations import code_of
from node.costs import CHECK_RESULT
from node.peer_scores import PeerScores
from primitives.committee import Committee
from primitives.errors import InvalidEncoding
from primitives.ids import Duration, Hash32, Instant, NodeId, Sequence, View
from primitives.keccak import keccak256
from primitives.machine import Effect, Send, SetTimer, Work
from primitives.trie_proof import InvalidProof


class ConfirmationClient:
    """Collects the answers of one committee.

    Args:
        committee: the validators.
        epoch: which committee it is.
        verifier: checks its members' signatures.
        certificates: reads and checks certificates.
        config: its own choices.
        offset: a number that differs between clients, so that not all begin with the same prover.
        scores: how its node sees its peers; it only reads them.
    """

    __slots__ = (
        "_certificates",
        "_certified",
        "_committee",
        "_config",
        "_done",
        "_due",
        "_entries",
        "_epoch",
        "_outgoing",
        "_past",
        "_peers",
        "_proofs",
        "_scores",
        "_verifier",
        "tally",
    )

    def __init__(
        self,
        committee: Committee,
        epoch: int,
        verifier: MessageVerifier,
        certificates: CertificateReader,
        config: ClientConfig,
        offset: int = 0,
        scores: PeerScores | None = None,
    ) -> None:
        self._committee = committee
        self._epoch = epoch
        self._verifier = verifier
        self._certificates = certificates
        self._config = config
        self._scores = PeerScores() if scores is None else scores
        self._peers = Peers(committee, offset, self._scores)
        self._entries: dict[Hash32, Entry] = {}
        self._outgoing: list[Hash32] = []
        self._due: list[tuple[int, Hash32]] = []
        self._done: dict[Hash32, None] = {}
        self._certified: dict[Hash32, Certificate] = {}
        self._past: dict[int, tuple[Committee, MessageVerifier]] = {}
        """Committees of earlier epochs: blocks of theirs may still become final."""
        self._proofs = Proofs()
        self.tally = Tally(committee.quorum, verifier.verify_message)

    def __len__(self) -> int:
        return len(self._entries)

    def shown(self, transaction: Hash32) -> int:
        """Return how many blocks a transaction that is waited for is proven to stand in."""
        return len(self._entries[transaction].results)

    def knows(self, transaction: Hash32) -> bool:
        """Whether it waits for a transaction, or remembers its final answer."""
        return transaction in self._entries or transaction in self._done

    # ---------------------------------------------------------------- the client's own

    def submit(self, now: Instant, raw: bytes) -> list[Effect]:
        """Ask the validators for a transaction, unless it is under way or final already."""
        name = keccak256(raw)
        if self.knows(name):
            return []
        if len(self._entries) >= self._config.open_max:
            return [Answered(name, Rejected(name, GATEWAY_FULL, ()), Duration(0))]
        due = Instant(now + min(self._config.patience, self._config.timeout))
        self._entries[name] = Entry(raw, now, due)
        effects: list[Effect] = []
        heapq.heappush(self._due, (due, name))
        if self._due[0] == (due, name):
            effects.append(SetTimer(ClientTimer.INSIST, Duration(due - now)))
        self._outgoing.append(name)
        if len(self._outgoing) == 1:
            effects.append(SetTimer(ClientTimer.FLUSH, self._config.batch_delay))
        return effects

    def on_flush_timeout(self, now: Instant) -> list[Effect]:
        """Send what has gathered."""
        names, self._outgoing = self._outgoing, []
        fresh = [name for name in names if name in self._entries]
        holders = self._peers.holders(now)
        return self._watch(fresh, self._peers.prover(now), holders)

    def on_insist_timeout(self, now: Instant) -> list[Effect]:
        """Ask again for what is overdue, and say what is Pending."""
        effects: list[Effect] = []
        again: dict[tuple[int, bool], list[Hash32]] = {}
        late: dict[int, None] = {}
        while self._due and self._due[0][0] <= now:
            at, name = heapq.heappop(self._due)
            entry = self._entries.get(name)
            if entry is None or entry.due != at:
                continue
            if now - entry.since >= self._config.timeout and not entry.overdue:
                entry.overdue = True
                if not entry.confirmed:
                    effects.append(self._answer(now, name, entry, self._pending(name, entry)))
            if now - entry.since >= self._config.give_up:
                self._forget(name)
                continue
            entry.attempts += 1
            late[entry.prover] = None
            again.setdefault((entry.prover, entry.confirmed), []).append(name)
            self._schedule(now, name, entry)
        for index in (index for index in late if index >= 0):
            self._peers.blame(index, self._config.patience)
        for (before, confirmed), names in again.items():
            prover = self._peers.prover(now, before)
            to = (prover,) if confirmed else None
            effects += self._watch(names, prover, self._peers.everybody(), to)
        if self._due:
            effects.append(SetTimer(ClientTimer.INSIST, Duration(max(self._due[0][0] - now, 1))))
        return effects

    def _schedule(self, now: Instant, name: Hash32, entry: Entry) -> None:
        due = now + (self._config.patience << min(entry.attempts, DOUBLINGS))
        if not entry.overdue:
            due = min(due, max(entry.since + self._config.timeout, now + 1))
        entry.due = Instant(due)
        heapq.heappush(self._due, (due, name))

    def _watch(
        self,
        names: list[Hash32],
        prover: int,
        holders: Iterable[int],
        to: tuple[int, ...] | None = None,
    ) -> list[Effect]:
        """Return the messages that have validators watch; `holders` get the transactions too."""
        effects: list[Effect] = []
        having = frozenset(holders)
        for name in names:
            self._entries[name].prover = prover
        for part in self._peers.portions([(name, len(self._entries[name].raw)) for name in names]):
            raws = tuple(self._entries[name].raw for name in part)
            for index in self._peers.everybody() if to is None else to:
                full = index in having and to is None
                whole = raws if full else ()
                hashes = () if full else tuple(part)
                watch = Watch(whole, hashes, index == prover, self._epoch)
                effects.append(Send(self._peers.node(index), watch))
        return effects

    # ---------------------------------------------------------------- the committee

    @property
    def epoch(self) -> int:
        """Whose committee it speaks to."""
        return self._epoch

    def begin_epoch(
        self, now: Instant, committee: Committee, epoch: int, verifier: MessageVerifier
    ) -> list[Effect]:
        """Go on with the next committee. It is asked for everything that is not confirmed."""
        self._past[self._epoch] = (self._committee, self._verifier)
        while len(self._past) > EPOCHS_KEPT:
            del self._past[next(iter(self._past))]
        self._committee, self._epoch, self._verifier = committee, epoch, verifier
        self._peers = Peers(committee, self._peers.offset, self._scores)
        self.tally = Tally(committee.quorum, verifier.verify_message)
        for entry in self._entries.values():
            entry.refusals, entry.prover = {}, -1
        waiting = [name for name, entry in self._entries.items() if not entry.confirmed]
        return self._watch(waiting, self._peers.prover(now), self._peers.everybody())

    def _committee_of(self, epoch: int) -> tuple[Committee, MessageVerifier] | None:
        if epoch == self._epoch:
            return self._committee, self._verifier
        return self._past.get(epoch)

    # ---------------------------------------------------------------- what validators say

    def on_tentative_block(
        self, now: Instant, sender: NodeId, message: TentativeBlock
    ) -> list[Effect]:
        """Count a signature; confirm what it completes."""
        index = self._peers.index(sender)
        if index is None or message.epoch != self._epoch:
            return []
        place = Place(View(message.view), Sequence(message.sequence), Hash32(message.digest))
        vote = TentativeVote(place.view, place.sequence, place.digest, index, message.signature)
        had = self.tally.has_quorum(place)
        verdict, checked = self.tally.add(vote)
        effects: list[Effect] = [Work(VOTE_VERIFY, checked)] if checked else []
        if verdict is Verdict.FORGED:
            effects.append(self._blame(index, "signature", place.sequence))
        elif verdict is Verdict.CONTRADICTION:
            effects.append(self._blame(index, "tentative", place.sequence))
        elif verdict is not Verdict.KNOWN:
            self._peers.heard(now, index, place.digest)
        if not had and self.tally.has_quorum(place):
            self._peers.view = max(self._peers.view, place.view)
            effects += self._settle(now, place.digest)
        return effects

    def on_block_results(self, now: Instant, sender: NodeId, message: BlockResults) -> list[Effect]:
        """Check proofs of a block that their sender has vouched for."""
        index = self._peers.index(sender)
        digest = keccak256(message.header)
        if index is None:
            return []
        if digest not in self._certified and not self.tally.has_signed(index, digest):
            return []
        effects: list[Effect] = [Work(CHECK_RESULT, max(len(message.indexes), 1))]
        try:
            proven = check_results(message)
        except (InvalidEncoding, InvalidProof):
            return [*effects, self._blame(index, "proof", Sequence(0))]
        fresh = []
        for result in proven.results:
            entry = self._entries.get(result.transaction)
            if entry is not None and digest not in entry.results:
                entry.results[digest] = (message, result)
                fresh.append(result.transaction)
        gone = self._proofs.add(sender, digest, fresh, message)
        if gone is not None:
            self._drop(*gone)
        return effects + self._settle(now, digest)

    def on_final_block(self, now: Instant, sender: NodeId, message: FinalBlock) -> list[Effect]:
        """Check a certificate; what is proven in its block is final."""
        index = self._peers.index(sender)
        if index is None:
            return []
        try:
            certificate = self._certificates.read(message.certificate)
        except InvalidEncoding:
            return [self._blame(index, "certificate", Sequence(0))]
        signed_by = self._committee_of(certificate.epoch)
        if certificate.digest in self._certified or signed_by is None:
            return []
        committee, verifier = signed_by
        costs = verifier.policy.costs.checking(min(len(certificate.signers), committee.size))
        effects: list[Effect] = [Work(part.kind, sum(part.units)) for part in costs]
        try:
            epoch = certificate.epoch
            self._certificates.verify(message.certificate, committee, epoch, verifier)
        except InvalidCertificate:
            return [*effects, self._blame(index, "certificate", certificate.sequence)]
        self._certified[certificate.digest] = certificate
        while len(self._certified) > CERTIFIED_KEPT:
            del self._certified[next(iter(self._certified))]
        return effects + self._settle(now, certificate.digest)

    def on_refusals(self, now: Instant, sender: NodeId, message: Refusals) -> list[Effect]:
        """Count signed refusals; f+1 equal ones are an answer."""
        index = self._peers.index(sender)
        effects: list[Effect] = []
        for refused in message.refused if index is not None else ():
            assert index is not None, "the loop is empty without it"
            name = Hash32(refused.hash)
            entry = self._entries.get(name)
            if entry is None or entry.confirmed:
                continue
            if any(index in same for same in entry.refusals.values()):
                continue
            refusal = Refusal(name, refused.reason, index, refused.signature)
            effects.append(Work(VOTE_VERIFY, 1))
            if not self._verifier.verify_message(refusal):
                effects.append(self._blame(index, "refusal", Sequence(0)))
                continue
            same = entry.refusals.setdefault(refused.reason, {})
            same[index] = refusal
            if len(same) > self._committee.faults and not entry.results:
                rejected = Rejected(name, code_of(refused.reason), in_order(same))
                effects.append(self._answer(now, name, entry, rejected))
                self._forget(name)
        return effects

    # ---------------------------------------------------------------- answers

    def _settle(self, now: Instant, digest: Hash32) -> list[Effect]:
        """Answer for the transactions that are proven to stand in a block, as far as it goes."""
        effects: list[Effect] = []
        certificate = self._certified.get(digest)
        place = self._quorum_at(digest)
        if certificate is None and place is None:
            return effects
        for name in self._proofs.names(digest):
            entry = self._entries[name]
            results, result = entry.results[digest]
            if place is not None and not entry.confirmed:
                entry.confirmed = True
                votes = self.tally.votes(place)
                confirmed = Confirmed(self._epoch, votes, results, result)
                effects.append(self._answer(now, name, entry, confirmed))
            if certificate is not None:
                effects.append(self._answer(now, name, entry, Final(certificate, results, result)))
                self._forget(name)
                self._done[name] = None
        while len(self._done) > self._config.done_max:
            del self._done[next(iter(self._done))]
        return effects

    def _quorum_at(self, digest: Hash32) -> Place | None:
        """Return the place at which a quorum has signed a block, if there is one."""
        places = self.tally.places(digest)
        return places[-1] if places and self.tally.has_quorum(places[-1]) else None

    def _pending(self, name: Hash32, entry: Entry) -> Pending:
        votes: tuple[TentativeVote, ...] = ()
        best: ProvenResult | None = None
        for digest, (_, result) in entry.results.items():
            places = self.tally.places(digest)
            if places and (best is None or len(self.tally.votes(places[-1])) > len(votes)):
                votes, best = self.tally.votes(places[-1]), result
        refusals = max(entry.refusals.values(), key=len, default={})
        return Pending(name, votes, best, in_order(refusals))

    def _answer(self, now: Instant, name: Hash32, entry: Entry, answer: Answer) -> Effect:
        return Answered(name, answer, Duration(now - entry.since))

    def _forget(self, name: Hash32) -> None:
        for digest in self._entries.pop(name).results:
            self._proofs.remove(digest, name)

    def _drop(self, digest: Hash32, message: BlockResults) -> None:
        """Forget what one message has proven."""
        for name in self._proofs.names(digest):
            if self._entries[name].results[digest][0] is message:
                del self._entries[name].results[digest]
                self._proofs.remove(digest, name)

    def _blame(self, index: int, kind: str, sequence: Sequence) -> Effect:
        self._peers.blame(index, self._config.patience)
        return Misbehaved(self._peers.node(index), kind, sequence)
