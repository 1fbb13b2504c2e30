"""Keys of compact blocks and compression, as a node takes them."""

import pytest

from network.compression import Algorithm
from node.settings import NetworkSettings
from node.settings.packing import check_packing, compression_policy, relay_config
from primitives.ids import NodeId
from sim.scenario import Network, ScenarioError, decode_scenario, place_nodes
from sim.scenario.network import NodeClass

PATH = ("network",)


def test_by_default_blocks_are_whole_and_everything_is_plain() -> None:
    for names in (NetworkSettings(), Network(validators=4)):
        assert relay_config(names) is None
        assert compression_policy(names).prefer == ()
        assert compression_policy(names).accept == tuple(Algorithm)
        assert list(check_packing(names, PATH)) == []


@pytest.mark.parametrize(("mode", "pushing"), [("high", 3), ("low", 0)])
def test_the_mode_says_how_many_peers_push(mode: str, pushing: int) -> None:
    names = NetworkSettings(blocks="compact", compact_mode=mode)  # type: ignore[arg-type]
    config = relay_config(names, (NodeId(2),), proposes=False)
    assert config is not None
    assert config.compact.high_bandwidth_max == pushing
    assert (config.peers, config.proposes) == ((2,), False)


@pytest.mark.parametrize(
    ("name", "level", "levels"), [("zstd", 7, (7, 6)), ("gzip", 2, (2, 2)), ("zstd", None, (3, 6))]
)
def test_the_level_is_that_of_the_algorithm(
    name: str, level: int | None, levels: tuple[int, int]
) -> None:
    names = NetworkSettings(compression=name, compression_level=level, compression_threshold=99)  # type: ignore[arg-type]
    policy = compression_policy(names)
    assert policy.prefer == (Algorithm(name),)
    assert policy.bytes_min == 99
    if level is not None:
        assert (policy.zstd_level if name == "zstd" else policy.gzip_level) == level
    else:
        assert (policy.zstd_level, policy.gzip_level) == levels


@pytest.mark.parametrize(
    ("name", "level", "expected"),
    [
        ("none", 3, 'no level with compression = "none"'),
        ("lz4", 1, 'no level with compression = "lz4"'),
        ("gzip", 10, '1 to 9 with compression = "gzip"'),
        ("zstd", 0, '1 to 22 with compression = "zstd"'),
        ("zstd", 23, '1 to 22 with compression = "zstd"'),
    ],
)
def test_a_level_that_there_is_not_is_refused(name: str, level: int, expected: str) -> None:
    names = NetworkSettings(compression=name, compression_level=level)  # type: ignore[arg-type]
    (finding,) = check_packing(names, PATH)
    assert finding.path == ("network", "compression_level")
    assert (finding.expected, finding.found) == (expected, str(level))


def test_a_class_has_a_choice_of_its_own_and_no_level_of_another_algorithm() -> None:
    network = Network(
        validators=4,
        blocks="compact",
        compression="zstd",
        compression_level=9,
        classes=(
            NodeClass(name="old", nodes=(1,), blocks="full", compression="lz4"),
            NodeClass(name="busy", nodes=(2,), compression_level=1),
        ),
    )
    plans = place_nodes(network)
    assert [plan.blocks for plan in plans] == ["compact", "full", "compact", "compact"]
    assert [plan.compression for plan in plans] == ["zstd", "lz4", "zstd", "zstd"]
    assert [plan.compression_level for plan in plans] == [9, None, 1, 9]


SCENARIO = 'name = "x"\nduration = "1s"\n[network]\nvalidators = 4\n{}\n'


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ('blocks = "compat"', "network.blocks: expected compact or full"),
        ('compression = "zstd"\ncompression_level = 99', "1 to 22"),
        ('[[network.classes]]\nname = "a"\nnodes = [1]\ncompression_level = 4', "classes[0]"),
        ('compression_dictionaries = ["PooledTransactions"]', 'unless compression = "zstd"'),
        ('compression = "zstd"\ncompression_dictionaries = ["Prepare"]', "PooledTransactions"),
    ],
)
def test_a_mistake_is_told_by_its_key(keys: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        decode_scenario(SCENARIO.format(keys))
    assert told.split(": expected", maxsplit=1)[0] in str(caught.value)
