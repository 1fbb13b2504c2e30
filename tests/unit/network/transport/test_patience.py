"""Who keeps to the rates is no flooder, and who has slept blames nobody for it."""

import asyncio
import dataclasses
import time

from network.compression import Algorithm, Compression, CompressionPolicy, LinkCodec, agree
from network.frames import Frame
from network.messages import CertifiedBlocks
from network.outbox import Traffic
from network.transport import Rates
from network.transport.intake import Intake, Pause
from primitives.ids import Instant, NodeId
from tests.unit.network.transport.conftest import Loops
from tests.unit.network.transport.stranger import Stranger, header
from tests.unit.network.transport.test_room import LONGEST, guest, has_waited, limited
from tests.unit.network.transport.world import (
    CONFIG,
    SECOND,
    Node,
    Vote,
    block,
    codec,
    nodes,
    poll,
    run,
)

VOTE = codec().encode(Vote(1))
RATE = 1_000
HOUR = 3_600 * SECOND


class Reader:
    """What a link is to its intake, and a clock."""

    def __init__(self) -> None:
        self.now = 0
        rates = Rates(messages_per_second=RATE, messages_burst=RATE)
        node = Node(0, dataclasses.replace(limited(), rates=rates), clock=lambda: self.now)
        self.taken = 0
        self.rooms = node.transport.rooms
        self.intake = Intake(node.transport._settings, self)
        compression = Compression(CompressionPolicy(prefer=(Algorithm.ZSTD,)))
        agreement = agree(compression.offer, compression.offer)
        self.codec = LinkCodec(codec(), compression, agreement, agreement)
        self.intake.open(self.codec.reader(), self.codec, NodeId(1), is_guest=False)

    def on_frame(self, frame: Frame) -> None:
        self.taken += 1

    def on_paused(self) -> None:
        pass

    def on_resumed(self) -> None:
        pass

    def on_limit(self, limit: str) -> None:
        pass

    def second(self, votes: int) -> bool:
        """Let a second pass, in which so many votes come; tell whether that is a flood."""
        for _ in range(10):
            self.intake.feed(VOTE * (votes // 10))
            self.now += SECOND // 10
            debt = self.intake._message_rate.take(Instant(self.now), 0)
            if not debt:
                self.intake.resume(Pause.MESSAGES)
        return self.intake.is_flooding(Instant(self.now))


def test_who_keeps_to_the_rate_after_a_burst_is_no_flooder() -> None:
    async def main() -> None:
        reader = Reader()
        assert not reader.second(1_500)
        # At this rate it takes 50 seconds until the burst is as if it had not been.
        assert not any(reader.second(980) for _ in range(40))
        reader.intake.close()

    asyncio.run(main())


def test_who_does_not_is_one() -> None:
    async def main() -> None:
        reader = Reader()
        found = [reader.second(2_000) for _ in range(12)]
        assert not any(found[:9])
        assert found[-1]
        reader.intake.close()

    asyncio.run(main())


def test_a_process_that_was_stopped_does_not_call_those_slow_who_have_waited_for_it(
    loops: Loops,
) -> None:
    async def main() -> None:
        slept = 0
        a = Node(0, clock=lambda: time.monotonic_ns() + slept)
        async with nodes(a):
            lazy = await Stranger.over_tls(a.address, 1)
            await lazy.shake_hands(1)
            await a.until_open(1)
            lazy.writer.transport.pause_reading()  # type: ignore[attr-defined]
            link = next(iter(a.transport._connections.links.values()))
            number = 0
            while link.outlet.paused_at is None:
                a.transport.send(NodeId(1), block(1 << 16, number := number + 1))
                await asyncio.sleep(0)
            slept = HOUR
            ticks = a.ticks
            await poll(lambda: a.ticks > ticks + 50)
            lazy.writer.transport.resume_reading()  # type: ignore[attr-defined]
            await poll(lambda: not a.transport.peers()[0].queued_bytes)
            assert not a.closed
            lazy.abort()

    run(main(), loops)


def test_nor_hoarders_who_could_not_end_what_they_had_begun(loops: Loops) -> None:
    async def main() -> None:
        slept = 0
        a = Node(0, limited(), clock=lambda: time.monotonic_ns() + slept)
        async with nodes(a):
            first, second = await guest(a, 10), await guest(a, 11)
            first.writer.write(header(LONGEST, CertifiedBlocks) + bytes(LONGEST - 1_000))
            await poll(lambda: a.transport.counters.bytes_received > LONGEST // 2)
            second.writer.write(codec().encode(block(LONGEST - 100)))
            await poll(lambda: has_waited(a, 1))
            slept = HOUR
            ticks = a.ticks
            await poll(lambda: a.ticks > ticks + 50)
            assert not a.closed
            for each in (first, second):
                each.abort()

    run(main(), loops)


def test_a_compressed_message_that_has_begun_takes_the_room_that_it_will_have() -> None:
    async def main() -> None:
        reader, message = Reader(), block(100_000)
        frame = reader.codec.encode(message)
        assert len(frame) < codec().size(message) / 10
        reader.intake.feed(frame[:20])
        assert reader.rooms.used == (0, 0)
        reader.intake.feed(frame[20:50])
        assert reader.rooms.used == (codec().size(message), 0)
        reader.intake.feed(frame[50:])
        assert reader.taken == 1
        assert reader.rooms.used == (0, 0)
        reader.intake.close()

    asyncio.run(main())


def test_who_was_not_read_from_has_as_long_as_others_to_end_what_it_has_begun() -> None:
    async def main() -> None:
        reader, patience = Reader(), CONFIG.patience.body
        reader.intake.feed(header(LONGEST, CertifiedBlocks) + bytes(LONGEST // 2))
        other = reader.rooms.enter(NodeId(2), lambda: None, is_guest=False)
        assert not reader.rooms.ask(other, LONGEST, Traffic.SYNC)
        reader.intake.pause(Pause.INBOX)
        reader.now += patience
        assert not reader.intake.is_hoarding(Instant(reader.now))
        reader.intake.resume(Pause.INBOX)
        assert not reader.intake.is_hoarding(Instant(reader.now))
        reader.now += patience
        assert reader.intake.is_hoarding(Instant(reader.now))
        reader.intake.close()

    asyncio.run(main())
