"""What a checker is: an invariant of the network as an object of its own, asked at every commit.

A checker sees the trace, as every other consumer does, and may look at blocks and certificates
through a small view of the world. It cannot touch the run; all it can do is object, and an
objection stops the run with the seed, the time and the node, so that it can be replayed.

Reference: TigerBeetle's state checker: invariants live outside the code they judge.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from consensus.certificate import Certificate
from primitives.epoch import Epoch
from primitives.errors import OrreryError
from primitives.ids import Address, Hash32, Instant, NodeId, Wei
from primitives.params import ChainParams
from sim.checkers.events import Observed
from sim.checkers.views import CheckedBlock

NETWORK = NodeId(-1)
"""The place of a violation that belongs to no single node."""


class Violation(msgspec.Struct, frozen=True):
    """A broken invariant."""

    checker: str
    """Name of the checker that objects."""
    at_ns: Instant
    """Virtual instant of the event that broke the rule."""
    node: NodeId
    """Where it showed; -1 when it belongs to no single node."""
    detail: str
    """What was expected and what was found, in one sentence."""


class ViolationFound(OrreryError):
    """Stops a run whose checker objects."""

    def __init__(self, violation: Violation) -> None:
        self.violation = violation
        where = "the network" if violation.node == NETWORK else f"node {violation.node}"
        super().__init__(
            f"checker {violation.checker}: {where} at {violation.at_ns / 1e9:.9f} s: "
            f"{violation.detail}"
        )


class CheckedWorld(Protocol):
    """What checkers may ask of the world. `sim.world.World` implements it."""

    @property
    def now(self) -> Instant:
        """The present virtual instant."""
        ...

    def block(self, digest: Hash32) -> CheckedBlock:
        """Return the executed block; genesis too.

        Raises:
            KeyError: nobody has executed such a block.
        """
        ...

    def certificate(self, node: NodeId, height: int) -> Certificate:
        """Return the certificate with which `node` committed its block of `height`.

        Raises:
            KeyError: the node has none.
        """
        ...

    def is_live(self, node: NodeId) -> bool:
        """Whether the node runs now."""
        ...

    def is_honest(self, node: NodeId) -> bool:
        """Whether the node was built to keep to the protocol; a liar's events are not shown."""
        ...


class CertificateVerifier(Protocol):
    """`consensus.verify_certificate`, bound to the run's chain."""

    def __call__(self, certificate: Certificate, epoch: Epoch) -> None:
        """Return if a quorum of the epoch's committee has signed.

        Raises:
            OrreryError: says what is wrong.
        """
        ...


class CheckContext(msgspec.Struct, frozen=True):
    """What all nodes of the run agree on from the start; checkers are made from it."""

    genesis_hash: Hash32
    params: ChainParams
    verify_certificate: CertificateVerifier
    alloc: tuple[tuple[Address, Wei], ...]
    """Balances that genesis gives, in wei."""
    nodes: int
    """How many nodes there are, validators and followers."""
    nonces: tuple[tuple[Address, int], ...] = ()
    """Nonces that genesis gives; 0 to everyone else."""


class Checker(Protocol):
    """One invariant."""

    @property
    def name(self) -> str:
        """The name it is known by in scenarios, messages and entry points."""
        ...

    @property
    def events(self) -> Sequence[str]:
        """Names of the trace events it wants; the others are kept away from it."""
        ...

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        """Judge one event, in exact time order; return what is wrong, if anything."""
        ...

    def finish(self, world: CheckedWorld) -> Violation | None:
        """Judge the end of the run, once, after the last event."""
        ...


class CheckerFactory(Protocol):
    """What an entry point of the group `orrery.checkers` names."""

    def __call__(self, context: CheckContext) -> Checker:
        """Make a checker for one run."""
        ...
