"""Workers that do not exist: attempts made here, in an order that is always the same.

With one worker transactions run one after the other. With several, the loop behaves as if they all
ran at the same pace: each of them runs its next transaction, then all that they did is recorded. So
they miss one another's changes as real workers do, and a test of that can be repeated.
"""

from collections import deque
from collections.abc import Sequence

from node.executors.versions import MultiVersion
from node.executors.work import BlockWork, End, try_transaction
from primitives.ids import Hash32
from storage.changes import StateChanges


class InlineBackend:
    """Runs attempts in the process that asks, in lockstep.

    Args:
        workers: how many attempts are made on the same state of affairs.
    """

    __slots__ = ("_queues", "_versions", "_work", "workers")

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self._queues: list[deque[int]] = [deque() for _ in range(workers)]
        self._work: BlockWork | None = None
        self._versions: MultiVersion | None = None

    def follow(self, block: Hash32, parent: Hash32, changes: StateChanges) -> None:
        """Do nothing: whoever works here sees the state itself."""

    def begin(self, work: BlockWork, versions: MultiVersion) -> None:
        """Turn to a block."""
        self._work, self._versions = work, versions
        for queue in self._queues:
            queue.clear()

    def idle(self) -> Sequence[int]:
        """Return the workers that have nothing to do."""
        return [worker for worker, queue in enumerate(self._queues) if not queue]

    def start(self, worker: int, indexes: Sequence[int]) -> None:
        """Let an idle worker run transactions one after the other."""
        self._queues[worker].extend(indexes)

    def wait(self) -> Sequence[End]:
        """Make one attempt for each worker that has any left to make."""
        work, versions = self._work, self._versions
        assert work is not None, "a block is begun before it is run"
        assert versions is not None
        ends = []
        for queue in self._queues:
            if queue:
                index = queue.popleft()
                setting, view = work.setting, versions.view(index)
                evm, context, most = setting.evm, setting.context, setting.blob_gas_max
                ends.append(try_transaction(work.job(index), view, evm, context, most))
        for end in ends:
            if end.blocked is None:
                versions.record(end.index, end.outcome)
        return ends
