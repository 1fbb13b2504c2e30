"""Every message that nodes know has a class."""

import importlib
import pkgutil

import consensus
import network
from network.messages import AnnounceBlock, GetBlocks, PooledTransactions
from network.outbox.priorities import CORES, Priority, priority_of
from primitives.machine import Message

SETTERS = {"network.transport"}
"""Packages whose modules are edges and are not imported for their names."""


def messages() -> list[type[Message]]:
    for package in (consensus, network):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not any(module.name.startswith(edge) for edge in SETTERS):
                importlib.import_module(module.name)
    found = [Message]
    for kind in found:
        found += kind.__subclasses__()
    return [kind for kind in found if kind.__module__.split(".")[0] in ("consensus", "network")]


def test_every_core_that_speaks_has_a_class() -> None:
    kinds = [kind for kind in messages() if kind.core]
    assert len(kinds) > 30
    assert {kind.core for kind in kinds} <= set(CORES)


def test_votes_are_consensus_and_blocks_of_old_are_sync() -> None:
    votes = [kind for kind in messages() if kind.__name__ == "Prepare"]
    assert [CORES[kind.core] for kind in votes] == [Priority.CONSENSUS]
    assert priority_of(GetBlocks(1, 2, 3)) is Priority.SYNC
    assert priority_of(AnnounceBlock(1, bytes(32))) is Priority.BLOCK
    assert priority_of(PooledTransactions(1, ())) is Priority.TRANSACTION


def test_what_is_unknown_waits_behind_all() -> None:
    class Unheard(Message, frozen=True):
        core = "unheard"

    assert priority_of(Unheard()) is Priority.SYNC
