"""A liar on a bench: a scripted machine inside it, a true committee around it, a real block."""

from collections.abc import Sequence as Seq

import msgspec
import numpy as np

from consensus.messages import Commit, Prepare, PrePrepare
from consensus.origin import Origin
from consensus.params import ConsensusParams
from consensus.pbft import Pbft
from consensus.signing import CommitteeVerifier, Signed
from node.builder import BuildContext, build_block
from node.execution import ExecutedBlock
from node.shared import ComputeCache
from node.verifiers import Keys
from node.wire import message_types
from primitives.committee import Committee
from primitives.epoch import Epoch, first_epoch
from primitives.ids import Address, Duration, Instant, NodeId, Sequence, View
from primitives.keys import Ed25519Verifier, ValidatorKey
from primitives.machine import NOTHING, Broadcast, Effect, Event, Machine, Message, Received, Send
from sim.liars import BUILT_IN_LIARS, LiarContext
from sim.liars.place import find_place
from tests.unit.sim.checker_histories import GENESIS, PARAMS

KEYS = [ValidatorKey(bytes([number]) * 32) for number in range(1, 8)]
TIMEOUT = Duration(2_000_000_000)


class Scripted:
    """Says what a test wants, and remembers what it is told."""

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self.answer: Seq[Effect] = NOTHING

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        self.heard.append(event)
        return self.answer


class Bench:
    """One liar.

    Args:
        name: of the liar.
        index: its node.
        size: of the committee.
        accomplices: who tells the same lie; itself alone if None.
        seed: of its draws and of the plan.
        epoch: what its honest machine is in; the first one, of nodes 0, 1, 2..., if None.
    """

    def __init__(
        self,
        name: str,
        index: int = 0,
        size: int = 4,
        accomplices: tuple[int, ...] | None = None,
        seed: int = 1,
        epoch: Epoch | None = None,
    ) -> None:
        first = first_epoch(Committee.of_keys(key.public_key for key in KEYS[:size]))
        self.seed = seed
        self.enter(first if epoch is None else epoch, index, accomplices)
        self.honest = Scripted()
        self.spare = Scripted()
        self.now = 0
        self.context = LiarContext(
            node=NodeId(index),
            params=ConsensusParams(request_timeout=TIMEOUT),
            message_types=message_types(Pbft()),
            place=lambda: self.place,
            members=lambda group: [n for n in self.committee.nodes if n != index],
            accomplices=tuple(NodeId(n) for n in accomplices or (index,)),
            generator=np.random.default_rng(seed + 1_000 * index),
            spare=lambda: self.spare,
        )
        self.liar: Machine = BUILT_IN_LIARS[name](self.honest, self.context)

    def enter(self, epoch: Epoch, node: int, accomplices: tuple[int, ...] | None = None) -> None:
        """Let the honest machine come to an epoch."""
        self.committee = epoch.committee
        self.verifier = CommitteeVerifier(
            epoch.committee, GENESIS.digest, Ed25519Verifier(), epoch=epoch.number
        )
        origin = Origin(Sequence(epoch.since), GENESIS.digest)
        told = tuple(NodeId(each) for each in accomplices or (node,))
        plan = np.random.default_rng(self.seed)
        place = find_place(epoch, origin, GENESIS.digest, told, plan)
        index = epoch.committee.index_of(node)
        if index is not None:
            place = msgspec.structs.replace(place, index=NodeId(index), keys=Keys(KEYS[node]))
        self.place = place

    def step(self, event: Event, answer: Seq[Effect] = NOTHING) -> list[Effect]:
        """Let the liar take a turn in which its honest machine answers `answer`."""
        self.now += 1_000_000
        self.honest.answer = answer
        return list(self.liar.step(Instant(self.now), event))

    def say(self, message: Message) -> dict[int, list[Message]]:
        """Return what each recipient is told when the honest machine broadcasts `message`."""
        sender = next(node for node in reversed(self.committee.nodes) if node != self.context.node)
        trigger = Received(sender, message)
        return self.told(self.step(trigger, (Broadcast(self.place.group, message),)))

    def told(self, effects: Seq[Effect]) -> dict[int, list[Message]]:
        """Return what leaves, by recipient."""
        members = self.context.members(self.place.group)
        told: dict[int, list[Message]] = {node: [] for node in members}
        for effect in effects:
            if isinstance(effect, Broadcast):
                assert effect.group == self.place.group
                for messages in told.values():
                    messages.append(effect.message)
            elif isinstance(effect, Send):
                told[effect.to].append(effect.message)
        return told

    def is_signed(self, message: Signed) -> bool:
        """Whether the validators would take the signature."""
        return self.verifier.verify_message(message)


def block() -> ExecutedBlock:
    """Return a valid block on genesis."""
    return build_block(GENESIS, (), BuildContext(Address(bytes(20)), 1), PARAMS)


def execute(payload: bytes) -> object:
    """Return the executed block, or why it is refused."""
    return ComputeCache(PARAMS).execute(GENESIS, payload)


def proposal(bench: Bench, sequence: int = 1, view: int = 0) -> PrePrepare:
    """Return the primary's honest proposal of `block`, signed by the liar."""
    built = block()
    return bench.context.sign(
        PrePrepare(View(view), Sequence(sequence), built.digest, GENESIS.digest, built.payload, b"")
    )


def votes(bench: Bench) -> tuple[Prepare, Commit]:
    """Return the liar's own honest votes for `block`."""
    built = block()
    assert bench.place.index is not None
    index = int(bench.place.index)
    prepare = Prepare(View(0), Sequence(1), built.digest, GENESIS.digest, index, b"")
    commit = Commit(View(0), Sequence(1), built.digest, index, b"")
    return bench.context.sign(prepare), bench.context.sign(commit)


def groups(told: dict[int, list[Message]]) -> list[list[int]]:
    """Return the recipients, those together who were told the same."""
    found: dict[bytes, list[int]] = {}
    for node, messages in told.items():
        found.setdefault(msgspec.msgpack.encode(messages), []).append(node)
    return sorted(found.values(), key=len)
