"""The network between nodes: latency, jitter, uplink queue, loss, partitions.

A copy of a message leaves through its sender's uplink (copies of one broadcast one after
another, starting with the sender's successor), travels for the base latency of the two regions
plus jitter, and arrives in the order of its link, as on a TCP connection. Loss shows as
retransmission delay, not as a hole. A partition drops what is sent across it; what is on its
way arrives. The receiver's downlink queue belongs to the kernel, which knows when copies meet.

Everything that depends only on (sender, group) is kept as a `Route` and dropped when a fault
changes it, so that a broadcast costs a few vector operations. For a handful of recipients those
cost more than they save, and the same integers are computed one by one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter

import msgspec
import numpy as np
import numpy.typing as npt

from sim.links.jitter import ONE, QUANTILES, JitterLaw, quantile_table
from sim.randomness import generator

Int64s = npt.NDArray[np.int64]

PICOSECONDS_PER_NANOSECOND = 1000
RETRANSMISSION_FLOOR_NS = 200_000_000
"""Linux's minimum retransmission timeout (TCP_RTO_MIN, 200 ms); a lost copy waits for it plus
one round trip, doubled for each further loss of the same copy."""
LOSS_DENOMINATOR = 1 << 32
VECTOR_RECIPIENTS_MIN = 24
"""From how many recipients on a broadcast is computed by numpy."""


def picoseconds_per_byte(bits_per_second: int) -> int:
    """Return the time that one byte takes on a link; 0 bits/s stands for unlimited."""
    return 8 * 10**12 // bits_per_second if bits_per_second else 0


class LinkSpec(msgspec.Struct, frozen=True):
    """The network as configured. Index i of each tuple is node i."""

    region_of: tuple[int, ...]
    """Row of `latency_ns` that the node lives in."""
    latency_ns: tuple[tuple[int, ...], ...]
    """One-way latency between regions, row = from."""
    uplink_bps: tuple[int, ...]
    """Bits a second; 0 is unlimited."""
    downlink_bps: tuple[int, ...]
    loss: tuple[float, ...]
    """Probability that a copy is lost once, by node; the worse end of a link counts."""
    jitter_law: JitterLaw = JitterLaw.NONE
    jitter_spread: float = 0.0
    """Size of the jitter as a share of the base latency."""


@dataclass(slots=True)
class Route:
    """What a sender's broadcasts to one group have in common."""

    nodes: npt.NDArray[np.int64]
    """Recipients that can be reached now, in the order of the uplink."""
    latency_ns: Int64s
    positions: Int64s
    """1, 2, ... m: how many copies have left when this one has."""
    last_ns: Int64s
    """Latest arrival on each link so far: links deliver in order."""
    loss: Int64s | None
    """Loss in units of 1/2**32, or None where nothing is ever lost."""
    few: list[list[int]] | None
    """For a handful of recipients without loss: [node, latency, latest arrival] of each."""


Membership = Callable[[str, int], Sequence[int]]
"""Maps (group, sender) to the other members of the group."""


class Links:
    """Derives when each copy of a message arrives at its receiver's access link."""

    def __init__(self, spec: LinkSpec, members: Membership, seed: int) -> None:
        self._spec = spec
        self._members = members
        self._seed = seed
        count = len(spec.region_of)
        self._regions = np.array(spec.region_of, dtype=np.int64)
        self._base = np.array(spec.latency_ns, dtype=np.int64)
        self._table = quantile_table(spec.jitter_law, spec.jitter_spread)
        self._jitters = spec.jitter_law is not JitterLaw.NONE and spec.jitter_spread > 0
        self._up_ps = [picoseconds_per_byte(b) for b in spec.uplink_bps]
        self._up_free = [0] * count
        self._loss = np.array([round(p * LOSS_DENOMINATOR) for p in spec.loss], dtype=np.int64)
        self._lossy = bool(self._loss.any())
        self._side: npt.NDArray[np.int64] | None = None
        self._extra = np.zeros(count, dtype=np.int64)
        self._routes: dict[tuple[int, str | int], Route] = {}
        self._draws: dict[int, _Draws] = {}

    @property
    def count(self) -> int:
        """Number of nodes."""
        return len(self._up_ps)

    def downlink_picoseconds_per_byte(self) -> list[int]:
        """Return each node's receiving time for one byte; 0 is unlimited."""
        return [picoseconds_per_byte(b) for b in self._spec.downlink_bps]

    def broadcast(self, at: int, sender: int, group: str, size: int) -> tuple[list[int], list[int]]:
        """Send `size` bytes to every reachable member of `group`.

        Returns:
            Arrival instants at the receivers' access links, ascending, and the receivers.
        """
        route = self._routes.get((sender, group))
        if route is None:
            route = self._routes[sender, group] = self._route(sender, self._members(group, sender))
        if route.few is not None:
            return self._one_by_one(at, sender, size, route.few)
        arrivals = self._departures(at, sender, size, route.positions) + self._delays(sender, route)
        np.maximum(arrivals, route.last_ns + 1, out=arrivals)
        route.last_ns = arrivals
        order = arrivals.argsort(kind="stable")
        return arrivals[order].tolist(), route.nodes[order].tolist()

    def send(self, at: int, sender: int, to: int, size: int) -> int | None:
        """Return when a message arrives at `to`'s access link; None across a partition."""
        route = self._routes.get((sender, to))
        if route is None:
            route = self._routes[sender, to] = self._route(sender, (to,))
        if not len(route.nodes):
            return None
        if route.few is not None:
            return self._one_by_one(at, sender, size, route.few)[0][0]
        arrivals = self._departures(at, sender, size, route.positions)
        arrivals = arrivals + self._delays(sender, route)
        np.maximum(arrivals, route.last_ns + 1, out=arrivals)
        route.last_ns = arrivals
        return int(arrivals[0])

    def _one_by_one(
        self, at: int, sender: int, size: int, links: list[list[int]]
    ) -> tuple[list[int], list[int]]:
        """Do without numpy what `broadcast` does with it, integer by integer."""
        cost = size * self._up_ps[sender] // PICOSECONDS_PER_NANOSECOND
        if cost:
            at = max(at, self._up_free[sender])
        shares = self._shares(sender, len(links)) if self._jitters else None
        arrivals: list[tuple[int, int]] = []
        for position, link in enumerate(links):
            at += cost
            node, latency, last = link
            arrival = at + latency
            if shares is not None:
                arrival += latency * shares[position] // ONE
            if arrival <= last:
                arrival = last + 1
            link[2] = arrival
            arrivals.append((arrival, node))
        if cost:
            self._up_free[sender] = at
        if len(arrivals) > 1:
            # Stable by arrival alone, as the vector path sorts.
            arrivals.sort(key=_ARRIVAL)
        return [arrival for arrival, _ in arrivals], [node for _, node in arrivals]

    def _shares(self, sender: int, count: int) -> list[int]:
        """Draw jitter for `count` copies: shares of the base latency in units of 1/`ONE`."""
        draws = self._draws.get(sender)
        if draws is None:
            draws = self._draws[sender] = _Draws(self._seed, sender, self._table)
        return draws.shares(count)

    def partition(self, groups: Sequence[Sequence[int]]) -> None:
        """Cut the network: nodes reach only their own group; unnamed nodes form one more."""
        side = np.full(self.count, len(groups), dtype=np.int64)
        for number, members in enumerate(groups):
            side[list(members)] = number
        self._side = side
        self._routes.clear()

    def heal(self) -> None:
        """Undo the partition; added latency stays."""
        self._side = None
        self._routes.clear()

    def set_extra_latency(self, nodes: Sequence[int], extra_ns: int) -> None:
        """Add `extra_ns` at each of these ends of a link, instead of what was added before."""
        self._extra[list(nodes)] = extra_ns
        self._routes.clear()

    def _route(self, sender: int, members: Sequence[int]) -> Route:
        ordered = [m for m in members if m > sender] + [m for m in members if m < sender]
        nodes = np.array(ordered, dtype=np.int64)
        if self._side is not None and len(nodes):
            nodes = nodes[self._side[nodes] == self._side[sender]]
        latency = self._base[self._regions[sender]][self._regions[nodes]]
        latency = latency + self._extra[nodes] + self._extra[sender]
        few = len(nodes) < VECTOR_RECIPIENTS_MIN and not self._lossy
        return Route(
            nodes=nodes,
            latency_ns=latency,
            positions=np.arange(1, len(nodes) + 1, dtype=np.int64),
            last_ns=np.zeros(len(nodes), dtype=np.int64),
            loss=np.maximum(self._loss[nodes], self._loss[sender]) if self._lossy else None,
            few=_triples(nodes, latency) if few else None,
        )

    def _departures(self, at: int, sender: int, size: int, positions: Int64s) -> Int64s | int:
        cost = size * self._up_ps[sender] // PICOSECONDS_PER_NANOSECOND
        if not cost:
            return at
        start = max(at, self._up_free[sender])
        self._up_free[sender] = start + cost * len(positions)
        departures: Int64s = positions * cost + start
        return departures

    def _delays(self, sender: int, route: Route) -> Int64s:
        if not self._jitters and route.loss is None:
            return route.latency_ns
        draws = self._draws.get(sender)
        if draws is None:
            draws = self._draws[sender] = _Draws(self._seed, sender, self._table)
        delays = route.latency_ns
        if self._jitters:
            delays = delays + ((delays * draws.taken(len(delays))) // ONE)
        if route.loss is not None:
            delays = delays + draws.retransmissions(route.loss, route.latency_ns)
        return delays


_ARRIVAL = itemgetter(0)


def _triples(nodes: Int64s, latency: Int64s) -> list[list[int]]:
    return [[node, ns, 0] for node, ns in zip(nodes.tolist(), latency.tolist(), strict=True)]


class _Draws:
    """One sender's random streams; jitter is drawn and looked up ahead in blocks."""

    __slots__ = ("_block", "_jitter", "_list", "_loss", "_table", "_used")

    def __init__(self, seed: int, sender: int, table: Int64s) -> None:
        self._jitter = generator(seed, "link.jitter", sender)
        self._loss = generator(seed, "link.loss", sender)
        self._table = table
        self._block = np.empty(0, dtype=np.int64)
        self._list: list[int] | None = None
        self._used = 0

    def taken(self, count: int) -> Int64s:
        """Return the next `count` shares of the base latency."""
        end = self._used + count
        if end > len(self._block):
            end = self._refill(count)
        taken = self._block[self._used : end]
        self._used = end
        return taken

    def shares(self, count: int) -> list[int]:
        """Return the next `count` shares as a list; the same stream as `taken`."""
        end = self._used + count
        if end > len(self._block):
            end = self._refill(count)
        if self._list is None:
            self._list = self._block.tolist()
        taken = self._list[self._used : end]
        self._used = end
        return taken

    def _refill(self, count: int) -> int:
        """Draw a block, behind what is left of the one before; return the end of the next take."""
        drawn = self._jitter.integers(0, QUANTILES, size=max(256, 4 * count), dtype=np.uint16)
        self._block = np.concatenate((self._block[self._used :], self._table[drawn]))
        self._list = None
        self._used = 0
        return count

    def retransmissions(self, loss: Int64s, latency_ns: Int64s) -> Int64s:
        """Return the delay that lost copies add: timeout + round trip, doubled at each loss."""
        lost = self._loss.integers(0, LOSS_DENOMINATOR, size=len(loss)) < loss
        extra = np.zeros(len(loss), dtype=np.int64)
        timeout = latency_ns * 2 + RETRANSMISSION_FLOOR_NS
        while lost.any():
            extra[lost] += timeout[lost]
            timeout = timeout * 2
            again = self._loss.integers(0, LOSS_DENOMINATOR, size=len(loss)) < loss
            lost = lost & again
        return extra
