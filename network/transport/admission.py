"""Who may knock: strangers by address, peers by node id and role.

What a stranger costs before it has proven anything is bounded three ways: by how often one
address may knock, by how many connections it may have, and by how many handshakes may be under
way. In the last, a newcomer drives out the one that has taken longest among those of the address
that has most. An honest handshake takes milliseconds; so who opens ten thousand connections
and says nothing drives out his own.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from network.handshake import Mismatch
from network.handshake_messages import Hello, PeerRole, Reason
from network.transport.bucket import TokenBucket
from network.transport.config import Rates, Slots
from primitives.ids import Duration, Instant, NodeId


@dataclass(slots=True, eq=False)
class Visit:
    """One connection that somebody has made to this node."""

    address: str
    evict: Callable[[], None]
    """Ends it."""


class Gate:
    """Counts connections by address.

    Args:
        rates: how often one address may connect.
        slots: how many connections there may be.
    """

    __slots__ = ("_buckets", "_open", "_pending", "_rates", "_slots")

    def __init__(self, rates: Rates, slots: Slots) -> None:
        self._rates = rates
        self._slots = slots
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()
        self._open: dict[str, int] = {}
        self._pending: dict[str, dict[int, Visit]] = {}
        """By address; the key is the order of arrival."""

    @property
    def pending(self) -> int:
        """Handshakes that are under way."""
        return sum(map(len, self._pending.values()))

    def admits(self, now: Instant, address: str) -> bool:
        """Tell whether one more connection from an address is taken, and count the attempt."""
        bucket = self._buckets.pop(address, None)
        if bucket is None:
            while len(self._buckets) >= self._slots.addresses:
                self._buckets.popitem(last=False)
            rate, burst = self._rates.connections_per_second, self._rates.connections_burst
            bucket = TokenBucket(rate, burst, now)
        self._buckets[address] = bucket
        return bucket.try_take(now) and self._open.get(address, 0) < self._slots.per_address

    def enter(self, order: int, visit: Visit) -> Visit | None:
        """Count a connection whose handshake begins; return whom it drives out, if anybody.

        Args:
            order: larger than that of every earlier visit.
            visit: it.
        """
        own = self._pending.get(visit.address, {})
        evicted: Visit | None = None
        if len(own) >= self._slots.pending_per_address:
            evicted = next(iter(own.values()))
        elif self.pending >= self._slots.pending:
            evicted = next(iter(max(self._pending.values(), key=len).values()))
        self._pending.setdefault(visit.address, {})[order] = visit
        self._open[visit.address] = self._open.get(visit.address, 0) + 1
        return evicted

    def settle(self, order: int, address: str) -> None:
        """Count a handshake as done, either way."""
        own = self._pending.get(address)
        if own is not None and own.pop(order, None) is not None and not own:
            del self._pending[address]

    def leave(self, order: int, address: str) -> None:
        """Count a connection as gone."""
        self.settle(order, address)
        left = self._open.get(address, 0) - 1
        if left > 0:
            self._open[address] = left
        else:
            self._open.pop(address, None)


class Places:
    """Counts peers by role, and remembers whom not to let in.

    It is the handshake's `Doorkeeper`.

    Args:
        slots: how many followers and gateways there may be.
        clock: for bans.
    """

    __slots__ = ("_banned", "_blocked", "_clock", "_held", "_slots")

    def __init__(self, slots: Slots, clock: Callable[[], int]) -> None:
        self._slots = slots
        self._clock = clock
        self._held: dict[NodeId, tuple[PeerRole, bytes]] = {}
        self._banned: OrderedDict[bytes, Instant] = OrderedDict()
        """Until when, by key."""
        self._blocked: frozenset[NodeId] = frozenset()

    def mismatch(self, hello: Hello) -> Mismatch | None:
        """Return why a peer that says so is not let in. Nothing is proven yet."""
        node = NodeId(hello.node)
        if not hello.key:
            return Reason.KEY, "a key", "none"
        if node in self._blocked or self.is_banned(hello.key):
            return Reason.BANNED, "a peer that is not shut out", f"node {node}"
        held = self._held.get(node)
        if held is not None:
            if held[1] != hello.key:
                return Reason.KEY, f"the key of the node {node} that is connected", hello.key.hex()
            return None
        limit = self._limit(hello.role)
        taken = sum([role is hello.role for role, _ in self._held.values()])
        if limit is not None and taken >= limit:
            return Reason.SLOTS, f"at most {limit} peers of this role", f"{taken + 1}"
        return None

    def hold(self, node: NodeId, role: PeerRole, key: bytes) -> bool:
        """Give a place to a peer that has proven its key; False if there is none any more.

        Several handshakes may be under way for the last one.
        """
        if node in self._blocked or self.is_banned(key):
            return False
        held = self._held.get(node)
        limit = self._limit(role)
        taken = sum([other is role for other, _ in self._held.values()])
        if held is None and limit is not None and taken >= limit:
            return False
        if held is not None and held[1] != key:
            return False
        self._held[node] = (role, key)
        return True

    def free(self, node: NodeId) -> None:
        """Take a place back."""
        self._held.pop(node, None)

    def ban(self, key: bytes, span: Duration) -> None:
        """Shut a peer out for some time."""
        self._banned.pop(key, None)
        while len(self._banned) >= self._slots.addresses:
            self._banned.popitem(last=False)
        self._banned[key] = Instant(self._clock() + span)

    def is_banned(self, key: bytes) -> bool:
        """Tell whether a peer is shut out now."""
        until = self._banned.get(key)
        if until is None or self._clock() < until:
            return until is not None
        del self._banned[key]
        return False

    def block(self, nodes: frozenset[NodeId]) -> None:
        """Shut out exactly these nodes, until the next call."""
        self._blocked = nodes

    def is_blocked(self, node: NodeId) -> bool:
        """Tell whether a node is shut out by `block`."""
        return node in self._blocked

    def _limit(self, role: PeerRole) -> int | None:
        match role:
            case PeerRole.VALIDATOR:
                return None
            case PeerRole.FOLLOWER:
                return self._slots.followers
            case PeerRole.GATEWAY:
                return self._slots.gateways
