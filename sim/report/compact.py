"""What compact blocks spared the nodes of a run."""

from network.compact.trace import CompactRebuilt
from node.observe.messages import COMPACT, FETCHED, FULL, MATCHED, PREFILLED
from sim.report.series import NodeCounters


class CompactLedger:
    """Counts the compact blocks that each node rebuilt."""

    __slots__ = ("blocks", "bytes", "transactions")

    def __init__(self, nodes: int) -> None:
        self.blocks = NodeCounters(nodes)
        self.transactions = {
            origin: NodeCounters(nodes) for origin in (MATCHED, PREFILLED, FETCHED)
        }
        """By where they came from."""
        self.bytes = {form: NodeCounters(nodes) for form in (FULL, COMPACT, FETCHED)}
        """Of the blocks whole, of their compact forms, and of what was fetched for those."""

    def on_rebuilt(self, node: int, event: CompactRebuilt) -> None:
        """Take in one block."""
        self.blocks.live[node] += 1
        self.transactions[MATCHED].live[node] += event.matched
        self.transactions[PREFILLED].live[node] += event.prefilled
        self.transactions[FETCHED].live[node] += event.fetched
        self.bytes[FULL].live[node] += event.full_bytes
        self.bytes[COMPACT].live[node] += event.compact_bytes
        self.bytes[FETCHED].live[node] += event.fetched_bytes

    def take(self, times: int) -> None:
        """Sample everything."""
        for counters in (self.blocks, *self.transactions.values(), *self.bytes.values()):
            counters.take(times)
