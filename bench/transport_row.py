"""The rows of `orrery bench transport`: what one core receives from another process over TLS.

The receiver is what is measured: its processor time, the kernel's part in it included, from the
first message to the last. The sender is a process of its own, slowed down by nothing but the
receiver. Both verify each other and use the transport as a node does.
"""

import asyncio
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from bench.rows import measure
from consensus.messages import Prepare
from consensus.signing import binding, signed_payload
from network.codec import Codec
from network.handshake import HandshakeConfig
from network.handshake_messages import PeerRole
from network.messages import CertifiedBlock, CertifiedBlocks
from network.transport import (
    Address,
    DropReason,
    PeerInfo,
    Rates,
    Transport,
    TransportConfig,
    new_event_loop,
)
from primitives.ids import Hash32, NodeId, Sequence, View
from primitives.keys import ValidatorKey, verify
from primitives.machine import Message, TraceEvent

MEBIBYTE = 1 << 20
NANO, MICRO, MEGA = 1e9, 1e6, 1e6
VOTES, BLOCKS = 60_000, 600
DISTINCT = 2_000
"""Votes that are signed; they are sent again and again, and verified each time."""
QUEUED_MAX = 2_000
"""The sender waits when so many messages of its own wait."""
GENESIS = Hash32(b"b" * 32)
RECEIVER, SENDER = NodeId(0), NodeId(1)
SEEDS = (b"\x01" * 32, b"\x02" * 32)
BOUND = binding(GENESIS)
NO_LIMIT = 1 << 40
CONFIG = TransportConfig(
    rates=Rates(
        bytes_per_second=NO_LIMIT,
        bytes_burst=NO_LIMIT,
        messages_per_second=NO_LIMIT,
        messages_burst=NO_LIMIT,
    )
)
LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = MappingProxyType(
    {"asyncio": asyncio.new_event_loop, "uvloop": new_event_loop}
)
CASES = ("votes verified", "votes", "votes, one write each", "blocks of 1 MiB")

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "transported": "received over TLS",
        "loop": "loop",
        "per_core_second": "per core and s",
        "megabytes_per_core_second": "MB/s of a core",
        "received_us": "us each",
        "per_wall_second": "per wall s",
    }
)


def bench_transport() -> dict[str, Any]:
    """Votes and blocks from one process to another, over mutual TLS 1.3 on loopback."""
    rows = [
        measure("bench.transport_row", {"case": case, "loop": loop})
        for case in CASES
        for loop in LOOPS
    ]
    return {"rows": rows}


class End:
    """One of the two nodes.

    Args:
        node: its number.
        targets: whom it dials.
    """

    def __init__(self, node: NodeId, targets: Mapping[NodeId, Address]) -> None:
        keys = {NodeId(each): ValidatorKey(seed).public_key for each, seed in enumerate(SEEDS)}
        identity = HandshakeConfig(GENESIS, node, PeerRole.VALIDATOR, keys)
        limits: dict[type[Message], int] = {Prepare: 1_024, CertifiedBlocks: 2 * MEBIBYTE}
        codec = Codec(limits, limits)
        draw = random.Random(node)
        self.transport = Transport(CONFIG, identity, SEEDS[node], codec, self, draw, targets)
        self.opened, self.closed = asyncio.Event(), asyncio.Event()
        self.why = ""

    def on_event(self, event: TraceEvent) -> None:
        """Nothing is logged."""

    def on_peer_opened(self, peer: PeerInfo) -> None:
        """The other end is there."""
        self.opened.set()

    def on_peer_closed(self, peer: NodeId, reason: DropReason) -> None:
        """The other end is gone."""
        self.why = reason.value
        self.closed.set()

    def on_message(self, peer: NodeId, message: Message, size: int) -> None:
        """Nothing is expected; the receiver is another class."""


class Meter(End):
    """The receiver.

    Args:
        expected: messages.
        verified: whether votes are.
    """

    def __init__(self, expected: int, *, verified: bool) -> None:
        super().__init__(RECEIVER, {})
        self._left = expected
        self._verified = verified
        self._key = ValidatorKey(SEEDS[SENDER]).public_key
        self._start = (0.0, 0.0)
        self.spent = (0.0, 0.0)
        """Processor time and wall time from the first to the last, in seconds."""
        self.bytes = 0
        self.done = asyncio.Event()

    def on_message(self, peer: NodeId, message: Message, size: int) -> None:
        """Count, and verify if it is a vote."""
        if not self.bytes:
            self._start = (time.process_time(), time.perf_counter())
        self.bytes += size
        if self._verified and isinstance(message, Prepare):
            payload = signed_payload(BOUND, message)
            if not verify(self._key, payload, message.signature):
                raise AssertionError("a vote that was signed does not verify")
        self._left -= 1
        if not self._left:
            processor, wall = self._start
            self.spent = (time.process_time() - processor, time.perf_counter() - wall)
            self.done.set()


def votes() -> list[Message]:
    """Return signed votes."""
    key = ValidatorKey(SEEDS[SENDER])
    made: list[Message] = []
    for number in range(DISTINCT):
        digest = Hash32(number.to_bytes(32, "big"))
        bare = Prepare(View(1), Sequence(number), digest, GENESIS, SENDER, b"")
        signature = key.sign(signed_payload(BOUND, bare))
        made.append(Prepare(View(1), Sequence(number), digest, GENESIS, SENDER, signature))
    return made


async def send(case: str, count: int, port: int) -> None:
    """Be the sender."""
    address = Address("127.0.0.1", port)
    end = End(SENDER, {RECEIVER: address})
    block = CertifiedBlocks(1, (CertifiedBlock(random.Random(1).randbytes(MEBIBYTE), b""),))
    messages = [block] if case == CASES[-1] else votes()
    await end.transport.start(end)
    await end.opened.wait()
    one_by_one = case == "votes, one write each"
    queued_max = 8 if case == CASES[-1] else QUEUED_MAX
    sent = 0
    while sent < count:
        waiting = end.transport.peers()[0].queued_messages
        free = min(count - sent, max(0, queued_max - waiting), 1 if one_by_one else QUEUED_MAX)
        for _ in range(free):
            end.transport.send(RECEIVER, messages[sent % len(messages)])
            sent += 1
        await asyncio.sleep(0)
    await end.closed.wait()
    await end.transport.close()


async def receive(case: str, loop: str, count: int) -> dict[str, object]:
    """Be the receiver, and return the row."""
    meter = Meter(count, verified=case == CASES[0])
    address = await meter.transport.start(meter)
    options = {"case": case, "loop": loop, "count": count, "port": address.port}
    command = (sys.executable, "-P", "-m", "bench.transport_row", json.dumps(options))
    sender = await asyncio.create_subprocess_exec(*command)
    ended = asyncio.ensure_future(sender.wait())
    await asyncio.wait(
        [asyncio.ensure_future(meter.done.wait()), ended], return_when=asyncio.FIRST_COMPLETED
    )
    await meter.transport.close()
    if await ended or not meter.done.is_set():
        raise AssertionError(f"the sender has failed: {meter.why}")
    processor, wall = meter.spent
    return {
        "transported": case,
        "loop": loop,
        "per_core_second": round((count - 1) / processor),
        "megabytes_per_core_second": round(meter.bytes / processor / MEGA, 1),
        "received_us": round(processor / count * MICRO, 2),
        "per_wall_second": round((count - 1) / wall),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024,
    }


def run(
    case: str, loop: str, count: int | None = None, port: int | None = None
) -> dict[str, object]:
    """Run one case, or the sender of one.

    Args:
        case: one of `CASES`.
        loop: one of `LOOPS`.
        count: messages.
        port: where the receiver listens; only the sender has one.
    """
    total = count or (BLOCKS if case == CASES[-1] else VOTES)
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        if port is not None:
            runner.run(send(case, total, port))
            return {}
        return runner.run(receive(case, loop, total))


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
