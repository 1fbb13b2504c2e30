"""The directory of a live network, and the ports of its nodes."""

import os

import pytest

from primitives.errors import InvalidInput
from sim.live.layout import Layout, NetworkIdentity, OtherNetwork, write
from sim.live.order import Network, prepare
from sim.live.ports import PortsTaken, check_free, plan_ports
from tests.unit.sim.live.networks import TEXT, free_ports, listening, order, prepared

IDENTITY = NetworkIdentity("s", 1, 4, "0xabc")
PID = os.getpid()


def test_a_network_goes_on_in_its_own_directory(tmp_path):
    layout = Layout(tmp_path / "deep" / "net")
    assert not layout.claim(IDENTITY)
    assert layout.claim(IDENTITY)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            NetworkIdentity("t", 1, 4, "0xabc"),
            "expected the scenario s, whose chain it holds, got t",
        ),
        (NetworkIdentity("s", 2, 4, "0xabc"), "expected the seed 1, whose chain it holds, got 2"),
        (NetworkIdentity("s", 1, 5, "0xabc"), "expected the number of nodes 4"),
        (NetworkIdentity("s", 1, 4, "0xdef"), "expected the genesis hash 0xabc"),
    ],
)
def test_another_network_is_refused_by_name(tmp_path, other, words):
    layout = Layout(tmp_path / "net")
    layout.claim(IDENTITY)
    with pytest.raises(OtherNetwork, match=words):
        layout.claim(other)


def test_a_directory_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(
        InvalidInput, match=r"expected an empty directory, or one with a network.json"
    ):
        Layout(tmp_path).claim(IDENTITY)
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "net").write_text("no directory")
    with pytest.raises(InvalidInput, match=r"expected a directory that can be written"):
        Layout(tmp_path / "net").claim(IDENTITY)


def test_a_broken_identity_is_named(tmp_path):
    (tmp_path / "network.json").write_text("{")
    with pytest.raises(InvalidInput, match=r"network.json: expected what `orrery up` has written"):
        Layout(tmp_path).claim(IDENTITY)


def test_a_private_file_is_private_from_its_first_byte(tmp_path):
    write(tmp_path / "key", "secret", 0o600)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_another_seed_in_the_same_directory_is_refused_before_anything_is_written(tmp_path):
    network = prepared(tmp_path / "net")
    before = network.layout.config(0).read_text()
    with pytest.raises(OtherNetwork, match="seed 1"):
        prepare(order(tmp_path / "net", seed=2))
    assert network.layout.config(0).read_text() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("[network]\nvalidators = 3\nfollowers = 1", "number of validators 4, .* got 3;"),
        ("[chain]\nchain_id = 7", "chain's chain_id 1337, .* got 7;"),
        (
            "[chain]\naccounts = ['0x00000000000000000000000000000000000000c0=1ether']",
            "accounts at",
        ),
    ],
)
def test_what_differs_is_named_where_scenario_and_seed_are_the_same(tmp_path, change, words):
    prepared(tmp_path / "net").layout.release()
    section = change.partition("\n")[0]
    base = TEXT.replace(TEXT[TEXT.index("[network]") : TEXT.index("[workload]")], "")
    base = base if section == "[network]" else TEXT
    with pytest.raises(OtherNetwork, match=rf"expected the {words}"):
        prepared(tmp_path / "net", change + "\n", base=base)


def test_an_up_at_work_is_named_before_the_ports_that_it_has(tmp_path):
    network = prepared(tmp_path / "net")
    with listening(network.ports[0].rpc), pytest.raises(InvalidInput, match=f"process {PID}"):
        prepare(network.order)


def test_who_comes_at_the_same_instant_changes_nothing(tmp_path, monkeypatch):
    wanted = order(tmp_path / "net", seed=2)
    looked = Layout.look

    def look(layout, identity):
        monkeypatch.setattr(Layout, "look", looked)
        known = looked(layout, identity)
        first.append(prepared(tmp_path / "net"))
        return known

    first: list[Network] = []
    monkeypatch.setattr(Layout, "look", look)
    with pytest.raises(OtherNetwork, match="seed 1"):
        prepare(wanted)
    first[0].layout.release()
    assert prepared(tmp_path / "net").continued


def test_a_directory_that_is_refused_stays_as_it_was(tmp_path):
    network = prepared(tmp_path / "net")
    network.layout.release()
    before = {each: each.stat().st_mtime_ns for each in (tmp_path / "net").rglob("*")}
    for changes in ({"seed": 2}, {"base": TEXT.replace("tiny", "other")}):
        with pytest.raises(OtherNetwork):
            prepared(tmp_path / "net", **changes)
    assert before == {each: each.stat().st_mtime_ns for each in (tmp_path / "net").rglob("*")}


def test_ports_count_up_from_two_places():
    ports = plan_ports(3, 8545, 30300)
    assert [(each.rpc, each.p2p) for each in ports] == [(8545, 30300), (8546, 30301), (8547, 30302)]


@pytest.mark.parametrize(("rpc", "p2p"), [(9000, 9002), (9002, 9000), (9000, 9000), (65_534, 9000)])
def test_ports_that_do_not_fit_are_refused(rpc, p2p):
    with pytest.raises(PortsTaken, match=r"name other ports with --rpc-port and --p2p-port"):
        plan_ports(3, rpc, p2p)


def test_every_busy_port_is_named():
    first = free_ports(4)
    ports = plan_ports(2, first, first + 2)
    check_free(ports)
    with listening(first + 1), listening(first + 2), pytest.raises(PortsTaken) as caught:
        check_free(ports)
    told = str(caught.value)
    assert f"127.0.0.1:{first + 1}: expected a free port for RPC of node 1" in told
    assert f"127.0.0.1:{first + 2}: expected a free port for peers of node 0" in told
    assert len(caught.value.taken) == 2
    assert told.endswith("name other ports with --rpc-port and --p2p-port")
    with listening(first + 3), pytest.raises(PortsTaken, match=r"ports with --p2p-port$"):
        check_free(ports)


def test_busy_ports_leave_no_directory_behind(tmp_path):
    wanted = order(tmp_path / "net")
    with listening(wanted.rpc_port), pytest.raises(PortsTaken):
        prepare(wanted)
    assert not (tmp_path / "net").exists()


def test_what_prometheus_and_grafana_need_lies_beside_the_nodes(tmp_path):
    files = prepared(tmp_path / "net").layout.file("prometheus.yml").parent
    config = (files / "prometheus.yml").read_text()
    for name in ("rules.yml", "targets.json"):
        assert f'"{name}"' in config
        assert (files / name).is_file()
    assert (files / "dashboard.json").is_file()


def test_a_second_network_in_the_same_directory_writes_nothing(tmp_path):
    network = prepared(tmp_path / "net")
    before = network.layout.config(0).read_text()
    with pytest.raises(InvalidInput, match=rf"no other `orrery up` works with, got process {PID}"):
        prepared(tmp_path / "net")
    assert network.layout.config(0).read_text() == before
    network.layout.release()
    assert prepared(tmp_path / "net").continued


def test_what_a_killed_start_has_left_is_gone_on_with(tmp_path):
    layout = Layout(tmp_path / "net")
    identity = NetworkIdentity("tiny", 1, 4, prepared(tmp_path / "other").genesis)
    assert not layout.claim(identity)
    layout.release()
    assert prepared(tmp_path / "net").layout.config(3).is_file()


def test_a_disk_without_room_is_named_and_left_as_it_was(tmp_path, monkeypatch):
    def open_while_there_is_room(path, *args):
        if path.name == "config.toml.new":
            raise OSError(28, "No space left on device")
        return opened(path, *args)

    opened = os.open
    monkeypatch.setattr("sim.live.layout.os.open", open_while_there_is_room)
    with pytest.raises(InvalidInput, match=r"that can be written; .* got No space left on device"):
        prepared(tmp_path / "net")
    monkeypatch.undo()
    assert prepared(tmp_path / "net").continued


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        write(tmp_path / "file", "text")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
