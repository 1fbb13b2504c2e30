"""State transfer in the simulated world: through loss, lies, slow links and an epoch's end."""

from pathlib import Path

import pytest

from sim.driving import DrivenNetwork, drive_network
from sim.scenario import load_scenario
from sim.trace import Observation

ROOT = Path(__file__).resolve().parents[2]
SHORT_HISTORY = {"checkpoint_interval": 8, "history": 0, "base_fee": "fixed"}
QUICK = {"signatures": "modelled", "block_interval": "100ms", "batch_delay": "50ms"}


class Events:
    """What sync says of itself."""

    def __init__(self, network: DrivenNetwork) -> None:
        self.seen: list[Observation] = []
        network.world.subscribe_honest(self._observe)

    def _observe(self, observation: Observation) -> None:
        if observation.event.name.startswith("sync."):
            self.seen.append(observation)

    def heights(self, name: str, node: int) -> list[int]:
        found = [o.event for o in self.seen if (o.event.name, o.node) == (f"sync.{name}", node)]
        return [event.height for event in found]  # type: ignore[attr-defined]

    def liars(self, node: int) -> list[int]:
        found = [
            o.event for o in self.seen if (o.event.name, o.node) == ("sync.chunk_refused", node)
        ]
        return sorted({event.peer for event in found})  # type: ignore[attr-defined]


def network(**fields: object) -> tuple[DrivenNetwork, Events]:
    fields.setdefault("chain", SHORT_HISTORY)
    built = drive_network(4, load=20.0, consensus=QUICK, latency="uniform", **fields)  # type: ignore[arg-type]
    return built, Events(built)


@pytest.mark.parametrize("state", ["runs", "flat"])
def test_a_node_away_for_longer_than_the_history_comes_back_by_a_state(state: str) -> None:
    net, events = network(latency_value="10ms", loss=0.01, store={"state": state})
    net.run_until("2s")
    net.crash(3)
    net.run_until("8s")
    net.restart(3)
    net.run_until("12s")
    assert events.heights("snapshot_adopted", 3)
    net.expect(agreement_within=2)
    assert net.world.node(3).ledger.lowest > 1
    net.crash(0)
    before = net.height()
    net.run_for("12s")
    net.expect(min_height=before + 10)
    net.finish()


def test_network_moves_on_during_slow_state_transfer() -> None:
    """Its link is so slow that the state is gone before it has come, at least once."""
    slow = {"name": "slow", "nodes": [3], "bandwidth_down": "400kbit"}
    net, events = network(
        latency_value="10ms",
        classes=[slow],
        chain={**SHORT_HISTORY, "checkpoint_interval": 16},
        workload={"kind": "transfers", "accounts": 5_000, "rate": 10},
    )
    net.crash(3)
    net.run_until("8s")
    net.restart(3)
    net.run_until("40s")
    started = events.heights("snapshot_started", 3)
    adopted = events.heights("snapshot_adopted", 3)
    assert adopted
    assert adopted[0] < net.height() - 16 or len(started) > len(adopted)
    net.run_until("60s")
    net.expect(agreement_within=8)
    net.finish()


def test_the_lying_servers_are_seen_and_the_node_comes_back() -> None:
    scenario = load_scenario(ROOT / "scenarios" / "liars" / "lying-server.toml")
    net = DrivenNetwork(scenario, 1, with_clients=True)
    events = Events(net)
    net.run_until(scenario.duration)
    assert events.liars(0) == [1, 2]
    assert events.heights("snapshot_adopted", 0)
    net.expect(agreement_within=2)
    net.finish()


@pytest.mark.parametrize("history", [0, 64])
def test_two_runs_are_one_run(history: int) -> None:
    digests = []
    for _ in range(2):
        net, events = network(
            latency_value="10ms", loss=0.01, chain={**SHORT_HISTORY, "history": history}
        )
        net.run_until("1s")
        net.crash(2)
        net.run_until("6s")
        net.restart(2)
        net.run_until("9s")
        assert bool(events.heights("snapshot_adopted", 2)) == (history == 0)
        digests.append(net.world.trace.digest())
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("change", "state"),
    [({"rekey": [0]}, "runs"), ({"remove": [1]}, "runs"), ({"rekey": [0]}, "flat")],
)
def test_a_state_of_a_later_epoch_is_proven_by_the_ends_of_those_between(
    change: dict[str, list[int]], state: str
) -> None:
    """Node 4 knows the first committee only, and learns the next from the block that closed it."""
    net = drive_network(
        5,
        load=20.0,
        consensus=QUICK,
        chain=SHORT_HISTORY,
        latency="uniform",
        latency_value="10ms",
        store={"state": state},
        events=[{"at": "3s", "kind": "committee", **change}],
    )
    events = Events(net)
    net.run_until("1s")
    net.crash(4)
    net.run_until("8s")
    assert net.world.node(0).ledger.tip.epoch.number == 1
    net.restart(4)
    net.run_until("12s")
    node = net.world.node(4)
    assert events.heights("snapshot_adopted", 4)
    assert events.liars(4) == []
    assert node.ledger.tip.epoch.number == 1
    assert len(node.ledger.checkpoints.closings) == 1
    net.expect(agreement_within=2)
    assert node.replica is not None
    net.crash(4)
    net.run_until("13s")
    net.restart(4)
    assert net.world.node(4).ledger.tip.epoch.number == 1
    net.run_until("16s")
    net.expect(agreement_within=2)
    net.finish()
