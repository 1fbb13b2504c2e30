"""Whether a live node is well, for who decides whether to send it clients.

A node is unhealthy when clients should go elsewhere: it cannot reach enough peers to take part, it
has transactions and commits nothing, or it is catching up. Its process is alive all the same, or
it would not answer; so whoever restarts processes should look at `alive`, not at the status.
"""

from dataclasses import dataclass
from typing import Protocol

import msgspec

HEALTHY, UNHEALTHY = 200, 503


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a node says of itself."""

    height: int
    syncing: bool
    """It fetches blocks or a state."""
    peers: int
    """Connected now."""
    peers_needed: int
    """Without so many this node cannot take part: Q-1 validators for a validator, 1 for one that
    follows, 0 for a node alone."""
    last_commit_age_ns: int | None
    """Since its latest commit; None before the first."""
    pending: int = 0
    """Transactions in its pool that could go into the next block."""
    oldest_wait_ns: int | None = None
    """For how long the oldest of them that a client gave this node has been waiting."""
    stopping: bool = False


class FactsOf(Protocol):
    """Knows a node."""

    def facts(self) -> Facts:
        """Return what it says of itself now."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """When a node is not well any more."""

    standstill_ns_max: int = 30_000_000_000
    """A transaction has been waiting for so long, and nothing was committed for as long. Without
    one that waits no commit is due: an idle chain is well."""


DEFAULT_PATIENCE = Patience()


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of /healthz."""

    alive: bool
    healthy: bool
    reasons: tuple[str, ...]
    """Why it is not healthy; empty if it is."""
    height: int
    syncing: bool
    peers: int
    peers_needed: int
    pending: int
    last_commit_age_seconds: float | None

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return HEALTHY if self.healthy else UNHEALTHY


def health(facts: Facts, patience: Patience = DEFAULT_PATIENCE) -> Health:
    """Judge a node by what it says of itself."""
    age_ns, waited_ns = facts.last_commit_age_ns, facts.oldest_wait_ns
    reasons = []
    if facts.stopping:
        reasons.append("the node stops")
    if facts.syncing:
        reasons.append("the node fetches blocks that it lacks")
    if facts.peers < facts.peers_needed:
        connected = "1 peer is" if facts.peers == 1 else f"{facts.peers} peers are"
        reasons.append(f"{connected} connected, at least {facts.peers_needed} needed")
    limit_ns = patience.standstill_ns_max
    stands_still = age_ns is None or age_ns > limit_ns
    if waited_ns is not None and waited_ns > limit_ns and stands_still:
        waited = f"a transaction has been waiting for {waited_ns / 1e9:.0f} s"
        reasons.append(f"{waited}, and nothing was committed")
    return Health(
        alive=True,
        healthy=not reasons,
        reasons=tuple(reasons),
        height=facts.height,
        syncing=facts.syncing,
        peers=facts.peers,
        peers_needed=facts.peers_needed,
        pending=facts.pending,
        last_commit_age_seconds=None if age_ns is None else round(age_ns / 1e9, 3),
    )
