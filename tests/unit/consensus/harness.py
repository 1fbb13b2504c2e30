"""A small network of replicas in one process: seeded delays, faults, and checks at every step.

It stands beside the simulator on purpose: consensus is tested without kernel and node, and what
they could hide (a lost effect, an order that is never wrong) is done here in the plainest way.

Checked all the time: deliveries are in order, linked, agreed upon and certified; no replica ever
signs two votes for one (view, sequence, phase), in all its lives; a vote leaves only when its
record is durable, and a COMMIT when everything below it is; what a quorum has signed COMMITs for
is the only block that anybody votes for in a later view; a view begins with linked blocks.
"""

import heapq
import random
from collections import Counter
from collections.abc import Callable, Hashable, Iterable

from consensus.certificate import Certificate
from consensus.confirmation import Tentative
from consensus.effects import (
    ChainAdvanced,
    Deliver,
    Exposed,
    FellBehind,
    RequestBlock,
    ValidateBlock,
    ViewBegun,
)
from consensus.messages import Commit, Prepare, PrePrepare
from consensus.params import ConsensusParams, ReplicaConfig
from consensus.replica import Replica
from consensus.signing import MemoVerifier, verify_certificate
from primitives.bls import AggregateSigner
from primitives.committee import Committee
from primitives.durability import core_of
from primitives.errors import OrreryError
from primitives.ids import Hash32, Instant, NodeId, Sequence
from primitives.machine import (
    Broadcast,
    CancelTimer,
    Effect,
    Emit,
    Event,
    Loopback,
    Message,
    Persist,
    Received,
    Record,
    Send,
    SetTimer,
    Started,
    TimerFired,
    TraceEvent,
    Work,
)
from tests.unit.consensus.toy_node import Delivered, SafetyViolation, Told, ToyNode
from tests.unit.consensus.toys import (
    GENESIS,
    MS,
    PARAMS,
    ToyBlock,
    keys,
    public_keys,
    toy_verifier,
)
from tests.unit.consensus.watch import Watch

FSYNC = 1 * MS

__all__ = ["Network", "SafetyViolation"]


class Network:
    """n replicas, a clock, and what happens to them.

    Args:
        n: replicas.
        seed: of delays, losses and duplicates.
        params: of consensus.
        committee: replicas use it; votes are always judged by a true one.
        loss: share of messages lost.
        duplication: share of messages that come twice.
        delay_ms: least and most delay.
        tamper: called with (sender, receiver, message); returns what is sent instead, None for
            nothing. This is how a test lies.
    """

    def __init__(
        self,
        n: int,
        seed: int = 0,
        params: ConsensusParams = PARAMS,
        committee: Committee | None = None,
        loss: float = 0.0,
        duplication: float = 0.0,
        delay_ms: tuple[float, float] = (1, 10),
        tamper: Callable[[int, int, Message], Message | None] | None = None,
    ) -> None:
        self.n = n
        self.rng = random.Random(seed)
        self.params = params
        self.judge = self._true_committee()
        self.committee = committee or self.judge
        self.verifier = self._true_verifier()
        self.loss, self.duplication, self.delay_ms = loss, duplication, delay_ms
        self.tamper = tamper
        self.now = 0
        self.heap: list[tuple[int, int, Callable[[], None]]] = []
        self.count = 0
        self.groups: list[list[int]] = [list(range(n))]
        self.decided: dict[int, Hash32] = {}
        self.watch = Watch()
        self.sent: Counter[str] = Counter()
        self.liars: list[int] = []
        self.submitted: list[int] = []
        self.nodes = [ToyNode(i, self._replica(i, [], ())) for i in range(n)]
        for node in self.nodes:
            self._step(node, Started())

    # The world -------------------------------------------------------------------------------

    def run(self, ms: float) -> None:
        """Let `ms` milliseconds pass."""
        end = self.now + int(ms * MS)
        while self.heap and self.heap[0][0] <= end:
            self.now, _, action = heapq.heappop(self.heap)
            action()
        self.now = end

    def run_until(self, condition: Callable[[], bool], ms: float) -> None:
        """Let time pass until `condition` holds, at most `ms` milliseconds."""
        end = self.now + int(ms * MS)
        while not condition() and self.heap and self.heap[0][0] <= end:
            self.now, _, action = heapq.heappop(self.heap)
            action()
        assert condition(), f"not reached in {ms} ms: {self.heights()}, views {self.views()}"

    def submit(self, transactions: Iterable[int], to: Iterable[int] | None = None) -> None:
        """Give transactions to nodes, to all that are up unless said otherwise."""
        numbers = list(transactions)
        self.submitted += numbers
        for index in range(self.n) if to is None else to:
            node = self.nodes[index]
            if node.up:
                for number in numbers:
                    node.pool.setdefault(number, self.now)
                self._news(node)

    def crash(self, index: int) -> None:
        self.nodes[index].crash()

    def restart(self, index: int) -> None:
        """Start a node anew from what its disk holds."""
        node = self.nodes[index]
        node.boot()
        records = [Record("consensus", key, value) for key, value in node.disk.items()]
        node.replica = self._replica(index, records, tuple(node.chain))
        self._step(node, Started())
        included = [t for block, _ in node.chain for t in block.transactions]
        node.pool = {t: self.now for t in self.submitted if t not in included}
        self._news(node)

    def partition(self, *groups: Iterable[int]) -> None:
        """Cut the network; nodes that are not named are alone."""
        named = [sorted(group) for group in groups]
        rest = [[i] for i in range(self.n) if not any(i in group for group in named)]
        self.groups = named + rest

    def heal(self) -> None:
        self.groups = [list(range(self.n))]

    def heights(self) -> list[int]:
        return [node.height for node in self.nodes]

    def views(self) -> list[int]:
        return [node.replica.view for node in self.nodes]

    def all_included(self, nodes: Iterable[int] | None = None) -> bool:
        """Tell whether every submitted transaction is in the chain of every node that is up."""
        chosen = [self.nodes[i] for i in (range(self.n) if nodes is None else nodes)]
        return all(
            len([t for block, _ in node.chain for t in block.transactions]) == len(self.submitted)
            for node in chosen
            if node.up
        )

    def traces(self, index: int, name: str) -> list[TraceEvent]:
        return [event for event in self.nodes[index].trace if event.name == name]

    # A node ----------------------------------------------------------------------------------

    def _true_committee(self) -> Committee:
        return Committee.of_keys(public_keys(self.n))

    def _true_verifier(self) -> MemoVerifier:
        return toy_verifier(self.judge)

    def _vote_signer(self, index: int) -> AggregateSigner | None:
        return None

    def _replica(
        self, index: int, records: list[Record], chain: tuple[tuple[ToyBlock, Certificate], ...]
    ) -> Replica:
        config = ReplicaConfig(
            index=index,
            committee=self.committee,
            genesis_hash=GENESIS,
            signer=keys(self.n)[index],
            verifier=self.verifier,
            vote_signer=self._vote_signer(index),
            params=self.params,
            sequence=Sequence(len(chain)),
            digest=chain[-1][0].digest if chain else GENESIS,
            trail=tuple(certificate for _, certificate in chain[-self.params.reach :]),
        )
        return Replica(config, records)

    def _at(self, node: ToyNode, delay: int, action: Callable[[], None]) -> None:
        """Do something later, unless the node has crashed by then."""
        life = node.life

        def guarded() -> None:
            if node.up and node.life == life:
                action()

        self._later(delay, guarded)

    def _later(self, delay: int, action: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.heap, (self.now + delay, self.count, action))

    def _step(self, node: ToyNode, event: Event) -> None:
        if isinstance(event, Delivered):
            self._adopt(node, event.certificate)
            return
        if isinstance(event, Told):
            if node.index not in self.liars:
                known = self.decided.get(event.effect.sequence)
                self.watch.promise(node.index, event.effect, self.judge.quorum, known)
            return
        effects = node.replica.step(Instant(self.now), event)
        for effect in effects:
            self._perform(node, effect)

    def _perform(self, node: ToyNode, effect: Effect) -> None:
        effect = _looped(effect)
        if isinstance(effect, Send | Broadcast | Loopback):
            if node.gate.holds(core_of(effect)):
                node.gate.hold(core_of(effect), effect)
            else:
                self._leave(node, effect)
        elif isinstance(effect, Persist):
            self._persist(node, effect)
        elif isinstance(effect, SetTimer):
            self.count += 1
            mark = node.timers[effect.timer] = self.count
            self._at(node, effect.delay_ns, lambda: self._fire(node, effect.timer, mark))
        elif isinstance(effect, CancelTimer):
            node.timers.pop(effect.timer, None)
        elif isinstance(effect, Emit):
            node.trace.append(effect.event)
        elif isinstance(effect, RequestBlock):
            self._at(node, MS, lambda: self._build(node, effect))
        elif isinstance(effect, ValidateBlock):
            self._at(
                node, MS + self.rng.randrange(MS), lambda: self._step(node, node.validate(effect))
            )
        elif isinstance(effect, ViewBegun):
            self.watch.opening(node.index, node.replica.state)
            node.built = [b for b in node.built if b.digest in effect.kept]
            self._at(node, 0, lambda: self._news(node))
        elif isinstance(effect, FellBehind):
            node.fell_behind += 1
            self._at(node, 5 * MS, lambda: self._sync(node, effect))
        else:
            assert isinstance(effect, Work | Exposed), f"unknown effect {effect}"

    def _fire(self, node: ToyNode, timer: Hashable, mark: int) -> None:
        if node.timers.get(timer) == mark:
            del node.timers[timer]
            self._step(node, TimerFired(timer))

    def _persist(self, node: ToyNode, effect: Persist) -> None:
        node.gate.begin(effect.origin, effect.token)
        node.disk_busy = max(node.disk_busy, self.now) + FSYNC

        def done() -> None:
            for record in effect.records:
                if record.value is None:
                    node.disk.pop(record.key, None)
                else:
                    node.disk[record.key] = record.value
            for held in node.gate.durable(effect.origin, effect.token):
                self._leave(node, held)

        self._at(node, node.disk_busy - self.now, done)

    def _leave(self, node: ToyNode, effect: Effect) -> None:
        if isinstance(effect, Loopback):
            event = effect.event
            self._at(node, 0, lambda: self._step(node, event))
        elif isinstance(effect, Send):
            self._send(node, effect.to, effect.message)
        elif isinstance(effect, Broadcast):
            assert effect.group == "committee"
            for to in range(self.n):
                if to != node.index:
                    self._send(node, to, effect.message)

    def _send(self, node: ToyNode, to: int, message: Message) -> None:
        assert to != node.index, f"{node.index} sends {message} to itself"
        if node.index not in self.liars:
            self._check_vote(node, message)
        shown = message if self.tamper is None else self.tamper(node.index, to, message)
        if shown is None:
            return
        self.sent[type(message).__name__] += 1
        copies = 1 + (self.rng.random() < self.duplication)
        for _ in range(copies):
            if self.rng.random() < self.loss:
                continue
            low, high = self.delay_ms
            delay = int(self.rng.uniform(low, high) * MS)
            self._later(delay, lambda: self._arrive(node.index, to, shown))

    def _arrive(self, sender: int, to: int, message: Message) -> None:
        node = self.nodes[to]
        if node.up and self._joined(sender, to):
            self._step(node, Received(NodeId(sender), message))

    def _joined(self, one: int, other: int) -> bool:
        return any(one in group and other in group for group in self.groups)

    # What the nodes do for consensus ---------------------------------------------------------

    def _news(self, node: ToyNode) -> None:
        self._step(node, node.news())

    def _build(self, node: ToyNode, request: RequestBlock) -> None:
        self._step(node, node.build(request))
        self._news(node)

    def _adopt(self, node: ToyNode, certificate: Certificate) -> None:
        if certificate.sequence <= node.height:
            return
        block = node.executed.get(certificate.digest)
        assert block is not None, "delivered a block that was never executed"
        self._append(node, block, certificate)
        self._news(node)

    def _append(self, node: ToyNode, block: ToyBlock, certificate: Certificate) -> None:
        """Make a block final at a node; this is where safety is judged."""
        node.append(block, certificate)
        agreed = self.decided.setdefault(certificate.sequence, certificate.digest)
        if agreed != certificate.digest:
            raise SafetyViolation(f"two blocks at {certificate.sequence}")
        if self.watch.promised.get(certificate.sequence, agreed) != agreed:
            raise SafetyViolation(f"clients were promised another block at {certificate.sequence}")
        try:
            verify_certificate(certificate, self.judge, GENESIS, self.verifier)
        except OrreryError as error:
            raise SafetyViolation(str(error)) from error
        node.disk_busy = max(node.disk_busy, self.now) + FSYNC
        self._at(
            node,
            node.disk_busy - self.now,
            lambda: node.disk_chain.append((block, certificate)),
        )

    def _sync(self, node: ToyNode, wish: FellBehind) -> None:
        """Fetch blocks from the named peer, or from another that can be reached."""
        others = [i for i in range(self.n) if i not in (node.index, wish.peer)]
        self.rng.shuffle(others)
        for peer in (self.nodes[i] for i in (wish.peer, *others)):
            if not peer.up or not self._joined(node.index, peer.index):
                continue
            if peer.height <= node.height:
                continue
            for block, certificate in peer.chain[node.height :]:
                self._append(node, block, certificate)
            last, certificate = node.chain[-1]
            trail = tuple(c for _, c in node.chain[-self.params.reach : -1])
            self._step(node, ChainAdvanced(certificate.sequence, last.digest, certificate, trail))
            self._news(node)
            return

    def _check_vote(self, node: ToyNode, message: Message) -> None:
        if isinstance(message, PrePrepare) and self.judge.primary(message.view) != node.index:
            return  # the primary's, shown to another backup
        if isinstance(message, Prepare) and message.replica != node.index:
            return  # another's, passed on
        if isinstance(message, PrePrepare | Prepare | Commit):
            self.watch.vote(node.index, message, self.judge.quorum)
            node.check_durable(message)


def _looped(effect: Effect) -> Effect:
    """Send around what may only leave when the log is durable."""
    if isinstance(effect, Deliver):
        return Loopback(Delivered(effect.certificate))
    return Loopback(Told(effect)) if isinstance(effect, Tentative) else effect
