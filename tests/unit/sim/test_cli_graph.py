"""`orrery graph`: what it prints, what it writes, what it refuses."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import networkx as nx
import pytest

from sim.cli import main
from sim.run import run_scenario
from sim.scenario import decode_scenario
from tests.unit.sim.graph_blocks import HEIGHT, block_files, write_folder

SCENARIO = """\
name = "small"
duration = "6s"
[network]
validators = 4
[consensus]
block_interval = "1s"
signatures = "modelled"
[workload]
kind = "transfers"
accounts = 20
rate = 20
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_folder(tmp_path / "block", block_files())


def test_a_block_is_shown_and_drawn(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", str(folder)]) == 0
    shown = capsys.readouterr()
    assert f"block {HEIGHT} of Ethereum's main network" in shown.out
    assert "width / depth   3 / 2" in shown.out
    assert "critical-path" in shown.out
    assert "hottest cells" in shown.out
    assert "\x1b" not in shown.out, "plain in a pipe"
    assert shown.err == ""
    ET.parse(Path("runs") / f"graph-{HEIGHT}.svg")


def test_json_has_the_figures_and_the_cells_in_full(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--json", "--rule", "strict", "--out", "out/graph.svg"]
    assert main(["graph", str(folder), *options]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["transactions"], answer["rule"], answer["workers"][-1]) == (5, "strict", 64)
    assert answer["picture"] == "out/graph.svg"
    assert Path("out/graph.svg").is_file()
    hot = {(cell["address"], cell["field"]): cell for cell in answer["hot_cells"]}
    assert hot["0x" + "99" * 20, "0x0"]["writers"] == [0, 2]
    assert hot["0x" + "55" * 20, "balance"]["waits"] == 2


def test_other_tools_get_the_graph(folder: Path) -> None:
    assert main(["graph", str(folder), "--graphml", "g.graphml", "--dot", "g.dot"]) == 0
    graph = nx.read_graphml("g.graphml", node_type=int)
    assert set(graph.edges) == {(0, 2), (1, 4)}
    assert Path("g.dot").read_text().count("->") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere: expected a folder with block.json, pre_state.json and bytecodes"),
        (["."], "or a run's directory, got another folder"),
        (["block/block.json"], "or a run's directory, got a file"),
        (["block", "--block", "3"], "--block: expected a run's directory with it, got block"),
        (["block", "--out", "block"], "block: expected a file that can be written"),
    ],
)
def test_mistakes_exit_with_2_and_say_what_was_expected(
    folder: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder.is_dir()
    assert main(["graph", *words]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err


def test_it_helps_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["graph", "--help"])
    assert caught.value.code == 0
    assert "\n  orrery graph vectors/blocks/19932148" in capsys.readouterr().out


def test_a_block_of_a_run_is_found_by_repeating_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "small-3"
    result = run_scenario(decode_scenario(SCENARIO), seed=3, run_directory=directory)
    out = ["--out", str(tmp_path / "graph.svg")]
    assert main(["graph", str(directory), "--json", *out]) == 0
    fullest = json.loads(capsys.readouterr().out)
    assert fullest["block"].endswith("of small, seed 3")
    assert fullest["gas"] == 21_000 * fullest["transactions"] > 0
    assert main(["graph", str(directory), "--block", "2", "--json", *out]) == 0
    second = json.loads(capsys.readouterr().out)
    assert second["block"] == "block 2 of small, seed 3"
    assert second["transactions"] <= fullest["transactions"]
    assert main(["graph", str(directory), "--block", "999", *out]) == 2
    expected = f"expected the height of a block, from 1 to {result.height}, got 999"
    assert expected in capsys.readouterr().err


def test_a_run_that_cannot_be_repeated_gives_no_block_of_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "small-3"
    run_scenario(decode_scenario(SCENARIO), seed=3, run_directory=directory)
    scenario = directory / "scenario.toml"
    text = scenario.read_text()
    assert "rate = 20" in text
    scenario.write_text(text.replace("rate = 20", "rate = 30"))
    command = ["graph", str(directory), "--block", "2", "--out", str(tmp_path / "graph.svg")]
    assert main(command) == 2
    message = capsys.readouterr().err
    assert f"orrery: {directory}: block 2: expected the block 0x" in message
    assert message.rstrip().endswith("the run had another profile, version or scenario")
    (directory / "trace.jsonl.zst").unlink()
    assert main(command) == 0
