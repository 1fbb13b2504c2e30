"""Names of what a scenario can choose, Orrery's own and those of other packages.

These are workloads, checkers and liars; protocols and batching policies, which live nodes know
as well, are in `node.plugins`.

A package adds one by an entry point in its pyproject, for example

    [project.entry-points."orrery.workloads"]
    auctions = "my_package.auctions:make_auctions"

and a scenario uses it by that name. The names that ship are a table here and no entry points, so
that they work from a source tree that was never installed; nobody can take one of them over.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

from node.plugins import foreign, load
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


def workload_names() -> tuple[str, ...]:
    """Return the names that `[workload] kind` may have, built-in ones first."""
    return (*BUILT_IN_WORKLOADS, *foreign(WORKLOADS, BUILT_IN_WORKLOADS))


def workload_factory(name: str) -> WorkloadFactory:
    """Return the factory of a workload.

    Raises:
        InvalidInput: nobody provides it, two packages do, or its package is broken.
    """
    built_in = BUILT_IN_WORKLOADS.get(name)
    if built_in is not None:
        return built_in
    return cast(WorkloadFactory, load(WORKLOADS, name, BUILT_IN_WORKLOADS))


def foreign_checkers() -> dict[str, CheckerFactory]:
    """Return the factories of all checkers that installed packages add, by ascending name.

    A checker cannot change a run, so an installed one is asked in every run.

    Raises:
        InvalidInput: two packages provide one name, or a package is broken.
    """
    return {
        name: cast(CheckerFactory, load(CHECKERS, name, BUILT_IN_CHECKERS))
        for name in foreign(CHECKERS, BUILT_IN_CHECKERS)
    }


def liar_names() -> tuple[str, ...]:
    """Return the names that `liar` of a node class may have, built-in ones first."""
    return (*BUILT_IN_LIARS, *foreign(LIARS, BUILT_IN_LIARS))


def liar_factory(name: str) -> LiarFactory:
    """Return the factory of a liar.

    Raises:
        InvalidInput: nobody provides it, two packages do, or its package is broken.
    """
    built_in = BUILT_IN_LIARS.get(name)
    if built_in is not None:
        return built_in
    return cast(LiarFactory, load(LIARS, name, BUILT_IN_LIARS))
