"""Room for what has come from all peers together: who may keep how much of it, and who waits.

Each peer has limits of its own, and there may be many peers: a hundred that each begin a long
message and never end it would keep a gigabyte. So all together have a bound as well. Validators
have one room and all others another, which whoever makes keys can fill, and nothing else.

Half of a room belongs to its peers in equal shares, which nobody can take from them; the other half
is common, and only votes and proposals may use the last quarter of that. What finds no room waits,
the more urgent and the shorter first, and nothing is read from its sender meanwhile: whoever wants
to keep others waiting has to ask for much.

A message has room for all of itself before more than one read of it is taken, and nobody who has
begun waits for more. So whoever has begun can finish, what is finished is taken by the node, and
nobody waits for ever. A peer that takes too long while others wait is let go.

Pure: the clock is handed in.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from network.outbox import Traffic
from network.transport.config import RoomLimits
from primitives.ids import Duration, Instant, NodeId


@dataclass(slots=True, eq=False)
class Room:
    """One of the two."""

    limit: int
    """Bytes that may be kept."""
    members: Callable[[], int]
    """Returns among how many peers half of it is shared out."""
    used: int = 0
    waiting: "list[Claim]" = field(default_factory=list)

    @property
    def share(self) -> int:
        """Bytes that each peer has for itself."""
        return self.limit // 2 // max(1, self.members())

    def is_own(self, tenant: "Tenant", size: int) -> bool:
        """Tell whether a peer has so much left of its share.

        Peers that are gone keep what the node has not taken yet, so there may be more of them than
        shares.
        """
        return tenant.used + size <= self.share and self.used + size <= self.limit

    def common(self, traffic: Traffic) -> int:
        """Return how much may be kept in nobody's share, bytes."""
        return self.limit // 2 if traffic is Traffic.CONSENSUS else 3 * self.limit // 8


@dataclass(slots=True, eq=False)
class Tenant:
    """What is kept of one peer, over all its connections."""

    node: NodeId
    room: Room
    used: int = 0
    claims: int = 0
    """Connections."""

    def beyond(self, share: int) -> int:
        """Return how much of it is in nobody's share, bytes; of who is gone, all."""
        return max(0, self.used - share) if self.claims else self.used


@dataclass(slots=True, eq=False)
class Claim:
    """What one connection needs room for: one message at a time.

    Made by `Rooms.enter`.
    """

    tenant: Tenant
    on_room: Callable[[], object]
    """Called when what it has waited for is there; must not call back at once."""
    granted: int = 0
    """Bytes of a message that has begun and was not handed over."""
    wanted: int | None = None
    """Bytes that it waits for; 0 to wait until its peer is within its share, or there is room."""
    traffic: Traffic = Traffic.SYNC
    since: Instant = Instant(0)
    """When it has begun to wait, or was granted."""


class Rooms:
    """Both rooms of a transport.

    Args:
        limits: their bytes.
        validators: returns how many validators may be connected.
        others: how many others may.
        clock: tells the instant.
    """

    __slots__ = ("_clock", "_forgiven_at", "_others", "_tenants", "_validators")

    def __init__(
        self,
        limits: RoomLimits,
        validators: Callable[[], int],
        others: int,
        clock: Callable[[], Instant],
    ) -> None:
        self._clock = clock
        self._forgiven_at = Instant(0)
        self._validators = Room(limits.validators_room, validators)
        self._others = Room(limits.others_room, lambda: others)
        self._tenants: dict[NodeId, Tenant] = {}

    @property
    def used(self) -> tuple[int, int]:
        """What is kept now, in bytes: of validators, of others."""
        return self._validators.used, self._others.used

    def enter(self, node: NodeId, on_room: Callable[[], object], *, is_guest: bool) -> Claim:
        """Return the claim of a connection that is open now."""
        room = self._others if is_guest else self._validators
        tenant = self._tenants.get(node)
        if tenant is None:
            tenant = self._tenants[node] = Tenant(node, room)
        elif tenant.room is not room:
            self._move(tenant, room)
        tenant.claims += 1
        return Claim(tenant, on_room)

    def promote(self, claim: Claim) -> None:
        """Let a peer that has become a validator have its place among those."""
        if claim.tenant.room is not self._validators:
            self._move(claim.tenant, self._validators)

    def leave(self, claim: Claim) -> None:
        """Forget the claim of a connection that has ended. Once."""
        tenant = claim.tenant
        if claim.wanted is not None:
            claim.wanted = None
            tenant.room.waiting.remove(claim)
        tenant.claims -= 1
        granted, claim.granted = claim.granted, 0
        self._use(tenant, -granted)
        self._forget(tenant)
        self._serve(tenant.room)

    def ask(self, claim: Claim, size: int, traffic: Traffic) -> bool:
        """Take room for one message; False if it has to wait until `Claim.on_room`.

        Args:
            claim: of its connection.
            size: all of its bytes; with 0 it is asked whether its peer may go on at all.
            traffic: its class.
        """
        if claim.granted or claim.wanted is not None:
            return claim.wanted is None
        tenant = claim.tenant
        room = tenant.room
        if room.is_own(tenant, size):
            self._grant(claim, size)
            return True
        claim.wanted, claim.traffic, claim.since = size, traffic, self._clock()
        room.waiting.append(claim)
        return claim in self._serve(room, claim)

    def settle(self, claim: Claim) -> None:
        """Give back what was taken for a message: it was handed over."""
        granted, claim.granted = claim.granted, 0
        self._use(claim.tenant, -granted)
        self._serve(claim.tenant.room)

    def hold(self, node: NodeId, size: int) -> None:
        """Count bytes that the node keeps of a peer, or has taken if `size` is below zero."""
        tenant = self._tenants.get(node)
        if tenant is not None:
            self._use(tenant, size)
            if size < 0:
                self._forget(tenant)
                self._serve(tenant.room)

    def is_hoarding(self, claim: Claim, now: Instant, patience: Duration) -> bool:
        """Tell whether others wait because a peer does not end what it has begun."""
        room = claim.tenant.room
        if not claim.granted or not room.waiting or claim.tenant.used <= room.share:
            return False
        waits = min([each.since for each in room.waiting])
        return now - max(claim.since, waits, self._forgiven_at) >= patience

    def forgive(self, claim: Claim | None = None) -> None:
        """Begin anew to count how long messages take: that of one peer, or all.

        Args:
            claim: of a peer that was not read from meanwhile; None if nobody was.
        """
        if claim is None:
            self._forgiven_at = self._clock()
        elif claim.granted:
            claim.since = self._clock()

    def _grant(self, claim: Claim, size: int) -> None:
        if size:
            claim.granted, claim.since = size, self._clock()
            self._use(claim.tenant, size)

    def _use(self, tenant: Tenant, size: int) -> None:
        tenant.used += size
        tenant.room.used += size

    def _forget(self, tenant: Tenant) -> None:
        if not tenant.claims and tenant.used <= 0:
            self._tenants.pop(tenant.node, None)

    def _move(self, tenant: Tenant, room: Room) -> None:
        """Let a peer that has another role now have its place there."""
        old, tenant.room = tenant.room, room
        old.used -= tenant.used
        room.used += tenant.used
        for claim in [each for each in old.waiting if each.tenant is tenant]:
            old.waiting.remove(claim)
            room.waiting.append(claim)
        self._serve(old)
        self._serve(room)

    def _serve(self, room: Room, asking: Claim | None = None) -> list[Claim]:
        """Give room to those who wait, in their order; the shares of others stay theirs."""
        served: list[Claim] = []
        if not room.waiting:
            return served
        share, is_blocked = room.share, False
        tenants = [each for each in self._tenants.values() if each.room is room]
        common = sum([each.beyond(share) for each in tenants])
        for claim in sorted(room.waiting, key=lambda each: (each.traffic, each.wanted)):
            tenant, wanted = claim.tenant, claim.wanted
            assert wanted is not None, "who waits wants something"
            more = max(0, tenant.used + wanted - share) - tenant.beyond(share)
            in_common = not is_blocked and common + more <= room.common(claim.traffic)
            if room.is_own(tenant, wanted) or (in_common and room.used + wanted <= room.limit):
                claim.wanted = None
                self._grant(claim, wanted)
                common += more
                room.waiting.remove(claim)
                served.append(claim)
            else:
                is_blocked = True
        for claim in served:
            if claim is not asking:
                claim.on_room()
        return served
