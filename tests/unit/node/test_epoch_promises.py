"""What a replica has promised in an epoch, when its node has lost the way there."""

from collections.abc import Iterable

import pytest

from consensus.engine import ConsensusCore
from consensus.params import ReplicaConfig
from consensus.pbft import Pbft
from primitives.ids import View
from primitives.machine import Record
from storage.memory import MemoryStore
from tests.unit.node.harness import SECOND
from tests.unit.node.test_node_epochs import Traffic, add, epochs, network, settle


def test_a_replica_remembers_its_promises_though_its_node_has_lost_the_chain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The log is whole, the blocks are gone: the epoch of the log begins a second time."""
    harness = network(4, 1)
    traffic = Traffic(harness)
    traffic.change(add(4))
    traffic.blocks(3)
    harness.isolate(0)
    traffic.blocks(1, to=1)
    harness.run(10 * SECOND)
    replica = harness.node(3).replica
    assert replica is not None
    promised = replica.view
    assert promised > 0
    assert set(epochs(harness, [3])) == {1}
    harness.crash(3)
    harness.heal()
    place = harness.places[3]
    rows = list(place.store.scan(Pbft.table))
    place.store = MemoryStore({Pbft.table: dict(rows)})
    made: list[tuple[int, View]] = []
    create = Pbft.create

    def noted(engine: Pbft, config: ReplicaConfig, records: Iterable[Record]) -> ConsensusCore:
        core = create(engine, config, records)
        made.append((config.epoch, core.view))
        return core

    monkeypatch.setattr(Pbft, "create", noted)
    harness.start(3)
    assert made == [(0, 0)]
    settle(harness)
    assert made == [(0, 0), (1, promised)]
    assert harness.traced("consensus.evidence") == []
