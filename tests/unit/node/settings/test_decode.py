"""A node's configuration: precedence, units, and mistakes that name their place."""

import pytest
from hypothesis import given, strategies as st

from node.settings import (
    ConsensusSettings,
    LogSettings,
    NetworkSettings,
    NodeSettings,
    OwnSettings,
    PeerSettings,
    RpcSettings,
    SettingsError,
    decode_settings,
    encode_settings,
    setting_keys,
)
from node.settings.node import fee_recipient
from primitives.ids import Duration

LEAST = "[node]\nindex = 2\n"
PEER = '[[network.peers]]\nnode = {}\nhost = "10.0.0.1"\nport = {}\n'


def mistakes(text: str, **sources: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        decode_settings(text, "c.toml", **sources)
    return str(refused.value).splitlines()


def test_a_number_is_all_that_a_node_has_to_be_told() -> None:
    assert decode_settings(LEAST) == NodeSettings(node=OwnSettings(index=2))


def test_quantities_have_units() -> None:
    settings = decode_settings(
        LEAST + '[consensus]\nbatch_delay = "5ms"\n[mempool]\nbytes = "2MiB"\n'
    )
    assert settings.consensus.batch_delay == 5_000_000
    assert settings.mempool.bytes == 2 << 20


def test_a_flag_wins_over_the_environment_and_that_over_the_file() -> None:
    text = LEAST + '[rpc]\nport = 1\n[log]\nlevel = "error"\n[network]\nport = 5\n'
    settings = decode_settings(
        text,
        flags={"rpc.port": "3"},
        environment={"ORRERY_RPC_PORT": "2", "ORRERY_LOG_LEVEL": "debug", "PATH": "/bin"},
    )
    assert settings.rpc.port == 3
    assert settings.log.level == "debug"
    assert settings.network.port == 5
    assert settings.rpc.host == RpcSettings().host


def test_a_value_from_outside_may_be_a_list_or_text_without_quotes() -> None:
    settings = decode_settings(
        LEAST,
        flags={"network.neighbours": "[0, 1]", "consensus.request_timeout": "2s"},
        environment={"ORRERY_RPC_CORS": '["https://a.example"]', "ORRERY_CHAIN_HISTORY": "archive"},
    )
    assert settings.network.neighbours == (0, 1)
    assert settings.consensus.request_timeout == 2_000_000_000
    assert settings.rpc.cors == ("https://a.example",)
    assert settings.chain.history == "archive"


def test_a_variable_that_names_no_key_is_refused_by_its_name() -> None:
    told = mistakes(LEAST, environment={"ORRERY_RPC_PROT": "1", "ORRERY_VECTORS": "x"})
    assert len(told) == 1
    assert told[0].startswith("environment: ORRERY_RPC_PROT: expected one of ORRERY_RPC_ENABLED")
    assert told[0].endswith('did you mean "ORRERY_RPC_PORT"?')


def test_a_mistake_names_the_place_of_its_value() -> None:
    text = LEAST + '[log]\nlevel = "info"\nlines_per_second = 0\n[rpc]\nprot = 1\n'
    told = mistakes(text, flags={"network.port": "65536"}, environment={"ORRERY_LOG_LEVEL": "loud"})
    assert [line.split(": expected")[0] for line in told] == [
        "c.toml:5: log.lines_per_second",
        "c.toml:7: rpc.prot",
        "environment ORRERY_LOG_LEVEL: log.level",
        "--network.port 65536: network.port",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "c.toml: node: expected a table, got nothing: the key is missing"),
        ("[node]\n", "c.toml:1: node.index: expected a whole number, at least 0, got nothing"),
        ("[node\n", "c.toml:1: expected valid TOML"),
        (LEAST + "[peers]\n", "c.toml:3: peers: expected one of node, chain, consensus"),
        (LEAST + PEER.format(2, 1), "c.toml:4: network.peers[0].node: expected another node"),
        (LEAST + PEER.format(0, 0), "c.toml:6: network.peers[0].port: expected the port"),
        (
            LEAST + PEER.format(0, 1) + PEER.format(0, 2),
            "c.toml:8: network.peers[1].node: expected each node once",
        ),
        (LEAST + "[network]\nneighbours = [1, 1]\n", "c.toml:4: network.neighbours: expected each"),
        (LEAST + "[network]\nneighbours = [2]\n", "c.toml:4: network.neighbours: expected other"),
        (LEAST + '[store]\nprofile = "smal"\n', "c.toml:4: store.profile: expected one of"),
        (
            LEAST + "[consensus]\npipeline_depth = 20\n",
            "c.toml:3: consensus.window: expected at least twice the pipeline_depth, 40, got 32",
        ),
        (LEAST + "[execution]\nprocesses = 1\n", "c.toml:4: execution.processes: expected a sch"),
        (
            LEAST + "[execution]\nprocesses = 1\nworkers = 2\nscheduler = 'optimistic'\n",
            "c.toml:5: execution.workers: expected at most 1 with processes",
        ),
        (LEAST + "[consensus]\nempty_blocks = true\n", "c.toml:3: consensus.block_interval:"),
        ('[node]\nindex = 0\nfee_recipient = "0x1"\n', "c.toml:3: node.fee_recipient: expected"),
        (LEAST + "[consensus]\nsignatures = 'real'\n", "c.toml:4: consensus.signatures: expected"),
    ],
)
def test_what_is_wrong_is_refused_with_file_and_line(text: str, told: str) -> None:
    assert mistakes(text)[0].startswith(told)


@pytest.mark.parametrize("value", ["9" * 5_000, "0x" + "f" * 5_000, "[" * 3_000, str(2**63)])
def test_what_no_reader_takes_is_a_mistake_like_any_other(value: str) -> None:
    for key in ("rpc.port", "consensus.window"):
        variable, (section, name) = f"ORRERY_{key.replace('.', '_').upper()}", key.split(".")
        for told in (
            mistakes(LEAST, flags={key: value}),
            mistakes(LEAST, environment={variable: value}),
        ):
            assert f"{key}: expected a whole number" in told[0]
        in_file = mistakes(f"{LEAST}[{section}]\n{name} = {value}\n")
        assert in_file[0].startswith("c.toml")


settings = st.builds(
    NodeSettings,
    node=st.builds(
        OwnSettings,
        index=st.integers(0, 3),
        role=st.sampled_from(["validator", "follower"]),
        key=st.text(min_size=1, max_size=20),
        spare_keys=st.lists(st.text(min_size=1, max_size=5), max_size=2).map(tuple),
    ),
    consensus=st.builds(
        ConsensusSettings,
        batch_delay=st.integers(0, 10**12).map(Duration),
        batch_bytes=st.none() | st.integers(1, 8_388_608),
        fast_confirmation=st.booleans(),
    ),
    network=st.builds(
        NetworkSettings,
        peers=st.lists(
            st.builds(
                PeerSettings,
                node=st.integers(4, 100),
                host=st.text(min_size=1, max_size=9),
                port=st.integers(1, 65_535),
            ),
            unique_by=lambda peer: peer.node,
            max_size=4,
        ).map(tuple),
        neighbours=st.just("all") | st.just((7, 8)),
    ),
    log=st.builds(LogSettings, file=st.none() | st.text(min_size=1, max_size=9)),
)


@given(settings)
def test_what_is_written_is_read_again(written: NodeSettings) -> None:
    assert decode_settings(encode_settings(written)) == written
    short = encode_settings(written, defaults=False)
    assert decode_settings(short) == written
    assert "response_max" not in short


def test_every_key_has_a_variable_of_its_own() -> None:
    keys = setting_keys()
    assert keys["ORRERY_NODE_INDEX"] == "node.index"
    assert keys["ORRERY_NETWORK_BYTES_PER_SECOND"] == "network.bytes_per_second"
    assert len(set(keys.values())) == len(keys)
    assert "ORRERY_NETWORK_PEERS" not in keys


def test_tips_go_where_they_go_in_virtual_time() -> None:
    assert fee_recipient(0) != fee_recipient(1)
    assert len(fee_recipient(7)) == 20
