"""What the tests of workloads share: a network view that they control, and a driver."""

from collections.abc import Mapping
from pathlib import Path

from primitives.ids import Hash32, Instant, NodeId, Wei
from primitives.params import ChainParams
from primitives.transaction import transaction_hash
from sim.randomness import generator
from sim.workload import Submission, Workload, WorkloadContext, make_transfers

SECOND = 1_000_000_000
GWEI = 10**9


class View:
    """A network in which the test says who is up and what gas costs."""

    def __init__(self, base_fee: int = GWEI) -> None:
        self.down: list[NodeId] = []
        self.fee = Wei(base_fee)

    def is_live(self, node: NodeId) -> bool:
        return node not in self.down

    def base_fee(self) -> Wei:
        return self.fee


def context(
    seed: int = 1, nodes: int = 4, seconds: float = 10, directory: Path | None = None
) -> WorkloadContext:
    return WorkloadContext(
        generator(seed, "workload"),
        seed,
        ChainParams(),
        tuple(NodeId(node) for node in range(nodes)),
        Instant(round(seconds * SECOND)),
        directory or Path(),
    )


def transfers(options: Mapping[str, object], **keys: float) -> Workload:
    return make_transfers({"accounts": 20, **options}, context(**keys))  # type: ignore[arg-type]


def drive(
    workload: Workload,
    view: View | None = None,
    until: float = 10,
    commit_after: float | None = 0.5,
) -> list[Submission]:
    """Run a workload alone: every submission commits a fixed time later, if at all (seconds)."""
    view = view or View()
    sent: list[Submission] = []
    commits: list[tuple[int, Hash32]] = []
    end = round(until * SECOND)
    while True:
        at = workload.next_at()
        if commits and (at is None or commits[0][0] <= at):
            now, digest = commits.pop(0)
            if now >= end:
                return sent
            workload.on_committed(Instant(now), [digest])
            continue
        if at is None or at >= end:
            return sent
        batch = workload.due(at, view)
        sent.extend(batch)
        if commit_after is not None:
            delay = round(commit_after * SECOND)
            commits.extend((each.at_ns + delay, transaction_hash(each.raw)) for each in batch)
