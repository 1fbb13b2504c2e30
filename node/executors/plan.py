"""What to run when, and the loop that lets it happen.

A plan decides who runs next and hears how each attempt ended. A backend has workers. Neither
decides what comes out: that is up to the acceptance in block order, after the loop.
"""

from collections.abc import Sequence
from typing import Protocol

from node.execution_transaction import TransactionRun
from node.executors.versions import MultiVersion
from node.executors.work import BlockWork, End
from primitives.ids import Hash32
from storage.changes import StateChanges

SPENT_MAX = 3
"""The loop stops after attempts that took so many times the gas of a whole block. A block that
claims more gas than it may have must not cost much more than its refusal."""
ATTEMPTS_MAX = 8
"""Likewise after so many attempts for each transaction, on average. Those that overturn one another
again and again are better executed in order."""


class Plan(Protocol):
    """Decides the order of attempts."""

    def take(self, workers: int) -> Sequence[int]:
        """Return what an idle worker is to run next, one after the other; nothing for wait.

        Args:
            workers: how many there are.
        """
        ...

    def ended(self, end: End) -> None:
        """Learn how an attempt ended. Its versions are recorded already."""
        ...


class Backend(Protocol):
    """Has workers that run transactions of one block at a time."""

    @property
    def workers(self) -> int:
        """How many attempts it makes at a time."""
        ...

    def follow(self, block: Hash32, parent: Hash32, changes: StateChanges) -> None:
        """Learn of a block that was executed, here or elsewhere: the next one may build on it.

        Args:
            block: its hash.
            parent: its parent's hash.
            changes: what it changed over its parent's state.
        """
        ...

    def begin(self, work: BlockWork, versions: MultiVersion) -> None:
        """Turn to a block.

        Args:
            work: the block.
            versions: where the workers' views come from and what they do is recorded.
        """
        ...

    def idle(self) -> Sequence[int]:
        """Return the workers that have nothing to do."""
        ...

    def start(self, worker: int, indexes: Sequence[int]) -> None:
        """Let an idle worker run transactions one after the other."""
        ...

    def wait(self) -> Sequence[End]:
        """Return attempts that have ended; wait for one. Nothing if none is under way."""
        ...


def run_plan(
    work: BlockWork, plan: Plan, versions: MultiVersion, backend: Backend
) -> list[TransactionRun | None]:
    """Run a block's transactions as planned; return what each did in its last attempt.

    None stands for what did not run, or what was not allowed on the state that it met.

    Args:
        work: the block.
        plan: for this block.
        versions: of its state.
        backend: has nothing else to do meanwhile.
    """
    runs: list[TransactionRun | None] = [None] * len(work.transactions)
    gas_left = SPENT_MAX * work.setting.context.gas_limit
    attempts_left = ATTEMPTS_MAX * len(runs)
    backend.begin(work, versions)
    while True:
        for worker in backend.idle():
            is_open = gas_left > 0 and attempts_left > 0
            batch = plan.take(backend.workers) if is_open else ()
            if not batch:
                break
            backend.start(worker, batch)
        ends = backend.wait()
        if not ends:
            return runs
        for end in ends:
            runs[end.index] = end.run
            gas_left -= end.gas_used
            attempts_left -= 1
            plan.ended(end)
