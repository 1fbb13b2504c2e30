"""The network between nodes: latency, jitter, uplink queue, loss, partitions.

A copy of a message leaves through its sender's uplink (copies of one broadcast one after
another, starting with the sender's successor), travels for the base latency of the two regions
plus jitter, and arrives in the order of its link, as on a TCP connection. Loss shows as
retransmission delay, not as a hole. A cut drops what is sent across it, a clog holds it back;
what is on its way arrives. The receiver's downlink queue belongs to the kernel, which knows when
copies meet.

Everything that depends only on (sender, group) is kept as a `Route` and dropped when a fault
changes it, so that a broadcast costs a few vector operations. For a handful of recipients those
cost more than they save, and the same integers are computed one by one. A fault costs only the
routes that it touches: a clog is a late latest arrival, links that repeat or mix up messages have
routes of their own (`sim.links.rough`).
"""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import msgspec
import numpy as np
import numpy.typing as npt

from network.delays import JitterLaw
from sim.links.cuts import Cut, Direction, Int64s, Ring, Sides
from sim.links.disturbances import (
    Disturbance,
    Duplicate,
    Reorder,
    Ways,
    added_loss,
    odds,
)
from sim.links.draws import LOSS_DENOMINATOR, Draws
from sim.links.jitter import ONE, quantile_table
from sim.links.rough import RoughDraws, Roughness

PICOSECONDS_PER_NANOSECOND = 1000
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
    """What a sender's broadcasts to one group have in common, where numpy computes them."""

    nodes: "npt.NDArray[np.object_]"
    """Recipients that can be reached now, in the order of the uplink: the same integers in all
    routes, because a million copies in flight would otherwise bring as many of their own."""
    latency_ns: Int64s
    positions: Int64s
    """1, 2, ... m: how many copies have left when this one has."""
    cells: Int64s | slice
    """Where the recipients' links stand in the sender's `latest`."""
    loss: Int64s | None
    """Loss in units of 1/2**32, or None where nothing is ever lost."""
    rough: Roughness | None = None
    """What faults do to the order and the number of copies; None on orderly links."""


Few = list[tuple[int, int, int]]
"""A route to a handful of recipients without loss: node, latency and cell of each."""


@dataclass(slots=True)
class Outgoing:
    """The links that a sender has used. Each has a cell, which outlives faults and groups.

    A sender that talks to most of the network gets a cell for every node at once, in the order
    of its uplink: no table, and a slice for the broadcast to all.
    """

    sender: int
    count: int
    """Nodes of the network."""
    first: int = -1
    """Cell of the sender's successor, once every node has one; -1 before."""
    cell_of: dict[int, int] = field(default_factory=dict)
    latest: "array[int]" = field(default_factory=lambda: array("q"))
    """Latest arrival on each link so far, ns: a link delivers in order."""
    vector: Int64s = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """The same memory as `latest`, for numpy."""
    clogged_until: dict[int, int] = field(default_factory=dict)
    """When the last clog ends, ns, by node; `latest` knows as well, but not apart from traffic."""

    def cells(self, nodes: Sequence[int]) -> list[int]:
        """Return the cells of the links to `nodes`; a link that is new gets the next one."""
        known = self.cell_of
        if self.first < 0:
            new = [node for node in nodes if node not in known]
            if 2 * len(new) > self.count:
                self.first = self._lengthen(self.count)
            elif new:
                first = self._lengthen(len(new))
                known.update((node, first + k) for k, node in enumerate(new))
        first, behind, count = self.first, self.sender + 1, self.count
        if known:
            return [known.get(node, first + (node - behind) % count) for node in nodes]
        return [first + (node - behind) % count for node in nodes]

    def _lengthen(self, cells: int) -> int:
        """Add cells, and return the first of them."""
        first = len(self.latest)
        self.latest = self.latest + array("q", bytes(8 * cells))
        self.vector = np.frombuffer(self.latest, dtype=np.int64)
        return first

    def clog(self, nodes: Sequence[int], until: int) -> None:
        """Let nothing that is sent to these nodes from now on arrive before `until`."""
        for node, cell in zip(nodes, self.cells(nodes), strict=True):
            self.clogged_until[node] = max(self.clogged_until.get(node, 0), until)
            self.latest[cell] = max(self.latest[cell], until - 1)

    def held(self, nodes: Int64s) -> Int64s:
        """Return until when each node's link is clogged, ns; 0 if it never was."""
        return np.array([self.clogged_until.get(node, 0) for node in nodes.tolist()], np.int64)


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
        self._cut: Cut | None = None
        self._disturbances: list[Disturbance] = []
        self._extra = np.zeros(count, dtype=np.int64)
        self._routes: dict[tuple[int, str | int], Route | Few] = {}
        self._outgoing = [Outgoing(sender, count) for sender in range(count)]
        self._positions = np.arange(1, count + 1, dtype=np.int64)
        self._ids = np.arange(count).astype(np.object_)
        self._draws: dict[int, Draws] = {}
        self._rough_draws: dict[int, RoughDraws] = {}

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
            Arrival instants at the receivers' access links, ascending, and the receivers. One
            whose copy a fault has doubled is there twice.
        """
        route = self._routes.get((sender, group))
        if route is None:
            route = self._routes[sender, group] = self._route(sender, self._members(group, sender))
        if isinstance(route, list):
            return self._one_by_one(at, sender, size, route)
        if route.rough is not None:
            return self._roughly(at, sender, size, route, route.rough)
        arrivals = self._arrivals(at, sender, size, route)
        order = arrivals.argsort(kind="stable")
        return arrivals[order].tolist(), route.nodes[order].tolist()

    def send(self, at: int, sender: int, to: int, size: int) -> list[int]:
        """Return when a message arrives at `to`'s access link.

        Mostly once; never across a cut, and twice if a fault has doubled it.
        """
        route = self._routes.get((sender, to))
        if route is None:
            route = self._routes[sender, to] = self._route(sender, (to,))
        if isinstance(route, list):
            return [self._alone(at, sender, size, route[0])] if route else []
        if route.rough is not None:
            return self._roughly(at, sender, size, route, route.rough)[0]
        arrivals: list[int] = self._arrivals(at, sender, size, route).tolist()
        return arrivals

    def _alone(self, at: int, sender: int, size: int, link: tuple[int, int, int]) -> int:
        """Do for one recipient what `_one_by_one` does for a handful."""
        picoseconds = self._up_ps[sender]
        if picoseconds:
            if at < self._up_free[sender]:
                at = self._up_free[sender]
            at += size * picoseconds // PICOSECONDS_PER_NANOSECOND
            self._up_free[sender] = at
        _, latency, cell = link
        arrival = at + latency
        if self._jitters:
            draws = self._draws.get(sender) or self._draws_of(sender)
            arrival += latency * draws.share() // ONE
        latest = self._outgoing[sender].latest
        if arrival <= latest[cell]:
            arrival = latest[cell] + 1
        latest[cell] = arrival
        return arrival

    def _arrivals(self, at: int, sender: int, size: int, route: Route) -> Int64s:
        """Return when each recipient of a route gets its copy, in the order of the uplink."""
        arrivals = self._departures(at, sender, size, route.positions) + self._delays(sender, route)
        latest = self._outgoing[sender].vector
        np.maximum(arrivals, latest[route.cells] + 1, out=arrivals)
        latest[route.cells] = arrivals
        return arrivals

    def _one_by_one(
        self, at: int, sender: int, size: int, links: Few
    ) -> tuple[list[int], list[int]]:
        """Do without numpy what `broadcast` does with it, integer by integer."""
        queues = self._up_ps[sender]
        cost = size * queues // PICOSECONDS_PER_NANOSECOND
        if queues and at < self._up_free[sender]:
            at = self._up_free[sender]
        shares = self._draws_of(sender).shares(len(links)) if self._jitters else repeat(0)
        latest = self._outgoing[sender].latest
        arrivals: list[int] = []
        for (_, latency, cell), share in zip(links, shares, strict=False):
            at += cost
            arrival = at + latency + latency * share // ONE
            if arrival <= latest[cell]:
                arrival = latest[cell] + 1
            latest[cell] = arrival
            arrivals.append(arrival)
        if queues:
            self._up_free[sender] = at
        # Stable by arrival alone, as the vector path sorts.
        order = sorted(range(len(links)), key=arrivals.__getitem__)
        return [arrivals[k] for k in order], [links[k][0] for k in order]

    def _draws_of(self, sender: int) -> Draws:
        draws = self._draws.get(sender)
        if draws is None:
            draws = self._draws[sender] = Draws(self._seed, sender, self._table)
        return draws

    def partition(
        self,
        groups: Sequence[Sequence[int]],
        bridge: Sequence[int] = (),
        direction: Direction = Direction.BOTH,
    ) -> None:
        """Cut the network into groups, see `Sides`; replaces an earlier cut."""
        self._cut = Sides(self.count, groups, bridge, direction)
        self._routes.clear()

    def ring(self, reach: int) -> None:
        """Let each node reach only so many on either side; replaces an earlier cut."""
        self._cut = Ring(self.count, reach)
        self._routes.clear()

    def heal(self) -> None:
        """Undo the cut; what else was done to the links stays."""
        self._cut = None
        self._routes.clear()

    def clog(self, ways: Ways, until: int) -> None:
        """Hold back what is sent on these links from now on; at `until` it arrives, in order."""
        everyone = np.arange(self.count, dtype=np.int64)
        for sender, outgoing in enumerate(self._outgoing):
            nodes = everyone[ways.covers(sender, everyone)]
            outgoing.clog([node for node in nodes.tolist() if node != sender], until)

    def disturb(self, disturbance: Disturbance) -> None:
        """Begin to repeat, mix up or lose messages; where two of a kind meet the later counts."""
        self._disturbances.append(disturbance)
        self._routes.clear()

    def settle(self, disturbance: Disturbance) -> None:
        """End what this very object has begun.

        Raises:
            ValueError: it is not on.
        """
        places = [k for k, each in enumerate(self._disturbances) if each is disturbance]
        if not places:
            raise ValueError(f"{type(disturbance).__name__} is not on")
        del self._disturbances[places[0]]
        self._routes.clear()

    def set_extra_latency(self, nodes: Sequence[int], extra_ns: int) -> None:
        """Add `extra_ns` at each of these ends of a link, instead of what was added before."""
        self._extra[list(nodes)] = extra_ns
        self._routes.clear()

    def _route(self, sender: int, members: Sequence[int]) -> Route | Few:
        ordered = [m for m in members if m > sender] + [m for m in members if m < sender]
        nodes = np.array(ordered, dtype=np.int64)
        if self._cut is not None and len(nodes):
            nodes = nodes[self._cut.reaches(sender, nodes)]
        latency = self._base[self._regions[sender]][self._regions[nodes]]
        latency = latency + self._extra[nodes] + self._extra[sender]
        cells = self._outgoing[sender].cells(nodes.tolist())
        loss, rough = self._lossiness(sender, nodes), self._roughness(sender, nodes)
        if len(nodes) < VECTOR_RECIPIENTS_MIN and loss is None and rough is None:
            return list(zip(nodes.tolist(), latency.tolist(), cells, strict=True))
        return Route(
            nodes=self._ids[nodes],
            latency_ns=latency,
            positions=self._positions[: len(nodes)],
            cells=_indices(cells),
            loss=loss,
            rough=rough,
        )

    def _lossiness(self, sender: int, nodes: Int64s) -> Int64s | None:
        own = np.maximum(self._loss[nodes], self._loss[sender]) if self._lossy else None
        added = added_loss(self._disturbances, sender, nodes)
        return own if added is None else added if own is None else np.maximum(own, added)

    def _roughness(self, sender: int, nodes: Int64s) -> Roughness | None:
        reorder = odds(Reorder, self._disturbances, sender, nodes)
        duplicate = odds(Duplicate, self._disturbances, sender, nodes)
        rough = reorder is not None or duplicate is not None
        return Roughness(reorder, duplicate) if rough else None

    def _roughly(
        self, at: int, sender: int, size: int, route: Route, rough: Roughness
    ) -> tuple[list[int], list[int]]:
        """Do what `broadcast` does where links repeat messages or mix them up."""
        draws = self._rough_draws.get(sender)
        if draws is None:
            draws = self._rough_draws[sender] = RoughDraws(self._seed, sender)
        delays = self._delays(sender, route)
        arrivals = self._departures(at, sender, size, route.positions) + delays
        outgoing = self._outgoing[sender]
        latest = outgoing.vector[route.cells]
        nodes = route.nodes.astype(np.int64)
        arrivals = rough.ordered(arrivals, latest, outgoing.held(nodes), draws)
        outgoing.vector[route.cells] = np.maximum(latest, arrivals)
        return rough.doubled(arrivals, nodes, draws)

    def _departures(self, at: int, sender: int, size: int, positions: Int64s) -> Int64s | int:
        cost = size * self._up_ps[sender] // PICOSECONDS_PER_NANOSECOND
        if not self._up_ps[sender]:
            return at
        start = max(at, self._up_free[sender])
        self._up_free[sender] = start + cost * len(positions)
        departures: Int64s = positions * cost + start
        return departures

    def _delays(self, sender: int, route: Route) -> Int64s:
        if not self._jitters and route.loss is None:
            return route.latency_ns
        draws = self._draws_of(sender)
        delays = route.latency_ns
        if self._jitters:
            delays = delays + ((delays * draws.taken(len(delays))) // ONE)
        if route.loss is not None:
            delays = delays + draws.retransmissions(route.loss, route.latency_ns)
        return delays


def _indices(cells: list[int]) -> Int64s | slice:
    """Return what selects these cells of an array; neighbours as a slice, which copies nothing."""
    first = cells[0] if cells else 0
    if cells == list(range(first, first + len(cells))):
        return slice(first, first + len(cells))
    return np.array(cells, dtype=np.int64)
