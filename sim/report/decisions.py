"""How long agreeing on blocks took each replica."""

from consensus.trace import Committed, PrePrepared
from node.observe.decisions import Decisions
from node.observe.families import consensus
from sim.report.series import NodeHistograms


class DecisionLedger:
    """Matches the proposals that each node accepted with what it committed."""

    __slots__ = ("_by_node", "times")

    def __init__(self, nodes: int) -> None:
        self._by_node = [Decisions() for _ in range(nodes)]
        self.times = NodeHistograms(nodes, consensus.DECISION_TIME.bounds)

    def on_accepted(self, at_ns: int, node: int, event: PrePrepared) -> None:
        """Take in a proposal that a node has accepted."""
        self._by_node[node].accepted(at_ns, event.sequence)

    def on_committed(self, at_ns: int, node: int, event: Committed) -> None:
        """Take in a sequence that a node has committed."""
        taken_ns = self._by_node[node].committed(at_ns, event.sequence)
        if taken_ns is not None:
            self.times.add(node, taken_ns)

    def take(self, times: int) -> None:
        """Sample everything."""
        self.times.take(times)
