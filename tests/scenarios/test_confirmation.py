"""Fast confirmation in whole networks: with crashes, view changes, liars, and other committees."""

from collections import Counter
from pathlib import Path

import pytest

from node.gateway import Gateway
from node.gateway_trace import FastConfirmed, Finalised
from sim.assembly import build_world
from sim.checkers import CheckerSuite
from sim.run import run_checkers
from sim.scenario import decode_scenario, load_scenario
from sim.trace import Observation
from sim.world import World

ROOT = Path(__file__).resolve().parents[2] / "scenarios"
SMALL = """
name = "small"
duration = "10s"
[network]
validators = 4
gateways = 2
latency = "uniform"
latency_value = "20ms"
jitter = "none"
[consensus]
fast_confirmation = true
request_timeout = "1s"
view_change_timeout = "1s"
batch_delay = "50ms"
signatures = "modelled"
[workload]
rate = 40
accounts = 40
stop = "7s"
"""


class Told:
    """What the gateways of a run have said, all checkers watching."""

    def __init__(self, text: str, seed: int = 1, **overrides: str) -> None:
        changes = [f"{key.replace('__', '.')}={value}" for key, value in overrides.items()]
        if text.endswith(".toml"):
            self.scenario = load_scenario(ROOT / text, changes)
        else:
            self.scenario = decode_scenario(text, overrides=changes)
        self.world: World = build_world(self.scenario, seed)
        self.suite = CheckerSuite(run_checkers(self.scenario, self.world))
        self.counts: Counter[str] = Counter()
        self.first: dict[bytes, int] = {}
        self.final: dict[bytes, int] = {}
        self.world.subscribe_honest(self.suite.consumer(self.world))
        self.world.subscribe(events=self._observe)

    def run(self) -> "Told":
        self.world.run_until(self.scenario.duration)
        assert self.suite.finish(self.world) is None
        return self

    def _observe(self, observation: Observation) -> None:
        event = observation.event
        self.counts[event.name] += 1
        if isinstance(event, FastConfirmed):
            self.first[event.hash] = event.latency_ns
        elif isinstance(event, Finalised):
            self.final[event.hash] = event.latency_ns

    @property
    def gateways(self) -> list[Gateway]:
        return [node for node in self.world.nodes if isinstance(node, Gateway)]


def test_every_transaction_gets_both_answers_and_the_fast_one_a_hop_earlier() -> None:
    told = Told(SMALL).run()
    assert told.counts["gateway.accepted"] > 200
    assert len(told.first) == len(told.final) == told.counts["gateway.accepted"]
    gains = [told.final[name] - told.first[name] for name in told.final]
    assert min(gains) > 15_000_000  # a hop takes 20 ms
    assert max(gains) < 25_000_000
    assert not told.counts["gateway.lied"]
    assert all(len(gateway.client) == 0 for gateway in told.gateways)


def test_without_fast_confirmation_only_certificates_answer() -> None:
    told = Told(SMALL, consensus__fast_confirmation="false").run()
    assert not told.first
    assert len(told.final) == told.counts["gateway.accepted"]


@pytest.mark.parametrize("seed", [1, 2])
def test_answers_outlive_a_view_change_and_crashes_of_gateways(seed: int) -> None:
    events = """
[[events]]
at = "2s"
kind = "crash"
node = "primary"
for = "2s"
[[events]]
at = "4s"
kind = "crash"
node = 4
for = "1s"
"""
    told = Told(SMALL + events, seed).run()
    assert told.counts["consensus.view_entered"] >= 3
    assert len(told.final) > 200


@pytest.mark.parametrize("seed", [1, 2])
def test_a_partition_makes_clients_wait_and_nobody_lie(seed: int) -> None:
    events = """
[[events]]
at = "2s"
kind = "partition"
groups = [[0, 1, 4], [2, 3, 5]]
for = "2s"
"""
    told = Told(SMALL + events, seed, duration="16s").run()
    assert len(told.final) == told.counts["gateway.accepted"]


def test_a_lying_validator_is_noticed_and_changes_nothing() -> None:
    told = Told("liars/misinforming.toml", duration="20s").run()
    assert told.counts["gateway.lied"] > 10
    assert len(told.first) > 300
    accused = {replica for gateway in told.gateways for replica in gateway.client.tally.evidence}
    assert accused == {3}


def test_gateways_follow_the_committee() -> None:
    told = Told(
        "committee-change.toml",
        network__gateways="2",
        consensus__fast_confirmation="true",
    ).run()
    epochs = told.counts["consensus.epoch_begun"]
    assert epochs > 0
    assert all(gateway.client.epoch >= 2 for gateway in told.gateways)
    assert len(told.final) > 0.98 * told.counts["gateway.accepted"]
    assert len(told.first) > 0.9 * len(told.final)


def test_the_same_seed_gives_the_same_answers() -> None:
    one, other = Told(SMALL, 3).run(), Told(SMALL, 3).run()
    assert one.world.trace.digest() == other.world.trace.digest()
    assert one.first == other.first
