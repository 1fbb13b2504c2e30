"""What gateways have told their clients: how soon, and how often what.

A transaction has two answers: the first one, from a quorum of tentative signatures, and the
commit certificate. Both are timed at the gateway, over the same way, for the same transactions,
so that they can stand beside each other. Where the certificate was quicker, it was the first
answer too.
"""

import numpy as np

from node.gateway_trace import (
    Accepted,
    FastConfirmed,
    Finalised,
    Refused,
    StillPending,
    ValidatorLied,
)
from sim.report.series import IntArray, IntColumn


class GatewayLedger:
    """Matches the answers of gateways. Keeps three integers for each final one."""

    __slots__ = (
        "_first",
        "_open",
        "confirmed",
        "final_ns",
        "first_ns",
        "lies",
        "pending",
        "rejected",
        "submitted_ns",
    )

    def __init__(self) -> None:
        self._open: dict[tuple[int, bytes], int] = {}
        """Instant of submission of what waits for its final answer, by gateway."""
        self._first: dict[tuple[int, bytes], int] = {}
        """Time to the first answer of those that have one."""
        self.confirmed = 0
        """Transactions that a quorum of signatures has confirmed before the certificate came."""
        self.rejected: dict[str, int] = {}
        """By reason."""
        self.pending = 0
        """How often a client's patience ended without an answer."""
        self.lies: dict[str, int] = {}
        """What validators said that no correct one says, by kind."""
        self.submitted_ns = IntColumn()
        """Instant of submission, one entry for each final answer."""
        self.first_ns = IntColumn()
        """Time to its first answer."""
        self.final_ns = IntColumn()
        """Time to its certificate."""

    def accepted(self, at_ns: int, node: int, event: Accepted) -> None:
        """A client handed over a transaction."""
        self._open[node, event.hash] = at_ns

    def on_confirmed(self, node: int, event: FastConfirmed) -> None:
        """A quorum of signatures and a proof have come."""
        self.confirmed += 1
        self._first[node, event.hash] = event.latency_ns

    def on_final(self, node: int, event: Finalised) -> int | None:
        """The certificate has come; return when the transaction was submitted, if that is known."""
        submitted = self._open.pop((node, event.hash), None)
        first = self._first.pop((node, event.hash), event.latency_ns)
        if submitted is None:
            return None
        self.submitted_ns.append(submitted)
        self.first_ns.append(first)
        self.final_ns.append(event.latency_ns)
        return submitted

    def on_rejected(self, node: int, event: Refused) -> None:
        """f+1 validators refuse it, or the gateway does."""
        self.rejected[event.code] = self.rejected.get(event.code, 0) + 1
        self._open.pop((node, event.hash), None)

    def on_pending(self, node: int, event: StillPending) -> None:
        """A client's patience is over."""
        self.pending += 1

    def on_lie(self, node: int, event: ValidatorLied) -> None:
        """A validator was caught."""
        self.lies[event.kind] = self.lies.get(event.kind, 0) + 1

    def open_submissions(self) -> list[int]:
        """Return the instants of submissions without a final answer, in order."""
        return list(self._open.values())

    def times_ns(self, start_ns: int, end_ns: int) -> tuple[IntArray, IntArray]:
        """Return sorted times to first and to final answer of what was submitted in a window."""
        at = self.submitted_ns.numpy()
        inside = (at >= start_ns) & (at < end_ns)
        return np.sort(self.first_ns.numpy()[inside]), np.sort(self.final_ns.numpy()[inside])
