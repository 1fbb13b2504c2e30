"""Who computes for a run: this process alone, or workers beside it.

A run is the same with any crew. Results are awaited where they are needed, virtual time is charged
by what the nodes are configured to be, and whether a block is shared out follows from the
calibration profile, not from a clock. So a crew is no part of a scenario and of no digest.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from node.costs import ACCESS, CALL, COMPUTE_GAS, EXECUTE
from node.execution_transaction import TransactionRun
from node.executors.adaptive import AdaptiveExecutor, Weigh
from node.executors.choice import Estimator, Prices
from node.executors.executor import BlockExecutor, ParallelExecutor, SerialExecutor, Strategy
from node.executors.inline import InlineBackend
from node.executors.pool import InlinePool, Pool
from node.executors.processes import ProcessPool
from node.executors.threads import ThreadPool
from node.tally import part
from node.validation import PooledTransaction
from sim.profile import Profile, load_profile

HANDING_OVER = 20
"""Times the cost of a transfer that handing a transaction over and taking it back costs."""
LOCKSTEP = 3
"""How many workers an isolated node without any pretends to have."""


class Crew(msgspec.Struct, frozen=True):
    """What shares out batches, and what executes blocks."""

    pool: Pool
    executor: BlockExecutor


def lone_crew() -> Crew:
    """Return nobody: all is done where it is asked for, in turn."""
    return Crew(InlinePool(), SerialExecutor())


def prices_of(profile: Profile) -> Prices:
    """Return what execution costs by a calibration profile; no clock is looked at.

    What handing a transaction over costs is no work of a node, so no profile has it. It is
    guessed from what a transaction costs.
    """
    costs = profile.costs_ps()
    return Prices(costs[EXECUTE], costs[COMPUTE_GAS], HANDING_OVER * costs[EXECUTE])


def weigh_by(profile: Profile) -> Weigh:
    """Return how much code a transaction has run: what it is charged for, in gas that computes.

    Gas alone would say that setting a slot takes as long as thousands of additions.
    """
    costs = profile.costs_ps()
    call, compute, access = costs[CALL], costs[COMPUTE_GAS], costs[ACCESS]

    def weigh(transaction: PooledTransaction, run: TransactionRun) -> int:
        counted = part(transaction, run)
        return counted.computed + (call * counted.calls + access * counted.cells) // compute

    return weigh


@contextmanager
def hired(workers: int, profile: Profile | None = None, *, always: bool = False) -> Iterator[Crew]:
    """Give a crew for the time of a run.

    Args:
        workers: threads that recover senders, and processes that execute blocks; 0 for nobody.
        profile: by which it is decided what to share out; the one that ships if None.
        always: whether blocks are shared out even if it does not pay.
    """
    if not workers:
        yield lone_crew()
        return
    with ThreadPool(workers) as threads, ProcessPool(workers) as processes:
        parallel = ParallelExecutor(Strategy.OPTIMISTIC, processes)
        prices = profile or load_profile()
        estimator = Estimator(prices_of(prices))
        chosen = AdaptiveExecutor(parallel, workers, estimator=estimator, weigh=weigh_by(prices))
        yield Crew(threads, parallel if always else chosen)


def own_executor(number: int, crew: Crew | None = None) -> BlockExecutor:
    """Return the executor of an isolated node, another one than its neighbour's.

    What agrees by construction elsewhere is checked so: nodes come to the same blocks in ways of
    their own.

    Args:
        number: of the node.
        crew: of the run; every so many nodes let it work, not the first, which builds most.
    """
    strategy = tuple(Strategy)[(number - 1) % len(Strategy)]
    if strategy is Strategy.SERIAL:
        return (crew or lone_crew()).executor
    return ParallelExecutor(strategy, InlineBackend(LOCKSTEP))
