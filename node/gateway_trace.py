"""Trace events of gateways: what became of a client's transaction, and how soon."""

from primitives.machine import TraceEvent


class Accepted(TraceEvent, frozen=True, gc=False):
    """A client has handed a transaction to this gateway."""

    name = "gateway.accepted"

    hash: bytes
    """keccak-256 of its encoding."""


class FastConfirmed(TraceEvent, frozen=True, gc=False):
    """A quorum has signed the block, and the transaction's result in it is proven."""

    name = "gateway.confirmed"

    hash: bytes
    view: int
    sequence: int
    digest: bytes
    """Of the block."""
    latency_ns: int
    """Since the client handed it over."""


class Finalised(TraceEvent, frozen=True, gc=False):
    """The block is committed, as its certificate proves; the slower answer, to compare."""

    name = "gateway.final"

    hash: bytes
    view: int
    sequence: int
    digest: bytes
    latency_ns: int


class Refused(TraceEvent, frozen=True, gc=False):
    """f+1 validators have signed that they do not take it, for the same reason."""

    name = "gateway.rejected"

    hash: bytes
    code: str
    """The reason; "gateway_full" if this gateway itself has no room."""
    latency_ns: int


class StillPending(TraceEvent, frozen=True, gc=False):
    """The client's patience is over; what there is so far."""

    name = "gateway.pending"

    hash: bytes
    votes: int
    """Signatures for the best block that is proven to hold it."""
    refusals: int
    """Signed refusals for the most frequent reason."""
    latency_ns: int


class ValidatorLied(TraceEvent, frozen=True, gc=False):
    """A validator has said something that is false, or that this gateway cannot check."""

    name = "gateway.lied"

    validator: int
    """Its node."""
    kind: str
    """"signature", "proof" or "certificate" for what is false; "tentative" for two signatures
    that contradict each other, which is evidence; "refusal" for one that is not signed in this
    gateway's epoch, which an honest validator may send while the committee changes."""
    sequence: int
    """The block's, 0 where there is none."""


EVENTS: tuple[type[TraceEvent], ...] = (
    Accepted,
    FastConfirmed,
    Finalised,
    Refused,
    StillPending,
    ValidatorLied,
)
"""Every trace event of gateways."""
