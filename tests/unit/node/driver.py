"""A driver for one node: steps it, answers its computations, looks at its effects."""

from collections.abc import Sequence
from dataclasses import replace

from consensus.messages import Commit, Prepare, PrePrepare
from consensus.signing import signed_payload
from node.config import Environment
from node.execution import ExecutedBlock
from node.node import Node
from primitives.ids import Instant, NodeId, Sequence as Height, View
from primitives.machine import (
    Broadcast,
    Completed,
    Compute,
    Effect,
    Emit,
    Event,
    Loopback,
    Message,
    Received,
    Send,
    Started,
    TraceEvent,
)
from storage.memory import MemoryStore
from tests.unit.node.harness import make_config, make_environment, validator_key
from tests.unit.node.transfers import FIXED, built, transfer

ENVIRONMENT = make_environment(4)
GENESIS = ENVIRONMENT.genesis_block


class Driver:
    """Steps one node, answers its computations and delivers its loopbacks, at once."""

    def __init__(self, index: int = 1, environment: Environment = ENVIRONMENT) -> None:
        validators = environment.genesis.committee.size
        own = environment
        if index < validators:
            own = replace(environment, signer=validator_key(index))
        self.index = index
        self.node = Node(make_config(index, validators), own, MemoryStore())
        self.now = 0
        self.give(Started())

    def step(self, event: Event) -> list[Effect]:
        return list(self.node.step(Instant(self.now), event))

    def give(self, event: Event) -> list[Effect]:
        """Step, and all turns that follow; return everything in order."""
        effects = self.step(event)
        following: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Compute):
                following += self.give(Completed(effect.request, effect.job.run()))
            elif isinstance(effect, Loopback):
                following += self.give(effect.event)
        return effects + following

    def receive(self, sender: int, message: Message) -> list[Effect]:
        return self.give(Received(NodeId(sender), message))


def traced(effects: Sequence[Effect]) -> list[TraceEvent]:
    return [effect.event for effect in effects if isinstance(effect, Emit)]


def sent(effects: Sequence[Effect]) -> list[tuple[int, Message]]:
    return [(effect.to, effect.message) for effect in effects if isinstance(effect, Send)]


def broadcast(effects: Sequence[Effect]) -> list[Message]:
    return [effect.message for effect in effects if isinstance(effect, Broadcast)]


def proposal(block: ExecutedBlock, view: int = 0) -> PrePrepare:
    parent = block.block.header.parent_hash
    fields = (View(view), Height(block.number), block.digest, parent, block.payload)
    binding = Driver().node.replica.state.binding  # type: ignore[union-attr]
    unsigned = PrePrepare(*fields, b"")
    return PrePrepare(*fields, validator_key(view % 4).sign(signed_payload(binding, unsigned)))


def child(parent: ExecutedBlock, *nonces: int) -> ExecutedBlock:
    return built(parent, *(transfer(0, nonce) for nonce in nonces), params=FIXED)


def vote(kind: type[Message], block: ExecutedBlock, replica: int) -> Message:
    binding = Driver().node.replica.state.binding  # type: ignore[union-attr]
    head = (View(0), Height(block.number), block.digest)
    fields = (*head, block.block.header.parent_hash) if kind is Prepare else head
    unsigned = kind(*fields, replica, b"")
    signature = validator_key(replica).sign(signed_payload(binding, unsigned))  # type: ignore[arg-type]
    return kind(*fields, replica, signature)


def decide(driver: Driver, block: ExecutedBlock) -> list[Effect]:
    effects = driver.receive(0, proposal(block))
    for replica in (2, 3):
        effects += driver.receive(replica, vote(Prepare, block, replica))
    for replica in (0, 2, 3):
        effects += driver.receive(replica, vote(Commit, block, replica))
    return effects
