"""What nodes took of their machines, looked at whenever all counters are sampled."""

from collections.abc import Sequence

from network.reconcile import ReconcileCounts
from node.observe.families import Family
from node.observe.rounds import round_readings
from sim.report.series import NodeCounters
from sim.report.stream import Usage

PENDING, QUEUED = "pending", "queued"


class UsageLedger:
    """Keeps what each node used.

    Args:
        nodes: how many.
        usage: is asked; without it there is nothing to keep.
    """

    __slots__ = (
        "_usage",
        "memory_bytes",
        "pool_bytes",
        "pool_transactions",
        "processor_ns",
        "rounds",
    )

    def __init__(self, nodes: int, usage: Usage | None) -> None:
        self._usage = usage
        self.processor_ns = NodeCounters(nodes)
        self.memory_bytes = NodeCounters(nodes)
        self.pool_transactions = {state: NodeCounters(nodes) for state in (PENDING, QUEUED)}
        self.pool_bytes = NodeCounters(nodes)
        self.rounds: dict[Family, dict[tuple[str, ...], NodeCounters]] = {}
        """Of reconciliation, by texts of the family's own labels; empty where nobody does that."""

    @property
    def is_known(self) -> bool:
        """Whether there was somebody to ask."""
        return self._usage is not None

    def take(self, times: int) -> None:
        """Look, and sample everything."""
        if self._usage is None:
            return
        pools = self._usage.pools()
        self.processor_ns.live[:] = self._usage.processor_ns()
        self.memory_bytes.live[:] = self._usage.memory_bytes()
        self.pool_transactions[PENDING].live[:] = [pending for pending, _, _ in pools]
        self.pool_transactions[QUEUED].live[:] = [queued for _, queued, _ in pools]
        self.pool_bytes.live[:] = [size for _, _, size in pools]
        for counters in (
            self.processor_ns,
            self.memory_bytes,
            self.pool_bytes,
            *self.pool_transactions.values(),
        ):
            counters.take(times)
        self._take_rounds(times, self._usage.rounds())

    def _take_rounds(self, times: int, rounds: Sequence[ReconcileCounts | None]) -> None:
        """Note the rounds of nodes that are up; of others what was seen last."""
        for node, counts in enumerate(rounds):
            for reading in () if counts is None else round_readings(counts):
                by_texts = self.rounds.setdefault(reading.family, {})
                if reading.labels not in by_texts:
                    by_texts[reading.labels] = NodeCounters(len(rounds))
                by_texts[reading.labels].live[node] = int(reading.number)
        for by_texts in self.rounds.values():
            for counters in by_texts.values():
                counters.take(times)
