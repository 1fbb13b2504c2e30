"""Networks driven by hand: what the fixture `orrery_network` gives."""

from collections.abc import Callable

import pytest

from primitives.errors import InvalidInput
from sim.driving import DrivenNetwork, drive_network
from sim.scenario import ScenarioError

LAN = {"latency": "uniform", "latency_value": "1ms"}
FAST = {"request_timeout": "500ms", "view_change_timeout": "500ms", "batch_delay": "20ms"}

Build = Callable[..., DrivenNetwork]


@pytest.fixture
def build() -> Build:
    def network(**options: object) -> DrivenNetwork:
        defaults: dict[str, object] = {"consensus": FAST, **LAN}
        return drive_network(**{**defaults, **options})  # type: ignore[arg-type]

    return network


def test_an_idle_network_stays_at_genesis(build: Build) -> None:
    net = build()
    net.run_for("3s")
    assert net.now == 3_000_000_000
    net.expect(max_height=0)


def test_a_transfer_moves_value_and_is_reported(build: Build) -> None:
    net = build()
    before = net.balance(1)
    sent = net.transfer(0, 1, "2 gwei", node=2)
    again = net.transfer(0, 1, 5)
    net.run_for("1s")
    net.expect(committed=[sent, again], min_height=1, agreement_within=0)
    assert net.balance(1) - before == 2_000_000_005
    net.finish()


def test_a_refused_transaction_is_told_with_its_code(build: Build) -> None:
    net = build()
    sent = net.transfer(0, 1, "1000001 ether")
    net.run_for("1s")
    with pytest.raises(AssertionError, match=r"1 transactions not committed.*, refused as "):
        net.expect(committed=[sent])


def test_a_new_primary_takes_over_and_the_old_one_catches_up(build: Build) -> None:
    net = build(load=20)
    net.run_until("2s")
    height = net.height()
    assert net.crash("primary") == 0
    net.run_for("4s")
    net.expect(min_height=height + 5, min_view=1)
    assert net.height(0) < net.height()
    net.restart()
    net.run_for("3s")
    net.expect(agreement_within=2)
    net.finish()


def test_half_a_network_decides_nothing_until_it_heals(build: Build) -> None:
    net = build(load=20)
    net.run_until("2s")
    net.partition([0, 1])
    net.run_for("500ms")
    stuck = net.height()
    net.run_for("3s")
    net.expect(max_height=stuck)
    net.heal()
    net.run_for("10s")
    net.expect(min_height=stuck + 5)
    net.finish()


def test_expectations_name_time_and_seed(build: Build) -> None:
    net = build(seed=5)
    net.run_for(1_500_000)
    with pytest.raises(AssertionError) as caught:
        net.expect(min_height=3, min_view=1)
    assert str(caught.value) == (
        "at 1500us, seed 5: expected height at least 3, found 0; expected view at least 1, found 0"
    )


def test_the_same_seed_gives_the_same_run(build: Build) -> None:
    digests = []
    for seed in (3, 3, 4):
        net = build(load=30, seed=seed, validators=4, followers=1)
        net.run_for("1s")
        digests.append(net.world.trace.digest())
    assert digests[0] == digests[1] != digests[2]


def test_mistakes_are_those_of_a_scenario_file(build: Build) -> None:
    with pytest.raises(ScenarioError) as caught:
        build(validators=0, folowers=1)
    first, second = str(caught.value).splitlines()
    assert first.startswith("orrery_network(...): network.validators: expected a whole number")
    assert second.endswith('did you mean "followers"?')


def test_slow_and_far_nodes_confirm_later(build: Build) -> None:
    def heights(disturb: Callable[[DrivenNetwork], None]) -> int:
        net = build(load=50)
        disturb(net)
        net.run_for("2s")
        return len(net.committed)

    calm = heights(lambda net: None)
    assert heights(lambda net: net.add_latency("100ms")) < calm
    assert heights(lambda net: net.slow("primary", 2_000)) < calm


def test_own_transfers_and_clients_do_not_mix(build: Build) -> None:
    with pytest.raises(AssertionError, match="build with load=0"):
        build(load=1).transfer(0, 1)


def test_places_that_do_not_exist_are_refused(orrery_network: Callable[..., DrivenNetwork]) -> None:
    net = orrery_network(validators=4)
    with pytest.raises(InvalidInput, match="a number from 0 to 3, got 9"):
        net.partition([0, 9])
    with pytest.raises(InvalidInput, match=r"region: expected one of .*, got 'Atlantis'"):
        net.add_latency("1s", ["Atlantis"])
    with pytest.raises(InvalidInput, match="a number from 0 to 3, got -1"):
        net.crash(-1)


def test_a_liar_is_neither_heard_nor_judged(build: Build) -> None:
    traitor = {"name": "traitors", "nodes": [0], "liar": "equivocating-primary"}
    net = build(load=20, classes=[traitor])
    net.run_until("4s")
    net.expect(min_height=20)
    assert net.height(0) == 0, "what it says of itself proves nothing"
    assert min(net.height(node) for node in (1, 2, 3)) > 0
    lag = max(net.height(node) for node in (1, 2, 3)) - min(net.height(node) for node in (1, 2, 3))
    net.expect(agreement_within=lag)
    net.finish()
