"""What is done to the links between live nodes, as orders to each node about what it sends.

The rules are those of the virtual links (`sim.links.links`): a message takes the latency between
the two regions and what faults add at either end, with jitter on all of it; where a link loses for
two reasons the worse one counts, and of two faults of a kind the later one.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from network.conditions import PLAIN, Conditions
from network.delays import JitterLaw
from sim.links.disturbances import Disturbance, Duplicate, Reorder, Ways, added_loss, odds
from sim.links.draws import LOSS_DENOMINATOR
from sim.links.links import LinkSpec

LinkOrders = tuple[tuple[tuple[int, ...], Conditions], ...]
"""Which nodes something is sent to, and what happens to it; the others get it at once."""


class LiveLinks:
    """The links of a network at a moment.

    Args:
        count: of nodes.
        spec: the scenario's links; None where messages take as long as loopback does.
    """

    def __init__(self, count: int, spec: LinkSpec | None = None) -> None:
        self._nodes = np.arange(count)
        self._spec = spec
        self._extra = [0] * count
        self._disturbances: list[Disturbance] = []
        self._clogs: list[Ways] = []

    def delay(self, nodes: Sequence[int], extra_ns: int) -> None:
        """Add so much at each of these ends of a link, instead of what was added before."""
        for node in nodes:
            self._extra[node] = extra_ns

    def disturb(self, disturbance: Disturbance) -> None:
        """Begin to repeat, mix up or lose messages."""
        self._disturbances.append(disturbance)

    def settle(self, disturbance: Disturbance) -> None:
        """End what this very object has begun."""
        self._disturbances = [each for each in self._disturbances if each is not disturbance]

    def clog(self, ways: Ways) -> None:
        """Begin to hold back what is sent."""
        self._clogs.append(ways)

    def unclog(self, ways: Ways) -> None:
        """End what this very object has begun."""
        self._clogs = [each for each in self._clogs if each is not ways]

    def orders(self, sender: int) -> LinkOrders:
        """Return what happens to what a node sends, by ascending receivers."""
        found: dict[Conditions, list[int]] = {}
        for node, conditions in enumerate(self._conditions(sender)):
            if node != sender and conditions != PLAIN:
                found.setdefault(conditions, []).append(node)
        return tuple((tuple(nodes), conditions) for conditions, nodes in found.items())

    def _conditions(self, sender: int) -> list[Conditions]:
        nodes, disturbances = self._nodes, self._disturbances
        none = np.zeros(len(nodes), dtype=np.int64)
        duplicate = odds(Duplicate, disturbances, sender, nodes)
        reorder = odds(Reorder, disturbances, sender, nodes)
        loss = added_loss(disturbances, sender, nodes)
        columns = (
            duplicate.chance if duplicate else none,
            duplicate.delay_ns if duplicate else none,
            reorder.chance if reorder else none,
            reorder.delay_ns if reorder else none,
            none if loss is None else loss,
            sum((ways.covers(sender, nodes) for ways in self._clogs), start=none),
        )
        rows = zip(*[column.tolist() for column in columns], strict=True)
        return [self._one(sender, node, row) for node, row in enumerate(rows)]

    def _one(self, sender: int, node: int, row: tuple[int, ...]) -> Conditions:
        duplicate, duplicate_ns, reorder, reorder_ns, loss, clogged = row
        made = Conditions(
            latency_ns=self._extra[sender] + self._extra[node],
            loss=loss / LOSS_DENOMINATOR,
            duplicate=duplicate / LOSS_DENOMINATOR,
            duplicate_ns=duplicate_ns,
            reorder=reorder / LOSS_DENOMINATOR,
            reorder_ns=reorder_ns,
            clogged=clogged > 0,
        )
        spec = self._spec
        if spec is None:
            return made
        base = spec.latency_ns[spec.region_of[sender]][spec.region_of[node]]
        return msgspec.structs.replace(
            made,
            latency_ns=base + made.latency_ns,
            jitter=spec.jitter_law if spec.jitter_spread else JitterLaw.NONE,
            jitter_size=spec.jitter_spread,
            loss=max(made.loss, spec.loss[sender], spec.loss[node]),
        )
