"""What compact blocks spared the nodes of a run."""

from network.compact.trace import CompactRebuilt
from node.observe.messages import COMPACT, FETCHED, FULL, MATCHED, PREFILLED
from sim.report.series import NodeCounters
from sim.report.wire import CompactFigures


class CompactLedger:
    """Counts the compact blocks that each node rebuilt."""

    __slots__ = ("at_once", "blocks", "bytes", "transactions", "whole")

    def __init__(self, nodes: int) -> None:
        self.at_once = 0
        """For which nothing had to be asked for, at all nodes together."""
        self.whole = 0
        """Those that came whole after all."""
        self.blocks = NodeCounters(nodes)
        self.transactions = {
            origin: NodeCounters(nodes) for origin in (MATCHED, PREFILLED, FETCHED)
        }
        """By where they came from."""
        self.bytes = {form: NodeCounters(nodes) for form in (FULL, COMPACT, FETCHED)}
        """Of the blocks whole, of their compact forms, and of what was fetched for those."""

    def on_rebuilt(self, node: int, event: CompactRebuilt) -> None:
        """Take in one block."""
        self.at_once += not event.fetched_bytes
        self.whole += not (event.matched or event.prefilled or event.fetched)
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

    def figures(self) -> CompactFigures | None:
        """Return what they come to; None where no block came so."""
        blocks = sum(self.blocks.live)
        if not blocks:
            return None
        by_origin = {origin: sum(each.live) for origin, each in self.transactions.items()}
        transactions = sum(by_origin.values()) or 1
        sizes = {form: sum(each.live) for form, each in self.bytes.items()}
        return CompactFigures(
            blocks=blocks,
            at_once=self.at_once,
            whole=self.whole,
            hit_rate=by_origin[MATCHED] / transactions,
            prefilled_rate=by_origin[PREFILLED] / transactions,
            full_bytes=sizes[FULL],
            compact_bytes=sizes[COMPACT],
            fetched_bytes=sizes[FETCHED],
        )
