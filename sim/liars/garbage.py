"""Garbage: is honest, and every few milliseconds sends a message that decodes and means nothing.

Every kind of message of the wire table comes up, its fields drawn from the values that code tends
to forget: negative and huge numbers, digests that are too short or too long, empty and repeated
entries. Half of what can be signed is properly signed, so that it passes the first door.
"""

from collections.abc import Sequence as Seq

import numpy as np
from msgspec import inspect
from msgspec.structs import replace

from consensus.messages import Commit, NewView, Prepare, PrePrepare, ViewChange
from consensus.signing import well_formed
from primitives.errors import InvalidInput
from primitives.ids import Duration, Instant
from primitives.machine import Effect, Event, Machine, Message, Send
from sim.liars.context import LiarContext
from sim.liars.ticking import Ticking

INTERVAL = Duration(5_000_000)
NUMBERS = (0, 1, 2, 3, 5, 7, 40, 2**31, 2**53 - 1, 2**63 - 1, 2**64 - 1, -1, -(2**63))
LENGTHS = (*[32] * 8, 0, 1, 20, 31, 33, 64, 65, 120)


class Garbage:
    """Sends nonsense to one of the others at a time."""

    def __init__(self, honest: Machine, context: LiarContext) -> None:
        self._context = context
        self._ticking = Ticking(honest, INTERVAL, lambda event, effects: None, self._send)

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn."""
        return self._ticking.step(now, event)

    def _send(self) -> Seq[Effect]:
        draw, place = self._context.generator, self._context.place()
        victims = place.victims
        kinds = self._context.message_types
        message = nonsense(kinds[draw.integers(len(kinds))], draw)
        if draw.integers(2):
            message = self._signed(message, place.index)
        return (Send(victims[draw.integers(len(victims))], message),)

    def _signed(self, message: Message, index: int | None) -> Message:
        if index is None:
            return message
        if isinstance(message, ViewChange):
            vote = replace(message.vote, replica=index)
            return replace(message, vote=self._context.sign(vote)) if well_formed(vote) else message
        if isinstance(message, Prepare | Commit):
            message = replace(message, replica=index)
        if not isinstance(message, PrePrepare | Prepare | Commit | NewView):
            return message
        return self._context.sign(message) if well_formed(message) else message


def nonsense(kind: type[Message], draw: np.random.Generator) -> Message:
    """Return a message of `kind` that its decoder would let pass."""
    shape = inspect.type_info(kind)
    assert isinstance(shape, inspect.StructType)
    while True:
        try:
            return kind(*[_value(field.type, draw) for field in shape.fields])
        except InvalidInput:
            continue  # A part with rules of its own refuses what was drawn, as it would there.


def _value(shape: inspect.Type, draw: np.random.Generator) -> object:
    if isinstance(shape, inspect.IntType):
        fits = [number for number in NUMBERS if _fits(number, shape)]
        return fits[draw.integers(len(fits))]
    if isinstance(shape, inspect.EnumType):
        members = tuple(shape.cls)
        return members[draw.integers(len(members))]
    if isinstance(shape, inspect.BytesType):
        length = LENGTHS[draw.integers(len(LENGTHS))]
        length = max(length, shape.min_length or 0)
        return draw.bytes(length if shape.max_length is None else min(length, shape.max_length))
    if isinstance(shape, inspect.BoolType):
        return bool(draw.integers(2))
    if isinstance(shape, inspect.VarTupleType):
        length = max(int(draw.integers(4)), shape.min_length or 0)
        return tuple(_value(shape.item_type, draw) for _ in range(length))
    if isinstance(shape, inspect.TupleType):
        return tuple(_value(item, draw) for item in shape.item_types)
    assert isinstance(shape, inspect.StructType), f"no nonsense for {shape}"
    return shape.cls(*[_value(field.type, draw) for field in shape.fields])


def _fits(number: int, shape: inspect.IntType) -> bool:
    low = shape.ge if shape.gt is None else shape.gt + 1
    high = shape.le if shape.lt is None else shape.lt - 1
    return (low is None or low <= number) and (high is None or number <= high)
