"""Every message that nodes know has a class."""

import importlib
import pkgutil

import consensus
import network
from network.mesh.messages import MeshHave, MeshPayload, MeshWant
from network.mesh.topics import BLOCKS, TRANSACTIONS
from network.messages import AnnounceBlock, GetBlocks, PooledTransactions
from network.outbox import Traffic, traffic_of, traffic_of_kind, traffic_table
from network.outbox.traffic import OF_CORE
from primitives.machine import Message

OF_CONSENSUS = {"consensus", "handshake", "transport"}


def messages() -> list[type[Message]]:
    for package in (consensus, network):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith("network.transport"):  # an edge
                importlib.import_module(module.name)
    found = [Message]
    for kind in found:
        found += kind.__subclasses__()
    return [kind for kind in found if kind.__module__.split(".")[0] in ("consensus", "network")]


def test_every_core_that_speaks_has_a_class() -> None:
    kinds = [kind for kind in messages() if kind.core]
    assert len(kinds) > 30
    assert {kind.core for kind in kinds} <= {*OF_CORE, *OF_CONSENSUS}


def test_votes_are_consensus_and_blocks_of_old_are_sync() -> None:
    votes = [kind for kind in messages() if kind.__name__ == "Prepare"]
    assert [traffic_of_kind(kind) for kind in votes] == [Traffic.CONSENSUS]
    assert traffic_of(GetBlocks(1, 2, 3)) is Traffic.SYNC
    assert traffic_of(AnnounceBlock(1, bytes(32))) is Traffic.BLOCKS
    assert traffic_of(PooledTransactions(1, ())) is Traffic.TRANSACTIONS


def test_what_a_mesh_carries_is_as_urgent_as_its_topic() -> None:
    assert traffic_of(MeshPayload(BLOCKS, b"")) is Traffic.BLOCKS
    assert traffic_of(MeshPayload(TRANSACTIONS, b"")) is Traffic.TRANSACTIONS
    assert traffic_of(MeshHave(TRANSACTIONS, ())) is Traffic.TRANSACTIONS
    assert traffic_of(MeshWant(())) is Traffic.BLOCKS


def test_a_table_says_the_same_of_what_has_one_class() -> None:
    table = traffic_table((MeshPayload, GetBlocks, AnnounceBlock))
    said = (GetBlocks(1, 2, 3), AnnounceBlock(1, bytes(32)))
    assert table == {type(message): traffic_of(message) for message in said}
