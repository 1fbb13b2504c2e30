"""What nodes took of their machines, looked at whenever all counters are sampled."""

from sim.report.series import NodeCounters
from sim.report.stream import Usage

PENDING, QUEUED = "pending", "queued"


class UsageLedger:
    """Keeps what each node used.

    Args:
        nodes: how many.
        usage: is asked; without it there is nothing to keep.
    """

    __slots__ = ("_usage", "memory_bytes", "pool_bytes", "pool_transactions", "processor_ns")

    def __init__(self, nodes: int, usage: Usage | None) -> None:
        self._usage = usage
        self.processor_ns = NodeCounters(nodes)
        self.memory_bytes = NodeCounters(nodes)
        self.pool_transactions = {state: NodeCounters(nodes) for state in (PENDING, QUEUED)}
        self.pool_bytes = NodeCounters(nodes)

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
