"""Several nodes with the simplest network that keeps the contract of `primitives.machine`.

Messages take one millisecond, a disk write a tenth of one, and computing takes no time. There is
no cost of work, no bandwidth and no jitter: what is tested is how nodes work together.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from consensus.params import ConsensusParams
from consensus.signing import CommitteeVerifier, MemoVerifier
from network.codec import Codec
from node.config import Environment, NodeConfig, Role
from node.epochs import group_of
from node.execution import genesis_executed
from node.node import Node
from node.shared import ComputeCache
from node.verifiers import Keys
from node.wire import node_codec
from primitives.committee import Committee
from primitives.durability import DurabilityGate, core_of
from primitives.genesis import Genesis
from primitives.ids import Address, Duration, Hash32, Instant, NodeId, Wei
from primitives.keccak import keccak256
from primitives.keys import Ed25519Verifier, ValidatorKey
from primitives.machine import (
    Broadcast,
    CancelTimer,
    Completed,
    Compute,
    Effect,
    Emit,
    Event,
    Loopback,
    Message,
    Persist,
    Persisted,
    Received,
    Send,
    SetTimer,
    Started,
    Submitted,
    TimerFired,
    TraceEvent,
    Work,
)
from primitives.params import ChainParams
from storage.memory import MemoryStore
from tests.unit.node.transfers import ETHER, FIXED, account, raw_transfer, stranger

MILLISECOND = 1_000_000
SECOND = 1_000 * MILLISECOND
LINK_NS = MILLISECOND
DISK_NS = MILLISECOND // 10

PARAMS = ConsensusParams(
    request_timeout=Duration(SECOND),
    view_change_timeout=Duration(SECOND),
    repair_interval=Duration(200 * MILLISECOND),
    batch_size=50,
    batch_delay=Duration(20 * MILLISECOND),
)


def validator_key(index: int) -> ValidatorKey:
    return ValidatorKey(keccak256(b"validator %d" % index))


def make_environment(
    validators: int,
    params: ChainParams = FIXED,
    consensus: ConsensusParams = PARAMS,
    accounts: int = 5,
) -> Environment:
    committee = Committee.of_keys(validator_key(index).public_key for index in range(validators))
    alloc = tuple((account(index), Wei(10 * ETHER)) for index in range(accounts))
    genesis = Genesis(params, alloc, committee)
    block = genesis_executed(genesis)
    plain = CommitteeVerifier(committee, block.digest, Ed25519Verifier())
    return Environment(genesis, block, consensus, ComputeCache(params), MemoVerifier(plain))


def make_config(index: int, validators: int, **fields: object) -> NodeConfig:
    role = Role.VALIDATOR if index < validators else Role.FOLLOWER
    recipient = Address(keccak256(b"recipient %d" % index)[:20])
    return NodeConfig(NodeId(index), role, recipient, **fields)  # type: ignore[arg-type]


@dataclass
class Place:
    """One node with its disk, and what dies with its process."""

    config: NodeConfig
    environment: Environment
    store: MemoryStore = field(default_factory=MemoryStore)
    node: Node | None = None
    life: int = 0
    timers: dict[object, int] = field(default_factory=dict)
    gate: DurabilityGate[Effect] = field(default_factory=DurabilityGate)


class Harness:
    """A network of validators, then followers, all neighbours of one another."""

    def __init__(
        self,
        validators: int,
        followers: int = 0,
        environment: Environment | None = None,
        codec: Codec | None = None,
        spare_keys: Mapping[int, tuple[Keys, ...]] = MappingProxyType({}),
        stores: Mapping[int, MemoryStore] = MappingProxyType({}),
        **config: object,
    ) -> None:
        self.validators = validators
        self.environment = environment or make_environment(validators)
        self.codec = codec or node_codec(self.environment.engine)
        self.now = 0
        self.trace: list[tuple[int, int, TraceEvent]] = []
        self.sent: list[tuple[int, int, Message]] = []
        self.groups: dict[str, Sequence[int]] = {}
        """Committees that some node has come to, by the name of their group."""
        self.cut: Callable[[int, int], bool] = lambda sender, to: False
        self.tamper: Callable[[int, int, Message], Message | None] = lambda s, t, message: message
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._order = 0
        config.setdefault("announce_blocks", followers > 0)
        self.places = []
        for index in range(validators + followers):
            own = self.environment
            if index < validators:
                own = replace(own, signer=validator_key(index))
            own = replace(own, spare_keys=spare_keys.get(index, ()))
            store = stores.get(index) or MemoryStore()
            self.places.append(Place(make_config(index, validators, **config), own, store))
        for index in range(len(self.places)):
            self.start(index)

    # ------------------------------------------------------------ what tests do

    def node(self, index: int) -> Node:
        node = self.places[index].node
        assert node is not None
        return node

    def start(self, index: int) -> None:
        place = self.places[index]
        place.node = Node(place.config, place.environment, place.store)
        self._give(index, Started())

    def crash(self, index: int) -> None:
        place = self.places[index]
        place.node = None
        place.life += 1
        place.timers = {}
        place.gate = DurabilityGate()

    def isolate(self, *nodes: int) -> None:
        self.cut = lambda sender, to: (sender in nodes) != (to in nodes)

    def heal(self) -> None:
        self.cut = lambda sender, to: False

    def submit(self, index: int, *raws: bytes) -> None:
        for raw in raws:
            self._give(index, Submitted(raw))

    def run(self, span_ns: int) -> None:
        until = self.now + span_ns
        while self._heap and self._heap[0][0] <= until:
            self.now, _, action = heapq.heappop(self._heap)
            action()
        self.now = until

    def heights(self) -> list[int]:
        return [p.node.ledger.tip.number for p in self.places if p.node is not None]

    def balances(self, address: Address) -> list[int]:
        nodes = [place.node for place in self.places if place.node is not None]
        return [node.ledger.tip.state.balance(address) for node in nodes]

    def traced(self, name: str, index: int | None = None) -> list[TraceEvent]:
        return [e for _, n, e in self.trace if e.name == name and index in {None, n}]

    # ------------------------------------------------------------ the contract

    def _at(self, at: int, action: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._heap, (at, self._order, action))

    def _give(self, index: int, event: Event) -> None:
        place = self.places[index]
        life = place.life
        self._at(self.now, lambda: self._turn(index, life, event))

    def _turn(self, index: int, life: int, event: Event) -> None:
        place = self.places[index]
        if place.node is None or place.life != life:
            return
        effects = place.node.step(Instant(self.now), event)
        epoch = place.node.parts.epochs.epoch
        self.groups[group_of(epoch.number)] = epoch.committee.nodes
        for effect in effects:
            self._perform(index, effect)

    def _perform(self, index: int, effect: Effect) -> None:
        place = self.places[index]
        life = place.life
        match effect:
            case Send() | Broadcast() | Loopback():
                core = core_of(effect)
                if place.gate.holds(core):
                    place.gate.hold(core, effect)
                else:
                    self._leave(index, effect)
            case Persist():
                place.gate.begin(effect.origin, effect.token)
                self._at(self.now + DISK_NS, lambda: self._durable(index, life, effect))
            case SetTimer():
                self._order += 1
                stamp = place.timers[effect.timer] = self._order
                self._at(
                    self.now + effect.delay_ns,
                    lambda: self._fire(index, life, effect.timer, stamp),
                )
            case CancelTimer():
                place.timers.pop(effect.timer, None)
            case Compute():
                result = effect.job.run()
                self._give(index, Completed(effect.request, result))
            case Emit():
                self.trace.append((self.now, index, effect.event))
            case Work():
                assert effect.units >= 0
            case _:
                raise AssertionError(f"an effect that no driver knows: {effect}")

    def _fire(self, index: int, life: int, timer: object, stamp: int) -> None:
        place = self.places[index]
        if place.life == life and place.timers.get(timer) == stamp:
            del place.timers[timer]
            self._turn(index, life, TimerFired(timer))

    def _durable(self, index: int, life: int, persist: Persist) -> None:
        place = self.places[index]
        if place.life != life:
            return
        place.store.write(persist.records)
        self._turn(index, life, Persisted(persist.origin, persist.token))
        for effect in place.gate.durable(persist.origin, persist.token):
            self._leave(index, effect)

    def _leave(self, index: int, effect: Effect) -> None:
        match effect:
            case Loopback():
                self._give(index, effect.event)
            case Send():
                self._carry(index, effect.to, effect.message)
            case Broadcast():
                for to in self._members(effect.group):
                    if to != index:
                        self._carry(index, to, effect.message)

    def _members(self, group: str) -> Sequence[int]:
        if group == "committee":
            return range(self.validators)
        if group == "neighbours":
            return range(len(self.places))
        return self.groups[group]

    def _carry(self, sender: int, to: int, message: Message) -> None:
        self.sent.append((sender, to, message))
        changed = self.tamper(sender, to, message)
        if changed is None or self.cut(sender, to):
            return
        received = Received(NodeId(sender), self.codec.decode(self.codec.encode(changed)))
        life = self.places[to].life
        self._at(self.now + LINK_NS, lambda: self._turn(to, life, received))


def digests(harness: Harness) -> list[Hash32]:
    return [place.node.ledger.tip.digest for place in harness.places if place.node is not None]


def transfers(first: int, count: int, sender: int = 0) -> list[bytes]:
    return [raw_transfer(sender, first + step, stranger(sender), 1000) for step in range(count)]


def scored(harness: Harness, node: int) -> list[tuple[int, int, str]]:
    """Return (peer, score, reason) of each score that a node has lowered."""
    events = harness.traced("peer.scored", node)
    return [(e.peer, e.score, e.reason) for e in events]  # type: ignore[attr-defined]


def kinds(harness: Harness) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _, _, message in harness.sent:
        name = type(message).__name__
        counts[name] = counts.get(name, 0) + 1
    return counts


def agree(harness: Harness, height: int) -> None:
    assert harness.heights() == [height] * len(harness.heights())
    assert len(set(digests(harness))) == 1
