"""The way out of one connection: straight into the socket, or held up on purpose.

What is held up is bounded, as all that waits is: beyond that, the outbox keeps it, and its rules
count. With nothing to play, frames go straight through.
"""

import asyncio
from collections.abc import Callable, Sequence

from network.conditions import PLAIN, Conditions, Way
from network.transport.settings import LinkSettings
from primitives.ids import Instant

SECOND = 1_000_000_000
TOLERANCE_NS = 500_000
"""Timers of loops know milliseconds; what is due within half of one goes now."""
UNDER_WAY_BYTES_MAX = 16 << 20
"""Held up at most, and one batch more; at 100 ms that is as much as 1.3 Gbit/s carry."""


class Outlet:
    """Writes the frames of one connection.

    Args:
        settings: of the transport.
        on_room: called when more can be sent again.
    """

    __slots__ = ("_on_room", "_settings", "_socket", "_timer", "_way", "paused_at")

    def __init__(self, settings: LinkSettings, on_room: Callable[[], None]) -> None:
        self._settings = settings
        self._on_room = on_room
        self._socket: asyncio.Transport | None = None
        self._way: Way | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.paused_at: Instant | None = None
        """Since when TLS and the system hold as much as they should; None while they do not."""

    def open(self, socket: asyncio.Transport) -> None:
        """Write to this from now on."""
        self._socket = socket

    @property
    def has_room(self) -> bool:
        """Whether more can be sent now."""
        if self.paused_at is not None:
            return False
        return self._way is None or self._way.bytes < UNDER_WAY_BYTES_MAX

    @property
    def unsent_bytes(self) -> int:
        """What has been sent here, and the system has not taken."""
        held = 0 if self._way is None else self._way.bytes
        return held if self._socket is None else held + self._socket.get_write_buffer_size()

    def pause(self) -> None:
        """Write no more: TLS and the system hold as much as they should."""
        self.paused_at = self._settings.now()

    def resume(self) -> None:
        """Go on."""
        self.paused_at = None
        self._release()
        self._on_room()

    def forgive(self, now: Instant) -> None:
        """Begin anew to count how long the peer takes nothing."""
        if self.paused_at is not None:
            self.paused_at = now

    def condition(self, conditions: Conditions) -> None:
        """Hold up what is sent from now on as these say; what is on its way stays so."""
        if self._way is None and conditions != PLAIN:
            self._way = Way(conditions, self._settings.draw)
        elif self._way is not None:
            self._way.change(conditions, self._settings.now())
            self._on_due()

    def send(self, frames: Sequence[bytes], *, is_control: bool = False) -> None:
        """Send frames, each of them whole."""
        way = self._way
        if way is None:
            self.write(b"".join(frames))
            return
        now = self._settings.now()
        for frame in frames:
            way.put(frame, now, is_control=is_control)
        self._release()

    def write(self, data: bytes) -> None:
        """Write straight to the socket."""
        counters = self._settings.counters
        counters.bytes_sent += len(data)
        counters.writes += 1
        assert self._socket is not None
        self._socket.write(data)

    def close(self, *, flush: bool) -> None:
        """Close the socket; with `flush` what was sent still leaves, and is held up no more."""
        way, self._way = self._way, None
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is None:
            return
        if not flush:
            self._socket.abort()
            return
        frames = [] if way is None else way.clear()
        if frames:
            self.write(b"".join(frames))
        self._socket.close()

    def _release(self) -> None:
        """Write what is due, and come back for the rest."""
        way = self._way
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now, size_max = self._settings.now(), self._settings.config.write_bytes
        while way is not None and self.paused_at is None:
            frames = way.take(now + TOLERANCE_NS, size_max)
            if not frames:
                break
            self.write(b"".join(frames))
        if way is None or self.paused_at is not None:
            return
        if way.is_over:
            self._way = None
        elif way.next_at is not None:
            wait = max(0, way.next_at - now) / SECOND
            self._timer = asyncio.get_running_loop().call_later(wait, self._on_due)

    def _on_due(self) -> None:
        was_full = not self.has_room
        self._release()
        if was_full and self.has_room:
            self._on_room()
