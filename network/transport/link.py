"""One connection: bytes to messages and back, with a bound on everything.

A link goes from the greeting over open and leaving to closed, and never back. What it keeps is

- of what arrives: one read, and the frame that is not whole yet, up to the limit of its kind
  (`intake`). The rest waits with the peer;
- of what leaves: the outbox, which is bounded, and about `write_bytes` that TLS has taken. What
  is held up on purpose is bounded, too (`outlet`).

All that a peer can do wrong ends in `end`, with a reason; nothing it sends raises further up.
"""

import asyncio
import ssl
from enum import Enum
from typing import Protocol, cast

from network.codec import HANDSHAKE_VERSION, HEADER_BYTES, Encoding
from network.compression import LinkCodec, SharedMessage
from network.frames import Frame, FrameReader
from network.handshake import Session, Side
from network.handshake_messages import PeerRole, Refusal
from network.outbox import Outbox, Traffic
from network.transport.control import Goodbye, Parting, Ping, Pong
from network.transport.events import DropReason
from network.transport.greeting import Greeting, greet
from network.transport.health import Finding, Health
from network.transport.intake import Intake
from network.transport.outlet import Outlet
from network.transport.settings import LinkSettings
from network.transport.signalling import Signalling
from network.transport.tls import TlsSession
from primitives.errors import CryptoError, InvalidEncoding
from primitives.ids import Instant, NodeId
from primitives.machine import Message

Outgoing = tuple[Traffic, SharedMessage]


class Stage(Enum):
    """How far a link is."""

    GREETING = 0
    OPEN = 1
    LEAVING = 2
    """One end has said good-bye, or is about to."""
    CLOSED = 3


class LinkHost(Protocol):
    """Who keeps the links."""

    def on_open(self, link: "Link", session: Session) -> None:
        """The handshake is done."""
        ...

    def on_message(self, link: "Link", message: Message, size: int) -> None:
        """Something has arrived."""
        ...

    def on_throttled(self, link: "Link", limit: str) -> None:
        """The peer has used up a limit."""
        ...

    def on_ended(self, link: "Link", reason: DropReason, detail: str) -> None:
        """Nothing more will come of it. Called once, also if it was never open."""
        ...

    def on_lost(self, link: "Link") -> None:
        """The socket is closed. Called once, after `on_ended`."""
        ...


class Link(asyncio.Protocol):
    """One connection.

    Args:
        settings: shared by all links of a transport.
        host: is told what happens.
        side: who has dialled.
        address: of the peer, for people.
        order: a number of its own.
        expected: who was dialled.
    """

    __slots__ = (
        "_codec", "_deadline", "_greeting", "_host", "_settings", "_signals", "_transport",
        "address", "arrived", "expected", "greeted", "health", "intake", "opened_at", "order",
        "outbox", "outlet", "session", "side", "stage",
    )  # fmt: skip

    def __init__(
        self,
        settings: LinkSettings,
        host: LinkHost,
        side: Side,
        address: str,
        order: int,
        expected: NodeId | None = None,
    ) -> None:
        now = settings.now()
        self._settings = settings
        self._host = host
        self.side, self.address, self.order, self.expected = side, address, order, expected
        self.stage = Stage.GREETING
        self.session: Session | None = None
        self.outbox: Outbox[Outgoing] | None = None
        """The peer's, while this is its link."""
        self.greeted = asyncio.Event()
        """Set when the handshake has ended, either way."""
        self.opened_at = now
        self.arrived = 0
        """Bytes that have come so far."""
        self.intake = Intake(settings, self)
        self.outlet = Outlet(settings, self.flush)
        self._transport: asyncio.Transport | None = None
        self._greeting: Greeting | None = None
        self._codec: LinkCodec | None = None
        self.health = Health(settings.config.patience, now)
        self._signals = Signalling()
        self._deadline: Instant | None = None
        """Of the handshake, or of the good-bye."""

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS is up."""
        self._transport = cast(asyncio.Transport, transport)
        if self.stage is Stage.CLOSED:
            self._transport.abort()
            return
        settings = self._settings
        self.outlet.open(self._transport)
        self._deadline = Instant(settings.now() + settings.config.patience.handshake)
        self._transport.set_write_buffer_limits(high=settings.config.write_bytes)
        try:
            session = cast(TlsSession, transport.get_extra_info("ssl_object"))
            self._greeting = greet(settings, session, self.side, self.expected, self.outlet.write)
        except CryptoError as error:
            self.end(DropReason.TLS, str(error))
        else:
            self._greeting.start()

    def data_received(self, data: bytes) -> None:
        """Take what has arrived."""
        self.arrived += len(data)
        self._settings.counters.bytes_received += len(data)
        if self.stage is Stage.GREETING:
            data = self._greet(data)
        if data and self.stage is not Stage.CLOSED:
            self.intake.feed(data)
            self._say_what_is_due()
            if self.intake.fault is not None:
                self.end(DropReason.MALFORMED, str(self.intake.fault))

    def eof_received(self) -> bool:
        """The peer writes no more; TLS knows no half-closed connection."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        if self._signals.has_left:
            self.end(self._signals.why, self._signals.detail)
        elif isinstance(exc, ssl.SSLError):
            self.end(DropReason.TLS, str(exc))
        elif exc is not None:
            self.end(DropReason.BROKEN, str(exc))
        else:
            self.end(DropReason.CLOSED)
        self._host.on_lost(self)

    def pause_writing(self) -> None:
        """TLS and the system hold as much as they should."""
        self.outlet.pause()

    def resume_writing(self) -> None:
        """There is room again."""
        self.outlet.resume()

    # What the intake calls.

    def on_frame(self, frame: Frame) -> None:
        """Decode what the peer has sent, and hand it over."""
        codec = self._codec
        assert codec is not None
        try:
            message = codec.decode(frame)
        except InvalidEncoding as error:
            self.end(DropReason.MALFORMED, str(error))
            return
        if frame.kind.version == HANDSHAKE_VERSION:
            self._on_control(message)
        else:
            is_plain = frame.encoding is Encoding.PLAIN
            size = HEADER_BYTES + len(frame.body) if is_plain else codec.size_of(frame)
            self._host.on_message(self, message, size)

    def on_paused(self) -> None:
        """Read no more."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def on_resumed(self) -> None:
        """Read on. The answer to a ping may have been waiting in this node's own buffers."""
        self.health.on_resumed(self._settings.now())
        self._say_what_is_due()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def on_limit(self, limit: str) -> None:
        """The peer has used up a limit."""
        self._host.on_throttled(self, limit)

    # What the transport calls.

    def adopt(self, outbox: Outbox[Outgoing]) -> None:
        """Send what waits for this link's peer from now on."""
        self.outbox = outbox
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as it is taken; many frames by one write.

        Pings and their answers go first. Behind a queue that never gets empty they would not go
        at all, and a peer that is merely busy would look dead.
        """
        self._say_what_is_due()
        outbox, codec, counters = self.outbox, self._codec, self._settings.counters
        now, size_max = self._settings.now(), self._settings.config.write_bytes
        while codec is not None and outbox is not None and self.is_writable:
            batch = outbox.take(size_max, now)
            if not batch:
                break
            self.outlet.send([shared.frame(codec) for _, shared in batch])
            for traffic, _ in batch:
                counters.messages_sent[traffic] += 1
        self._say_goodbye()

    @property
    def is_guest(self) -> bool:
        """Whether the peer is no validator."""
        return self.session is not None and self.session.role is not PeerRole.VALIDATOR

    @property
    def is_unborn(self) -> bool:
        """Whether there was no connection yet."""
        return self._transport is None

    @property
    def is_writable(self) -> bool:
        """Whether bytes can go out now."""
        alive = self.stage is Stage.OPEN or self.stage is Stage.LEAVING
        return alive and self.outlet.has_room and not self._signals.has_left

    @property
    def unsent_bytes(self) -> int:
        """What has left the outbox, and the system has not taken."""
        return 0 if self.stage is Stage.CLOSED else self.outlet.unsent_bytes

    def leave(self, parting: Parting, reason: DropReason) -> None:
        """End in good order: first what waits, then good-bye, then the peer's."""
        if self.stage is not Stage.OPEN:
            return
        self.stage = Stage.LEAVING
        self._signals.why, self._signals.parting = reason, parting
        self._deadline = Instant(self._settings.now() + self._settings.config.patience.drain)
        self.flush()

    def probe(self) -> None:
        """Send something; TCP may know already that nobody is there."""
        self._signals.ask(self.health.number)
        self._say_what_is_due()

    def tick(self, now: Instant) -> None:
        """Look whether something takes too long."""
        patience, paused_at = self._settings.config.patience, self.outlet.paused_at
        late = self._deadline is not None and now >= self._deadline
        if self.stage is Stage.GREETING:
            if late:
                self.end(DropReason.HANDSHAKE_TIMEOUT, self._give_up(), flush=True)
        elif self.stage is Stage.LEAVING and late:
            self.end(DropReason.DRAIN_TIMEOUT, self._signals.detail)
        elif paused_at is not None and now - paused_at >= patience.stall:
            self.end(DropReason.SLOW, f"nothing was taken for {patience.stall} ns")
        elif self.intake.is_flooding(now):
            self.end(DropReason.FLOOD, f"over the rate for {self._settings.config.rates.flood} ns")
        elif self.intake.is_hoarding(now):
            self.end(DropReason.HOARDING, f"a message was not whole after {patience.body} ns")
        elif self.stage is not Stage.CLOSED and not self.intake.is_paused:
            self._look_after_health(now)

    def end(self, reason: DropReason, detail: str = "", *, flush: bool = False) -> None:
        """Close the connection, once; with `flush` what was written still leaves."""
        if self.stage is Stage.CLOSED:
            return
        self.stage = Stage.CLOSED
        self.intake.close()
        self.outlet.close(flush=flush)
        self._host.on_ended(self, reason, detail)
        self.greeted.set()

    # The handshake.

    def _greet(self, data: bytes) -> bytes:
        greeting = self._greeting
        if greeting is None:
            return b""
        rest = greeting.feed(data)
        if greeting.refused is not None:
            self.end(DropReason.REFUSED, str(greeting.refused), flush=True)
        elif greeting.session is not None:
            self._open(greeting.session)
        return rest

    def _open(self, session: Session) -> None:
        settings = self._settings
        self._greeting = None
        self.session = session
        self.stage = Stage.OPEN
        self.opened_at = settings.now()
        reader = FrameReader(settings.stream, session.incoming.encodings)
        self._codec = LinkCodec(
            settings.codec, settings.compression, session.outgoing, session.incoming
        )
        self.intake.open(reader, self._codec, session.node, is_guest=self.is_guest)
        self._host.on_open(self, session)
        self.greeted.set()

    def _give_up(self) -> str:
        limit = f"a handshake within {self._settings.config.patience.handshake} ns"
        if self._greeting is not None:
            self._greeting.give_up(limit)
        return f"expected {limit}"

    # Control messages.

    def _on_control(self, message: Message) -> None:
        match message:
            case Ping():
                # Answered when all that has come with it is handed over: the last of them only.
                self._signals.on_ping(message)
            case Pong():
                if self.health.on_pong(self._settings.now(), message.number):
                    self._settings.counters.pongs += 1
            case Goodbye():
                self._on_goodbye(message)
            case Refusal():
                self.end(DropReason.REFUSED, f"afterwards: {message.expected}, {message.actual}")
            case _:
                detail = f"expected no {type(message).__name__} after the handshake"
                self.end(DropReason.MALFORMED, detail)

    def _on_goodbye(self, message: Goodbye) -> None:
        """The peer will say no more. Say what waits for it, and good-bye."""
        signals = self._signals
        parting, reason = signals.on_goodbye(message)
        if signals.has_left:
            self.end(signals.why, signals.detail, flush=True)
        else:
            self.leave(parting, reason)

    def _say_what_is_due(self) -> None:
        """Ask whether the peer is there, and answer its last question."""
        while self.is_writable and (message := self._signals.next()) is not None:
            self._control(message)

    def _say_goodbye(self) -> None:
        """Behind everything else."""
        signals = self._signals
        waits = self.outbox is not None and self.outbox.length
        if self.stage is Stage.LEAVING and self.is_writable and not waits:
            self._control(signals.goodbye())
            if signals.peer_has_left:
                self.end(signals.why, signals.detail, flush=True)

    def _look_after_health(self, now: Instant) -> None:
        match self.health.look(now, self.arrived):
            case Finding.PING:
                self._settings.counters.pings += 1
                self._signals.ask(self.health.number)
                self._say_what_is_due()
            case Finding.SILENT:
                self.end(DropReason.SILENT, f"ping {self.health.number} was not answered")
            case Finding.WELL:
                pass

    def _control(self, message: Message) -> None:
        self.outlet.send([self._settings.stream.encode(message)], is_control=True)
