"""A replica's place in a committee that is not simply nodes 0, 1, 2...

Consensus knows its peers by their index in the committee; the rest of the node, and the network,
know them by their `NodeId`. In the first epoch both are the same. Later ones have a `Seat` between
the two, which also keeps apart what a replica had sent itself before its epoch ended: its own
votes are believed without a look at their signatures, so those of the epoch before must not reach
the replica of the next one.
"""

from collections.abc import Callable, Mapping, Sequence as Seq
from typing import Any, ClassVar

import msgspec

from consensus.effects import VERIFIED, Exposed, FellBehind, ValidateBlock
from consensus.engine import ConsensusCore, MessageHandler
from consensus.trace import EvidenceFound, ViewEntered
from primitives.committee import Committee
from primitives.ids import Instant, NodeId, Sequence, View
from primitives.machine import (
    NOTHING,
    Effect,
    Emit,
    Event,
    Loopback,
    Message,
    Received,
    Send,
    TraceEvent,
)


class OwnMessage(Event, frozen=True, gc=False):
    """What the replica of an epoch has sent to itself."""

    core: ClassVar[str] = "consensus"

    epoch: int
    message: Message


class Seat:
    """A core that takes and gives nodes in place of indexes.

    Args:
        core: the replica.
        committee: of its epoch.
        index: its place in it.
        epoch: number of that epoch.
    """

    __slots__ = ("_handlers", "_index", "_indexes", "_nodes", "core", "epoch")

    def __init__(self, core: ConsensusCore, committee: Committee, index: int, epoch: int) -> None:
        self.core = core
        self.epoch = epoch
        self._index = index
        self._nodes = committee.nodes
        self._indexes = {node: NodeId(place) for place, node in enumerate(committee.nodes)}
        del self._indexes[self._nodes[index]]
        self._handlers = core.handlers

    @property
    def handlers(self) -> Mapping[type[Message], MessageHandler]:
        """What to call for each kind of message; a stranger's is dropped, and one's own."""
        return {kind: self._from_nodes(handle) for kind, handle in self._handlers.items()}

    @property
    def view(self) -> View:
        """The view, round or term that it works in."""
        return self.core.view

    @property
    def delivered(self) -> Sequence:
        """The last sequence that it has delivered."""
        return self.core.delivered

    @property
    def scores(self) -> Mapping[int, int]:
        """How many lies it can prove of each node that has told any."""
        return {self._nodes[index]: score for index, score in self.core.scores.items()}

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn. Messages come through `handlers` and `on_own_message`."""
        return self._outward(self.core.step(now, event))

    def retire(self) -> Seq[Effect]:
        """End its life."""
        return self.core.retire()

    def on_own_message(self, now: Instant, event: OwnMessage) -> Seq[Effect]:
        """Hand over what this replica has sent to itself, unless it was another's."""
        if event.epoch != self.epoch:
            return NOTHING
        handle = self._handlers[type(event.message)]
        return self._outward(handle(now, NodeId(self._index), event.message))

    def _from_nodes(self, handle: MessageHandler) -> MessageHandler:
        """Return a handler that takes a node for an index. Every vote goes through one."""
        index_of, outward = self._indexes.get, self._outward

        def receive(now: Instant, sender: NodeId, message: Message) -> Seq[Effect]:
            index = index_of(sender)
            if index is None:
                return NOTHING
            effects = handle(now, index, message)
            return effects if effects is VERIFIED or not effects else outward(effects)

        return receive

    def _outward(self, effects: Seq[Effect]) -> Seq[Effect]:
        """Replace indexes by nodes; the same effects if there are none."""
        for effect in effects:
            if effect.__class__ in _OUTWARD:
                break
        else:
            return effects
        return [
            effect if (outward := _OUTWARD.get(effect.__class__)) is None else outward(self, effect)
            for effect in effects
        ]

    def _send(self, effect: Send) -> Effect:
        return Send(self._nodes[effect.to], effect.message)

    def _loop(self, effect: Loopback) -> Effect:
        event = effect.event
        if not isinstance(event, Received):
            return effect
        return Loopback(OwnMessage(self.epoch, event.message))

    def _fall_behind(self, effect: FellBehind) -> Effect:
        return FellBehind(effect.sequence, self._nodes[effect.peer])

    def _validate(self, effect: ValidateBlock) -> Effect:
        if effect.hinted_by is None:
            return effect
        return msgspec.structs.replace(effect, hinted_by=self._nodes[effect.hinted_by])

    def _expose(self, effect: Exposed) -> Effect:
        return Exposed(self._nodes[effect.peer], effect.kind)

    def _emit(self, effect: Emit) -> Effect:
        event: TraceEvent = effect.event
        nodes = self._nodes
        if isinstance(event, ViewEntered):
            return Emit(ViewEntered(event.view, nodes[event.primary], event.epoch))
        if isinstance(event, EvidenceFound):
            place = (event.kind, event.view, event.sequence, event.epoch)
            return Emit(EvidenceFound(nodes[event.replica], *place))
        return effect


_OUTWARD: Mapping[type[Effect], Callable[[Seat, Any], Effect]] = {
    Send: Seat._send,
    Loopback: Seat._loop,
    FellBehind: Seat._fall_behind,
    ValidateBlock: Seat._validate,
    Exposed: Seat._expose,
    Emit: Seat._emit,
}
