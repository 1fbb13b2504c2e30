"""What a workload is: the clients of a run, as one object that says who sends what, and when.

A workload is pure. It is made from a generator and its options, it is asked for the submissions
that are due, and it is told what was committed; it never sees a node, a clock or a socket. The
world schedules one event at `next_at`, calls `due` there, hands each submission to its node, and
asks `next_at` again. After every `on_committed` it asks `next_at` again too, because a closed
loop may answer a commit with a new transaction.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec
import numpy as np

from primitives.genesis import GenesisContract
from primitives.ids import Address, Hash32, Instant, NodeId, Wei
from primitives.params import ChainParams


class Submission(msgspec.Struct, frozen=True, gc=False):
    """One client hands one signed transaction to one node."""

    at_ns: Instant
    """When the node gets it. Submissions of one workload never go back in time."""
    node: NodeId
    """The node that gets it: one that was up when the submission was made, if any was."""
    raw: bytes
    """The signed transaction, canonical EIP-2718 encoding."""


class NetworkView(Protocol):
    """What clients can see of the network while they send. The world implements it."""

    def is_live(self, node: NodeId) -> bool:
        """Whether `node` would accept a connection now: a crashed one would not."""
        ...

    def base_fee(self) -> Wei:
        """Base fee of the next block, in wei per gas, as the newest committed head implies it."""
        ...


class Workload(Protocol):
    """A source of submissions in time order."""

    @property
    def alloc(self) -> Sequence[tuple[Address, Wei]]:
        """Accounts that genesis must fund, each once, with their balances."""
        ...

    def next_at(self) -> Instant | None:
        """When `due` has something to say next; None while only a commit can bring more."""
        ...

    def due(self, now: Instant, view: NetworkView) -> Sequence[Submission]:
        """Take the submissions with `at_ns <= now`, in time order. `now` never decreases."""
        ...

    def on_committed(self, now: Instant, hashes: Sequence[Hash32]) -> None:
        """Learn that these transactions are final. Unknown and repeated hashes are ignored."""
        ...


@runtime_checkable
class BringsContracts(Protocol):
    """A workload that calls contracts may have this beside what a `Workload` must have."""

    @property
    def contracts(self) -> tuple[GenesisContract, ...]:
        """Contracts that genesis must have, each address once, none of them in `alloc`."""
        ...


class WorkloadContext(msgspec.Struct, frozen=True):
    """What a workload is made from, beside its own options."""

    generator: np.random.Generator
    """The workload's own source of randomness, derived from the run seed."""
    seed: int
    """The run seed; account keys derive from it."""
    params: ChainParams
    """The chain that transactions must be valid for."""
    nodes: tuple[NodeId, ...]
    """Nodes that take submissions, at least one, ascending."""
    stop_at: Instant
    """No new transaction is sent at or after this instant: the end of the run, or before."""
    directory: Path
    """Where relative file names in the options start: the scenario file's directory."""
    first_nonces: Mapping[Address, int] = {}
    """Of accounts that have sent something before, on a chain that goes on; 0 for all others."""


class WorkloadFactory(Protocol):
    """What an entry point of the group `orrery.workloads` names."""

    def __call__(self, options: Mapping[str, object], context: WorkloadContext) -> Workload:
        """Make a workload.

        Args:
            options: the `[workload]` table of a scenario without its `kind`, units decoded.
            context: the run it belongs to.

        Raises:
            InvalidInput: an option is unknown, missing or out of range.
        """
        ...
