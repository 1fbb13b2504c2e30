"""Names of what a scenario can choose, Orrery's own and those of other packages.

These are workloads, checkers, liars, consensus protocols and batching policies.

A package adds one by an entry point in its pyproject, for example

    [project.entry-points."orrery.workloads"]
    auctions = "my_package.auctions:make_auctions"

and a scenario uses it by that name. The names that ship are a table here and no entry points, so
that they work from a source tree that was never installed; nobody can take one of them over.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import metadata
from types import MappingProxyType
from typing import cast

from consensus.batching import Adaptive, BatchPolicy, Fixed
from consensus.engine import ConsensusEngine
from consensus.pbft import Pbft
from primitives.errors import InvalidInput
from sim.checkers.checker import CheckerFactory
from sim.checkers.suite import SAFETY
from sim.liars import BUILT_IN_LIARS, LiarFactory
from sim.workload.contracts import (
    make_amm,
    make_compute,
    make_erc20,
    make_mainnet_like,
    make_nft,
    make_storage,
)
from sim.workload.replay import make_replay
from sim.workload.transfers import make_transfers
from sim.workload.workload import WorkloadFactory

WORKLOADS = "orrery.workloads"
CHECKERS = "orrery.checkers"
LIARS = "orrery.liars"
CONSENSUS = "orrery.consensus"
BATCHING = "orrery.batching"

BUILT_IN_WORKLOADS: Mapping[str, WorkloadFactory] = MappingProxyType(
    {
        "transfers": make_transfers,
        "replay": make_replay,
        "erc20": make_erc20,
        "amm": make_amm,
        "nft": make_nft,
        "storage": make_storage,
        "compute": make_compute,
        "mainnet-like": make_mainnet_like,
    }
)
BUILT_IN_CHECKERS: Mapping[str, CheckerFactory] = MappingProxyType(SAFETY)
BUILT_IN_BATCHING: Mapping[str, Callable[[], BatchPolicy]] = MappingProxyType(
    {"fixed": Fixed, "adaptive": Adaptive}
)
BUILT_IN_ENGINES: Mapping[str, Callable[[], ConsensusEngine]] = MappingProxyType({Pbft.name: Pbft})


def workload_names() -> tuple[str, ...]:
    """Return the names that `[workload] kind` may have, built-in ones first."""
    return (*BUILT_IN_WORKLOADS, *_foreign(WORKLOADS, BUILT_IN_WORKLOADS))


def workload_factory(name: str) -> WorkloadFactory:
    """Return the factory of a workload.

    Raises:
        InvalidInput: nobody provides it, two packages do, or its package is broken.
    """
    built_in = BUILT_IN_WORKLOADS.get(name)
    if built_in is not None:
        return built_in
    return cast(WorkloadFactory, _load(WORKLOADS, name, BUILT_IN_WORKLOADS))


def foreign_checkers() -> dict[str, CheckerFactory]:
    """Return the factories of all checkers that installed packages add, by ascending name.

    A checker cannot change a run, so an installed one is asked in every run.

    Raises:
        InvalidInput: two packages provide one name, or a package is broken.
    """
    return {
        name: cast(CheckerFactory, _load(CHECKERS, name, BUILT_IN_CHECKERS))
        for name in _foreign(CHECKERS, BUILT_IN_CHECKERS)
    }


def liar_names() -> tuple[str, ...]:
    """Return the names that `liar` of a node class may have, built-in ones first."""
    return (*BUILT_IN_LIARS, *_foreign(LIARS, BUILT_IN_LIARS))


def liar_factory(name: str) -> LiarFactory:
    """Return the factory of a liar.

    Raises:
        InvalidInput: nobody provides it, two packages do, or its package is broken.
    """
    built_in = BUILT_IN_LIARS.get(name)
    if built_in is not None:
        return built_in
    return cast(LiarFactory, _load(LIARS, name, BUILT_IN_LIARS))


def batching_names() -> tuple[str, ...]:
    """Return the names that `[consensus] batching` may have, built-in ones first."""
    return (*BUILT_IN_BATCHING, *_foreign(BATCHING, BUILT_IN_BATCHING))


def make_batching(name: str) -> BatchPolicy:
    """Return a batching policy.

    Raises:
        InvalidInput: nobody provides it, two packages do, or its package is broken.
    """
    factory: Callable[..., object] | None = BUILT_IN_BATCHING.get(name)
    if factory is None:
        factory = _load(BATCHING, name, BUILT_IN_BATCHING)
    return cast(BatchPolicy, factory())


def engine_names() -> tuple[str, ...]:
    """Return the names that `[consensus] protocol` may have, built-in ones first."""
    return (*BUILT_IN_ENGINES, *_foreign(CONSENSUS, BUILT_IN_ENGINES))


def make_engine(name: str) -> ConsensusEngine:
    """Return the engine of a consensus protocol.

    Raises:
        InvalidInput: nobody provides it, two packages do, or its package is broken.
    """
    factory: Callable[..., object] | None = BUILT_IN_ENGINES.get(name)
    if factory is None:
        factory = _load(CONSENSUS, name, BUILT_IN_ENGINES)
    return cast(ConsensusEngine, factory())


def _foreign(group: str, built_in: Mapping[str, object]) -> dict[str, metadata.EntryPoint]:
    """Return the entry points of a group by ascending name."""
    found: dict[str, metadata.EntryPoint] = {}
    for point in sorted(metadata.entry_points(group=group), key=lambda p: (p.name, p.value)):
        earlier = found.setdefault(point.name, point)
        if point.name in built_in:
            raise InvalidInput(group, "a name that Orrery has not taken", f"{point.name} again")
        if earlier.value != point.value:
            both = f"{earlier.value} and {point.value}"
            raise InvalidInput(f"{group}: {point.name}", "one package to provide it", both)
    return found


def _load(group: str, name: str, built_in: Mapping[str, object]) -> Callable[..., object]:
    points = _foreign(group, built_in)
    if name not in points:
        names = [*built_in, *points]
        close = get_close_matches(name, names, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise InvalidInput(group, f"one of {', '.join(names) or 'none'}{hint}", name)
    where = f"{group}: {name}"
    try:
        factory: object = points[name].load()
    except (ImportError, AttributeError) as error:
        expected = f"{points[name].value} to be importable"
        raise InvalidInput(where, expected, f"{type(error).__name__}: {error}") from error
    if not callable(factory):
        raise InvalidInput(where, "a callable that makes one", type(factory).__name__)
    return cast(Callable[..., object], factory)
