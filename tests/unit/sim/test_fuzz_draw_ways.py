"""What the search draws of the ways that blocks and transactions take."""

import msgspec

from sim.fuzz import draw_scenario
from sim.fuzz.chance import Chance
from sim.fuzz.draw import LIARS
from sim.fuzz.spreading import CODES, DEGREES, WAY_LIARS, draw_spreading
from sim.randomness import generator
from sim.registry import liar_names
from sim.scenario import NodeClass, Scenario
from tests.unit.sim.conftest import SEEDS


def test_blocks_are_compact_and_bodies_compressed_in_some_runs(drawn: list[Scenario]) -> None:
    networks = [scenario.network for scenario in drawn]
    assert len(drawn) // 5 <= sum(each.blocks == "compact" for each in networks) <= len(drawn) // 2
    modes = {each.compact_mode for each in networks if each.blocks == "compact"}
    assert modes == {"high", "low"}
    assert {each.compression for each in networks} == {"none", "gzip", "zstd", "lz4"}
    assert len({each.compression_threshold for each in networks}) > 1


def test_how_blocks_are_sent_leaves_the_other_draws_alone(base: Scenario) -> None:
    keys = [f"network.{name}" for name in ("blocks", "compact_mode", "compression")]
    keys.append("network.compression_threshold")
    for seed in range(1, 21):
        free, plain = draw_scenario(base, seed), draw_scenario(base, seed, keys)
        given = {key.removeprefix("network."): getattr(free.network, key[8:]) for key in keys}
        same = msgspec.structs.replace(plain.network, **given)
        assert msgspec.structs.replace(plain, network=same) == free
        assert plain.network.blocks == "full"


def test_blocks_and_transactions_take_every_way(drawn: list[Scenario]) -> None:
    networks = [scenario.network for scenario in drawn]
    direct = sum(each.dissemination == "direct" for each in networks)
    assert 0.4 * len(drawn) < direct < 0.7 * len(drawn)
    assert {each.dissemination for each in networks} == {"direct", "mesh", "tree"}
    assert {each.gossip for each in networks} == {"announce", "mesh", "reconcile"}
    trees = [each for each in networks if each.dissemination == "tree"]
    assert {(each.tree_data, each.tree_parity) for each in trees} <= {*CODES}
    meshed = [each for each in networks if "mesh" in (each.dissemination, each.gossip)]
    degrees = {(e.mesh_degree_low, e.mesh_degree, e.mesh_degree_high) for e in meshed}
    assert degrees == {*DEGREES}
    assert {each.mesh_degree for each in networks if each not in meshed} == {8}


def test_some_liars_lie_about_the_way_that_is_drawn(drawn: list[Scenario]) -> None:
    lying: dict[str, set[str]] = {"tree": set(), "mesh": set(), "direct": set()}
    for scenario in drawn:
        network = scenario.network
        way = "mesh" if network.gossip == "mesh" else network.dissemination
        lying[way] |= {each.liar for each in network.classes if each.liar is not None}
    assert set(WAY_LIARS.values()) <= lying["mesh"] | lying["tree"]
    assert "false-ids" not in lying["direct"]
    assert "silent" in lying["mesh"] | lying["tree"]


def test_ways_of_spreading_leave_the_other_draws_alone(base: Scenario) -> None:
    """They have a stream of their own, whatever it is asked for."""
    names = [name for name in liar_names() if name != "false-ids"]
    for seed in SEEDS[:30]:
        scenario = draw_scenario(base, seed)
        spread = draw_spreading(Chance(generator(seed, "fuzz.spreading")))
        for key, value in spread.items():
            assert getattr(scenario.network, key) == value
        chance = Chance(generator(seed, "fuzz.liars"))
        if scenario.network.classes and scenario.network.classes[0].liar not in WAY_LIARS.values():
            assert chance.hit(25)
            count = chance.between(1, (scenario.network.validators - 1) // 3)
            who = sorted(chance.shuffled(range(scenario.network.validators))[:count])
            assert scenario.network.classes == (
                NodeClass(LIARS, tuple(who), liar=chance.pick(names)),
            )
