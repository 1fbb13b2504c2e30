"""Which transactions of a block have to wait for which others.

A pair of transactions conflicts if one writes what the other accesses. To look at all pairs takes
time quadratic in the block. But only the *last* writer of a cell matters to the next reader: the
writers before it are already in front of the last one. So one pass in block order that remembers
for each cell who wrote it last finds every dependency, in time linear in the accesses.

Balances that were only moved break this scheme: payments to one account commute, so none of them
is the last, and whoever reads the balance waits for all of them. A hundred payments followed by a
hundred reads would be ten thousand edges. Instead the first reader closes the group with a *join*,
a node without cost that waits for the payments and that the readers wait for. Each access is then
in at most a few edges. A join orders nothing that was free: exactly its readers wait for exactly
what is before it. Readers that a writer or a payment has to wait for (`WAR`) are joined likewise.

Edges have kinds, as bits. An executor that applies results in block order needs `RAW` alone, one
that writes to shared cells as it goes needs all three.

Two traps: a key that a transaction accesses twice must not make it wait for itself, and two
conflicts of the same pair are one edge.

Reference: last-writer dependencies as in Bernstein, "Analysis of programs for parallel
processing" (1966).
"""

from collections.abc import Sequence

import msgspec

from node.schedule.rules import DeltaRule, EdgeRule
from primitives.access import AccessSet

RAW = 1
"""Read after write: the reader would see an old value."""
WAW = 2
"""Write after write: the older value would remain."""
WAR = 4
"""Write after read: the reader would see a value that is too new."""
ORDERED = RAW | WAW
"""What counts unless said otherwise."""

_NO_RULE = DeltaRule()


class Graph(msgspec.Struct, frozen=True, gc=False):
    """Dependencies of a block's transactions.

    Nodes are numbers: transactions by their place in the block, then the joins. Edge `k` goes from
    `sources[k]`, which comes first, to `targets[k]`. Every edge into a node stands before every
    edge out of it, so that one pass over the edges (or one backwards) is in topological order.
    """

    transactions: int
    joins: int
    sources: tuple[int, ...]
    targets: tuple[int, ...]
    kinds: tuple[int, ...]
    """Bits of `RAW`, `WAW` and `WAR` for each edge."""


def build_graph(
    accesses: Sequence[AccessSet], rule: EdgeRule = _NO_RULE, kinds: int = ORDERED
) -> Graph:
    """Return the dependency graph of transactions in block order.

    Args:
        accesses: of each transaction; they may be wrong, or name a key twice.
        rule: which accesses count.
        kinds: bits of the kinds of edges that are wanted.
    """
    builder = _WithReaders(len(accesses), kinds) if kinds & WAR else _Builder(len(accesses), kinds)
    counted = None if isinstance(rule, DeltaRule) else rule.counted
    add = builder.add
    for index, access in enumerate(accesses):
        add(index, access if counted is None else counted(access))
    return builder.graph()


class _Builder:
    """One pass over the transactions. A node that is "before" a cell is what its reader awaits."""

    __slots__ = (
        "_before", "_count", "_joins", "_kinds", "_open", "_wanted", "_written",
        "sources", "targets",
    )  # fmt: skip

    def __init__(self, count: int, wanted: int) -> None:
        self._count = count
        self._joins = 0
        self._wanted = wanted
        self._before: dict[bytes, int] = {}
        """The last writer of a cell, or what stands for it and the deltas after it."""
        self._written: dict[bytes, int] = {}
        """The last writer, or -1, of cells for which `_before` is something else."""
        self._open: dict[bytes, list[int]] = {}
        """Deltas of a cell that no reader has asked for yet."""
        self.sources: list[int] = []
        self.targets: list[int] = []
        self._kinds: list[int] = []

    def add(self, index: int, access: AccessSet) -> None:
        """Append the next transaction."""
        found = self.find(index, access)
        if found:
            self.link(index, found)

    def find(self, index: int, access: AccessSet) -> dict[int, int]:
        """Return the nodes that the next transaction waits for, with kinds, and note it."""
        found: dict[int, int] = {}
        before, opened = self._before, self._open
        for key in access.reads:
            if key in opened:
                self._close(key)
            if key in before:
                found[before[key]] = RAW
        for key in access.writes:
            if key in before and before[key] != index:
                found[before[key]] = found.get(before[key], 0) | WAW
            if key in opened:
                for delta in opened.pop(key):
                    found[delta] = found.get(delta, 0) | WAW
            before[key] = index
            if key in self._written:
                del self._written[key]
        if access.deltas:
            self._add_deltas(index, access.deltas, found)
        return found

    def _add_deltas(self, index: int, deltas: Sequence[bytes], found: dict[int, int]) -> None:
        before, opened, written = self._before, self._open, self._written
        for key in deltas:
            if key in before:
                writer = written.get(key, before[key])
                if writer == index:
                    continue
                if writer >= 0:
                    found[writer] = found.get(writer, 0) | WAW
            group = opened.get(key)
            if group is None:
                opened[key] = [index]
            elif group[-1] != index:
                group.append(index)

    def _close(self, key: bytes) -> None:
        """Let what is to come wait for all the deltas of a cell so far."""
        group = self._open.pop(key)
        last = self._before.get(key, -1)
        if key not in self._written:
            self._written[key] = last
        self._before[key] = self.join(group if last < 0 else [last, *group], RAW)

    def join(self, nodes: Sequence[int], kind: int) -> int:
        """Return a node that ends when all of `nodes` have ended."""
        if len(nodes) == 1:
            return nodes[0]
        number = self._count + self._joins
        self._joins += 1
        self.link(number, dict.fromkeys(nodes, kind))
        return number

    def link(self, target: int, found: dict[int, int]) -> None:
        """Let `target` wait for the nodes found, unless their kinds are not wanted."""
        if self._wanted & ORDERED != ORDERED:
            wanted = self._wanted
            found = {node: kind & wanted for node, kind in found.items() if kind & wanted}
        self.sources.extend(found)
        self._kinds.extend(found.values())
        self.targets.extend([target] * len(found))

    def graph(self) -> Graph:
        """Return what has been built."""
        return Graph(
            self._count,
            self._joins,
            tuple(self.sources),
            tuple(self.targets),
            tuple(self._kinds),
        )


class _WithReaders(_Builder):
    """Remembers readers too, so that writers and payments can wait for them."""

    __slots__ = ("_joined", "_readers")

    def __init__(self, count: int, wanted: int) -> None:
        super().__init__(count, wanted)
        self._readers: dict[bytes, list[int]] = {}
        """Readers of a cell that nobody who changes it has asked for yet."""
        self._joined: dict[bytes, int] = {}
        """What stands for the readers before those. They in turn come after a payment that waits
        for those before them, so the newest is enough."""

    def find(self, index: int, access: AccessSet) -> dict[int, int]:
        """Return the nodes that the next transaction waits for, with kinds, and note it."""
        found = super().find(index, access)
        readers, joined = self._readers, self._joined
        for key in access.writes:
            for reader in readers.pop(key, ()):
                found[reader] = found.get(reader, 0) | WAR
            if key in joined:
                reader = joined.pop(key)
                found[reader] = found.get(reader, 0) | WAR
        for key in access.deltas:
            if key in readers:
                joined[key] = self.join(readers.pop(key), WAR)
            if key in joined:
                found[joined[key]] = found.get(joined[key], 0) | WAR
        for key in access.reads:
            group = readers.setdefault(key, [])
            if not group or group[-1] != index:
                group.append(index)
        return found
