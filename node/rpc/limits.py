"""What callers may cost: one frozen value, with defaults for a node that a wallet talks to."""

from dataclasses import dataclass

KIBIBYTE = 1 << 10
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Connections:
    """How many callers there may be, and how long they may do nothing."""

    count: int = 512
    """In all; one more drives out one that does nothing, or is answered 503 and closed."""
    head_seconds: float = 10.0
    """From the first byte of a request to the end of its headers."""
    body_seconds: float = 30.0
    """From there to the end of its body."""
    idle_seconds: float = 120.0
    """Between two requests; a fifth of it while more than three in four places are taken."""
    write_seconds: float = 30.0
    """In which a caller that has an answer to fetch takes at least some of it."""
    linger_seconds: float = 2.0
    """For which a caller that was refused may still send what it was sending. Were the connection
    ended at once, it would see a reset and not the reason."""
    half_seconds: float = 2.0
    """For which a call goes on whose caller has ended its half of the connection, or has left."""
    write_bytes: int = 1 * MEBIBYTE
    """What may wait to be sent before no further request of that caller is read."""
    waiting_bytes: int = 128 * MEBIBYTE
    """Of all callers together: bodies and messages as far as they have come in, and answers that
    wait to be fetched, each. A request over it is refused with 503."""
    websockets: int = 128
    """Of the connections, how many may be WebSockets: each may hold half a message. One more
    drives out one of an address that has more of them, or is answered 503."""


@dataclass(frozen=True, slots=True)
class Requests:
    """What one request may be and bring about."""

    head_bytes: int = 16 * KIBIBYTE
    """Request line and headers."""
    headers: int = 100
    body_bytes: int = 5 * MEBIBYTE
    """Of an HTTP request; compressed ones are refused."""
    message_bytes: int = 2 * MEBIBYTE
    """Of a WebSocket message; enough for a transaction with six blobs."""
    values: int = 100_000
    """JSON values in one body, roughly: what a decoder makes of small ones takes thirty times
    their bytes."""
    batch_items: int = 1_000
    response_bytes: int = 25 * MEBIBYTE
    """Of all answers to a request together."""
    call_seconds: float = 30.0
    """A call that has not ended by then is answered with an error."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What all connections of one address may ask for, in the cost that methods state."""

    cost_per_second: int = 20_000
    cost_burst: int = 40_000


@dataclass(frozen=True, slots=True)
class Watching:
    """Subscriptions and filters."""

    subscriptions_per_connection: int = 128
    subscriptions: int = 4_096
    subscription_values: int = 20_000
    """Addresses and topics in the criteria of all of them: each is looked for in each block."""
    queue_notices: int = 10_000
    """What may wait for one connection; one that falls behind by more is dropped."""
    queue_bytes: int = 8 * MEBIBYTE
    """The same in bytes."""
    filters_per_connection: int = 128
    filters: int = 1_024
    filter_values: int = 100_000
    """Addresses and topics in the criteria of all of them: each takes half a kilobyte."""
    filter_seconds: float = 300.0
    """A filter that nobody asks for so long is removed."""
    filter_blocks: int = 1_000
    """Blocks of which one question is answered; the next question goes on from there."""
    filter_items: int = 100_000
    """Hashes that one filter of pending transactions keeps for who does not ask; the oldest go."""
    calls: int = 16
    """Calls of one WebSocket connection that may be under way at once."""
    heartbeat_seconds: float = 30.0
    """Between two pings; a connection that answers none within half of it is closed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """All of them."""

    connections: Connections = Connections()
    requests: Requests = Requests()
    rates: Rates = Rates()
    watching: Watching = Watching()
