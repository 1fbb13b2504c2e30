"""What a long or bad way does to the messages of one connection, in real time.

Between processes of one machine, messages take no time. Here they are held up as those of the
virtual world are (`sim.links`), by the same laws: whole frames wait at their sender until they are
due, and then go to the socket. They stay in order, and what is lost is late by the time that TCP
would take to send it again, with all behind it. Only a fault that says so repeats frames or lets
them overtake one another.
"""

import heapq
from collections import deque
from typing import Annotated

import msgspec
from msgspec import Meta

from network.delays import LOSSES_MAX, TIMEOUT_FLOOR_NS, TIMEOUT_MAX_NS, JitterLaw, quantile
from network.draws import Draw

QUANTILES = 4096
"""Jitter has so many different sizes, as in the virtual world, and so an end."""
SPAN_NS_MAX = 3_600 * 10**9

SpanNs = Annotated[int, Meta(ge=0, le=SPAN_NS_MAX)]
Probability = Annotated[float, Meta(ge=0, le=1)]


class Conditions(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What happens to what one node sends to another one."""

    latency_ns: SpanNs = 0
    """One way, before jitter."""
    jitter: JitterLaw = JitterLaw.NONE
    jitter_size: Annotated[float, Meta(ge=0, le=10)] = 0.0
    """As a share of the latency."""
    loss: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    """Probability of each message to be lost once. It is sent again; what is behind it waits."""
    duplicate: Probability = 0.0
    """Of each message to come twice."""
    duplicate_ns: SpanNs = 0
    """The second comes up to so much later, whatever was sent in between."""
    reorder: Probability = 0.0
    """Of each message to be late. Any above zero means that messages may overtake one another."""
    reorder_ns: SpanNs = 0
    """By up to so much."""
    clogged: bool = False
    """What is sent from now on waits until this is over."""


PLAIN = Conditions()
"""Those of a connection that nothing is done to."""


class Way:
    """The frames that are on their way to one peer.

    Args:
        conditions: of the way.
        draw: for jitter, loss and the rest.
    """

    __slots__ = ("_clogged", "_conditions", "_draw", "_latest", "_order", "_under_way", "bytes")

    def __init__(self, conditions: Conditions, draw: Draw) -> None:
        self._conditions = conditions
        self._draw = draw
        self._under_way: list[tuple[int, int, bytes]] = []
        """A heap of when it is due, its number, and a frame."""
        self._clogged: deque[tuple[int, int | None, bytes]] = deque()
        """What waits for the end of a clog: when it would be due, how much later its second copy
        comes if there is one, and a frame."""
        self._latest = 0
        """When the latest of what is in order is due."""
        self._order = 0
        self.bytes = 0
        """Of all frames that are on their way."""

    @property
    def is_over(self) -> bool:
        """Whether nothing is on its way, and nothing would be held up."""
        return not self.bytes and self._conditions == PLAIN

    @property
    def next_at(self) -> int | None:
        """When a frame is due next, ns; None if there is none, or only a clog's end helps."""
        return self._under_way[0][0] if self._under_way else None

    def change(self, conditions: Conditions, now: int) -> None:
        """Let other conditions hold for what is put from now on; the end of a clog lets all go."""
        before, self._conditions = self._conditions, conditions
        if before.clogged and not conditions.clogged:
            while self._clogged:
                due, echo, frame = self._clogged.popleft()
                self.bytes -= len(frame)
                self._depart(max(due, now), echo, frame)

    def put(self, frame: bytes, now: int, *, is_control: bool = False) -> None:
        """Send a frame.

        Args:
            frame: whole.
            now: the time, ns.
            is_control: whether it belongs to the connection itself, and so stays in its place.
        """
        conditions = self._conditions
        due, echo = now + self._delay(), None
        if not is_control:
            echo = self._late(conditions.duplicate, conditions.duplicate_ns)
        if conditions.reorder and not is_control:
            due += self._late(conditions.reorder, conditions.reorder_ns) or 0
        else:
            due = max(due, self._latest)
        self._latest = max(self._latest, due)
        if conditions.clogged:
            self.bytes += len(frame)
            self._clogged.append((due, echo, frame))
        else:
            self._depart(due, echo, frame)

    def take(self, now: int, size_max: int) -> list[bytes]:
        """Return what is due, in order, up to about `size_max` bytes."""
        taken: list[bytes] = []
        while self._under_way and self._under_way[0][0] <= now and size_max > 0:
            frame = heapq.heappop(self._under_way)[2]
            size_max -= len(frame)
            self.bytes -= len(frame)
            taken.append(frame)
        return taken

    def clear(self) -> list[bytes]:
        """Return all that is on its way, in order, due or not."""
        frames = [frame for _, _, frame in sorted(self._under_way)]
        frames += [frame for _, _, frame in self._clogged]
        self._under_way.clear()
        self._clogged.clear()
        self.bytes = 0
        return frames

    def _depart(self, due: int, echo: int | None, frame: bytes) -> None:
        for at in (due,) if echo is None else (due, due + echo):
            self._order += 1
            self.bytes += len(frame)
            heapq.heappush(self._under_way, (at, self._order, frame))

    def _delay(self) -> int:
        conditions = self._conditions
        latency = conditions.latency_ns
        delay = latency
        if conditions.jitter is not JitterLaw.NONE:
            u = (int(self._draw.random() * QUANTILES) + 0.5) / QUANTILES
            delay += int(latency * quantile(conditions.jitter, conditions.jitter_size, u))
        timeout, losses = latency * 2 + TIMEOUT_FLOOR_NS, 0
        ceiling = max(timeout, TIMEOUT_MAX_NS)
        while conditions.loss and losses < LOSSES_MAX and self._draw.random() < conditions.loss:
            delay += timeout
            timeout, losses = min(timeout * 2, ceiling), losses + 1
        return delay

    def _late(self, probability: float, delay_max: int) -> int | None:
        if not probability or self._draw.random() >= probability:
            return None
        return int(self._draw.random() * (delay_max + 1))
