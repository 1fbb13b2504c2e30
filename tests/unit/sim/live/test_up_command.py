"""`orrery up` as its user types it, with stubs for nodes."""

import errno
import json
from io import StringIO

import pytest
from rich.console import Console
from rich.live import Live

from sim.cli import up
from sim.cli.entry import main
from sim.live import session
from sim.live.session import Session
from sim.live.table import NetworkFacts
from tests.unit.sim.live.networks import TEXT, free_ports, listening, stub_command


@pytest.fixture
def typed(tmp_path, monkeypatch):
    """Return a function that runs `orrery up` on a file."""

    def stubbed(network, display):
        return Session(network, display, stub_command)

    monkeypatch.setattr(up, "Session", stubbed)
    first = free_ports(8)

    def run(*options: str, text: str = TEXT, ports: int = first) -> int:
        file = tmp_path / "tiny.toml"
        file.write_text(text)
        where = (
            "--dir",
            str(tmp_path / "net"),
            "--rpc-port",
            str(ports),
            "--p2p-port",
            str(ports + 4),
        )
        return main(["up", str(file), *where, *options])

    return run


def test_a_run_in_a_pipe(typed, tmp_path, capsys):
    assert typed("--for", "1500ms", "--no-load") == 0
    out = capsys.readouterr().out
    assert out.startswith(f"tiny, seed 1: begins a chain in {tmp_path / 'net'}\n")
    assert "node 3 (validator): http://127.0.0.1:" in out
    assert "one node alone: python -m node.runtime" in out
    assert "passed  one chain" in out
    assert typed("--for", "1s", "--no-load") == 0
    assert "goes on with the chain in" in capsys.readouterr().out


def test_json_stands_alone_on_standard_output(typed, tmp_path, capsys):
    assert typed("--for", "1s", "--no-load", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((tmp_path / "net" / "summary.json").read_text())
    assert found["scenario"] == "tiny"


def test_a_failure_is_told_by_the_exit_code(typed, capsys):
    text = TEXT.replace("2s", "500ms") + "[expect]\nmin_epoch = 1\n"
    event = '[[events]]\nat = "400ms"\nkind = "committee"\nrekey = [0]\n'
    assert typed("--for", "1s", "--no-load", text=text + event) == 1
    assert "FAILED  min_epoch" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "network.loss=0.5"], "--set network.loss=0.5: network.loss: expected 0.0"),
        (["--for", "soon"], "--for: expected a number and one of"),
        (["--for", "0s"], "--for: expected a duration above zero"),
    ],
)
def test_bad_input_is_refused_before_anything_is_there(typed, tmp_path, capsys, options, words):
    assert typed(*options) == 2
    assert f"orrery: {words}" in capsys.readouterr().err
    assert not (tmp_path / "net").exists()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ORRERY_RPC_PORT", "9999", "expected no such variable: `orrery up` gives each node its"),
        ("ORRERY_NODE_INDEX", "2", "gives each node its own node.index, got 2"),
        ("ORRERY_LOG_LEVEL", "loud", 'log.level: expected one of "debug", "error"'),
        ("ORRERY_LOG_LEVLE", "info", 'did you mean "ORRERY_LOG_LEVEL"?'),
    ],
)
def test_a_variable_that_no_node_can_use_is_refused_before_anything_is_there(
    typed, tmp_path, capsys, monkeypatch, name, value, words
):
    monkeypatch.setenv(name, value)
    assert typed("--for", "1s") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("orrery: environment")
    assert name in line
    assert words in line
    assert not (tmp_path / "net").exists()


def test_a_variable_that_all_nodes_can_use_is_left_to_them(typed, monkeypatch):
    monkeypatch.setenv("ORRERY_LOG_LEVEL", "debug")
    assert typed("--for", "500ms", "--no-load") == 0


def test_a_busy_port_is_refused_by_name(typed, tmp_path, capsys):
    port = free_ports(8)
    with listening(port + 2):
        assert typed(ports=port) == 2
    assert (
        f"127.0.0.1:{port + 2}: expected a free port for RPC of node 2" in capsys.readouterr().err
    )
    assert not (tmp_path / "net").exists()


def test_another_seed_in_the_same_place_is_refused(typed, capsys):
    assert typed("--for", "500ms", "--no-load") == 0
    assert typed("--seed", "7") == 2
    assert "expected the seed 1, whose chain it holds, got 7" in capsys.readouterr().err


def test_a_node_that_does_not_come_up_is_a_failure(typed, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(session, "SHOW_S", 0.1)
    assert typed("--for", "500ms", "--no-load") == 0
    (tmp_path / "net" / "node-2" / "behave.json").write_text('{"dies_at_start": true}')
    assert typed("--for", "500ms", "--no-load") == 1
    shown = capsys.readouterr()
    assert "node 2: exit code 7" in shown.err
    assert (shown.out + shown.err).count("the stars are wrong") == 1
    assert "died" not in shown.out.partition("starting 4 nodes")[2]
    events = (tmp_path / "net" / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in events[-2:]] == ["ending", "died"]


@pytest.mark.parametrize(("columns", "is_table"), [(40, False), (100, True)])
def test_a_narrow_terminal_gets_a_line_instead_of_a_table(columns, is_table):
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, width=columns)
    facts = NetworkFacts(1.0, 5, 0, 7, 2.0, ())
    with Live(console=console, auto_refresh=False) as live:
        up._Board(console, live, "tiny").show(facts)
    shown = screen.getvalue()
    assert ("memory" in shown) is is_table
    assert "7 transactions" in shown.replace("\n", " ")


def test_a_terminal_that_has_hung_up_fails_nothing(typed, monkeypatch):
    def hung_up(summary, console):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(up, "_show_summary", hung_up)
    assert typed("--for", "1s", "--no-load") == 0
