"""The trace: the one source of every number that a run reports.

Three levels. Protocol events are always written, and their hash is the run's identity. Traffic
is one aggregate for each broadcast or send, and beside it one for each batch that a disk has
synced. Deliveries are one line for each message and recipient, and are written only when somebody
asks.

Consumers are called in exact virtual-time order, on the kernel's thread.
"""

import hashlib
from collections.abc import Callable

import msgspec

from primitives.machine import TraceEvent


class Observation(msgspec.Struct, frozen=True, gc=False):
    """A protocol event with its time and place."""

    at_ns: int
    """Virtual nanoseconds since the start of the run."""
    node: int
    """The node that emitted it; -1 is the network itself (faults)."""
    event: TraceEvent


class Traffic(msgspec.Struct, frozen=True, gc=False):
    """What one send or broadcast put on the wire."""

    at_ns: int
    node: int
    kind: str
    """The message's class name, for example "Prepare"."""
    count: int
    """Recipients that it was sent to; those behind a partition are not counted."""
    bytes: int
    """Bytes of all copies together, frame headers included."""
    saved: int = 0
    """By how many bytes compression has made them shorter."""


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One message that has reached one node's inbox."""

    at_ns: int
    sender: int
    receiver: int
    kind: str


class Stored(msgspec.Struct, frozen=True, gc=False):
    """One batch that a node's disk has made durable."""

    at_ns: int
    node: int
    bytes: int
    """Of keys and values."""
    wait_ns: int
    """Since it was handed over."""


EventConsumer = Callable[[Observation], None]
TrafficConsumer = Callable[[Traffic], None]
DeliveryConsumer = Callable[[Delivery], None]
StorageConsumer = Callable[[Stored], None]


class Trace:
    """Fans trace records out to consumers and keeps the digest of the protocol events."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self._encode = msgspec.msgpack.Encoder().encode
        self._events: list[EventConsumer] = []
        self._traffic: list[TrafficConsumer] = []
        self._deliveries: list[DeliveryConsumer] = []
        self._storage: list[StorageConsumer] = []
        self.wants_storage = False
        """Whether somebody wants to hear of batches."""
        self.wants_traffic = False
        """Whether level two has a consumer."""
        self.messages = 0
        """Messages sent so far: one for each recipient."""
        self.bytes = 0
        """Bytes sent so far."""

    def subscribe(
        self,
        events: EventConsumer | None = None,
        traffic: TrafficConsumer | None = None,
        deliveries: DeliveryConsumer | None = None,
        storage: StorageConsumer | None = None,
    ) -> None:
        """Add consumers, each called after those that were there before."""
        if storage is not None:
            self._storage.append(storage)
            self.wants_storage = True
        if events is not None:
            self._events.append(events)
        if traffic is not None:
            self._traffic.append(traffic)
            self.wants_traffic = True
        if deliveries is not None:
            self._deliveries.append(deliveries)

    @property
    def wants_deliveries(self) -> bool:
        """Whether level three has a consumer."""
        return bool(self._deliveries)

    def digest(self) -> str:
        """Return the hex digest of all protocol events so far: the run's identity."""
        return self._hash.hexdigest()

    def event(self, at_ns: int, node: int, event: TraceEvent) -> None:
        """Record a protocol event."""
        self._hash.update(self._encode((at_ns, node, event.name, event)))
        observation = Observation(at_ns, node, event)
        for consumer in self._events:
            consumer(observation)

    def count_sent(self, count: int, size: int) -> None:
        """Count copies of a message of `size` bytes that nobody else wants to hear of."""
        self.messages += count
        self.bytes += count * size

    def sent(
        self, at_ns: int, node: int, kind: str, count: int, size: int, plain: int | None = None
    ) -> None:
        """Record `count` copies of a message of `size` bytes leaving `node`.

        Args:
            at_ns: when.
            node: the sender.
            kind: of the message.
            count: of recipients.
            size: of its frame.
            plain: the same without compression; as long if None.
        """
        self.count_sent(count, size)
        if self._traffic:
            saved = 0 if plain is None else count * (plain - size)
            traffic = Traffic(at_ns, node, kind, count, count * size, saved)
            for consumer in self._traffic:
                consumer(traffic)

    def stored(self, at_ns: int, node: int, size: int, wait_ns: int) -> None:
        """Record one batch of `size` bytes that has become durable `wait_ns` after its handover."""
        stored = Stored(at_ns, node, size, wait_ns)
        for consumer in self._storage:
            consumer(stored)

    def delivered(self, at_ns: int, sender: int, receiver: int, kind: str) -> None:
        """Record one message entering an inbox."""
        delivery = Delivery(at_ns, sender, receiver, kind)
        for consumer in self._deliveries:
            consumer(delivery)
