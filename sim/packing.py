"""Compressed frames in virtual time: how long they are, and what making and opening them takes.

Only the length of a frame matters to a link, so nobody needs the compressed bytes; but there is
no other way to know how many they would be. So each message is compressed for real, once for all
nodes that compress alike, by the same objects that live nodes use. What a node pays follows its
own sends and arrivals, never whether the length was known already.

Short bodies occupy the protocol thread. Long ones are queued on the cores, as a live node hands
them to a worker: the message leaves, or is heard, when they are done, and votes go on meanwhile.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeGuard

import msgspec

from network import costs
from network.codec import HEADER_BYTES, Codec, Encoding
from network.compression import Compression, CompressionPolicy, agree
from network.compression.compression import Route
from node.shared import Memo
from primitives.ids import Instant, RequestId
from primitives.machine import (
    Broadcast,
    Completed,
    Compute,
    Effect,
    Event,
    Message,
    Received,
    Send,
    Serial,
    Work,
)
from sim.hosts.clock import Step

LONG_BYTES = 128 * 1024
"""Plain bodies of this length and longer are queued on the cores."""
PACKED_MAX = 512
"""Messages whose lengths are remembered, of each way to compress."""

GZIP_COSTS = ((1, costs.COMPRESS_GZIP_1), (6, costs.COMPRESS_GZIP_6), (9, costs.COMPRESS_GZIP_9))
ZSTD_COSTS = (
    (1, costs.COMPRESS_ZSTD_1),
    (3, costs.COMPRESS_ZSTD_3),
    (9, costs.COMPRESS_ZSTD_9),
    (19, costs.COMPRESS_ZSTD_19),
)
"""Measured levels, each with its kind of work. Others cost what the next one above does."""

OPENING: Mapping[Encoding, str] = MappingProxyType(
    {
        Encoding.GZIP: costs.DECOMPRESS_GZIP,
        Encoding.ZSTD: costs.DECOMPRESS_ZSTD,
        Encoding.LZ4: costs.DECOMPRESS_LZ4,
        Encoding.ZSTD_DICTIONARY: costs.DECOMPRESS_TRAINED,
    }
)

REQUEST = RequestId(-1)
"""Of all computations here; their results say what they are for."""


class Packed(msgspec.Struct, frozen=True, gc=False):
    """A message as it goes over a wire."""

    size: int
    """Bytes of its frame."""
    plain: int
    """Bytes of the same frame without compression."""
    closing: str = ""
    """Kind of work that it is to compress it; empty if that is not tried."""
    opening: str = ""
    """Kind of work that it is to decompress it; empty if it is sent plain."""

    @property
    def units(self) -> int:
        """Bytes of the plain body."""
        return self.plain - HEADER_BYTES

    @property
    def is_long(self) -> bool:
        """Whether it is work for the cores."""
        return self.units >= LONG_BYTES


class Opened(msgspec.Struct, frozen=True, gc=False):
    """A message whose body has been decompressed. The job that does it, and its result."""

    event: Received

    def run(self) -> "Opened":
        """Return itself: virtual time has the message already."""
        return self


class Closed(msgspec.Struct, frozen=True, gc=False):
    """A message whose body has been compressed. The job that does it, and its result."""

    effects: tuple[Send | Broadcast, ...]
    """To whom it goes."""

    def run(self) -> "Closed":
        """Return itself."""
        return self


class Packer:
    """How nodes that compress alike send messages.

    Args:
        codec: of the network's messages.
        policy: their choice.
    """

    __slots__ = ("_codec", "_compression", "_memo", "_policy", "_routes", "closed", "opened")

    def __init__(self, codec: Codec, policy: CompressionPolicy) -> None:
        self._codec = codec
        self._policy = policy
        self._compression = Compression(policy)
        agreement = agree(self._compression.offer, self._compression.offer)
        found = {kind.type: self._compression.routes(kind, agreement) for kind in codec.kinds}
        self._routes = {kind: routes for kind, routes in found.items() if routes}
        self._memo: Memo[Message, Packed] = Memo(PACKED_MAX)
        self.closed: dict[tuple[str, str], int] = {}
        """Bytes that these nodes have compressed, by kind of message and of work."""
        self.opened: dict[tuple[str, str], int] = {}
        """Bytes of what these nodes have sent that receivers have decompressed, likewise."""

    def compresses(self, message: Message) -> bool:
        """Whether messages of this kind may be compressed."""
        return message.__class__ in self._routes

    def packed(self, message: Message) -> Packed:
        """Return what a message becomes."""
        routes = self._routes.get(message.__class__)
        if routes is None:
            size = self._codec.size(message)
            return Packed(size, size)
        known = self._memo.get(message)
        if known is None:
            known = self._pack(message, routes)
            self._memo.put(message, known)
        return known

    def count_closed(self, message: Message, packed: Packed) -> None:
        """Count a message that was compressed."""
        name = (message.__class__.__name__, packed.closing)
        self.closed[name] = self.closed.get(name, 0) + packed.units

    def count_opened(self, message: Message, packed: Packed) -> None:
        """Count a message that was decompressed."""
        name = (message.__class__.__name__, packed.opening)
        self.opened[name] = self.opened.get(name, 0) + packed.units

    def _pack(self, message: Message, routes: Sequence[Route]) -> Packed:
        size = self._codec.size(message)
        length = size - HEADER_BYTES
        tried = next((r for r in routes if r.bytes_min <= length <= r.bytes_max), None)
        if tried is None:
            return Packed(size, size)
        kind, body = self._codec.encode_body(message)
        route, packed = self._compression.compress(kind, body, routes)
        opening = "" if route is None else OPENING[route.encoding]
        return Packed(HEADER_BYTES + len(packed), size, self._closing(tried), opening)

    def _closing(self, route: Route) -> str:
        match route.encoding:
            case Encoding.GZIP:
                return _nearest(GZIP_COSTS, self._policy.gzip_level)
            case Encoding.ZSTD:
                return _nearest(ZSTD_COSTS, self._policy.zstd_level)
            case Encoding.LZ4:
                return costs.COMPRESS_LZ4
            case _:
                return costs.COMPRESS_TRAINED


def _nearest(levels: Sequence[tuple[int, str]], level: int) -> str:
    return next((kind for measured, kind in levels if measured >= level), levels[-1][1])


class PackingWire:
    """Charges a node for what it compresses and decompresses.

    Args:
        packers: of all nodes, by number; None for one that sends everything plain.
        own: the node's.
    """

    __slots__ = ("_own", "_packers")

    def __init__(self, packers: Sequence[Packer | None], own: Packer | None) -> None:
        self._packers = packers
        self._own = own

    def behind(self, step: Step) -> Step:
        """Return a turn that hears of a message after it was opened, and sends it after closing."""

        def stepped(now: Instant, event: Event) -> Sequence[Effect]:
            if event.__class__ is Completed:
                result = event.result
                if result.__class__ is Closed:
                    return result.effects
                if result.__class__ is Opened:
                    return self._close(step(now, result.event))
            elif event.__class__ is Received:
                assert isinstance(event, Received)
                packer = self._packers[event.sender]
                if packer is not None and packer.compresses(event.message):
                    return self._open(now, event, packer, step)
            return self._close(step(now, event))

        return stepped

    def _open(self, now: Instant, event: Received, packer: Packer, step: Step) -> Sequence[Effect]:
        packed = packer.packed(event.message)
        if not packed.opening:
            return self._close(step(now, event))
        packer.count_opened(event.message, packed)
        if packed.is_long:
            return (Compute(REQUEST, (Serial(packed.opening, packed.units),), Opened(event)),)
        return [Work(packed.opening, packed.units), *self._close(step(now, event))]

    def _close(self, effects: Sequence[Effect]) -> Sequence[Effect]:
        """Put the work before what is sent; what is long is sent when its work is done."""
        own = self._own
        if own is None or not any(_carries(effect, own) for effect in effects):
            return effects
        closed: list[Effect] = []
        done: list[tuple[Message, list[Send | Broadcast]]] = []
        for effect in effects:
            packed = own.packed(effect.message) if _carries(effect, own) else None
            if packed is None or not packed.closing:
                closed.append(effect)
                continue
            assert isinstance(effect, Send | Broadcast)
            # One message to several peers, one after another, is compressed once.
            if not done or done[-1][0] is not effect.message:
                done.append((effect.message, []))
                own.count_closed(effect.message, packed)
                if not packed.is_long:
                    closed.append(Work(packed.closing, packed.units))
            if packed.is_long:
                done[-1][1].append(effect)
            else:
                closed.append(effect)
        for message, sent in done:
            if sent:
                packed = own.packed(message)
                stages = (Serial(packed.closing, packed.units),)
                closed.append(Compute(REQUEST, stages, Closed(tuple(sent))))
        return closed


def _carries(effect: Effect, packer: Packer) -> TypeGuard[Send | Broadcast]:
    return isinstance(effect, Send | Broadcast) and packer.compresses(effect.message)
