"""The run directory: whole files, and a marker on whatever is partial."""

from pathlib import Path

import pytest

from primitives.errors import InvalidInput
from sim.report import (
    TraceWriter,
    begin_run_directory,
    is_partial,
    read_result,
    read_trace,
    write_run_directory,
)
from sim.report.writer import METRICS, PARTIAL_MARKER, REPORT, SCENARIO, SUMMARY, TRACE
from sim.trace import Observation
from sim.trace_events import Crashed
from tests.unit.sim.report_runs import feed, picture, result_of

TEXT = 'name = "quickstart"\n'


def test_a_whole_run_leaves_every_file_and_no_marker(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "quickstart-7"
    begin_run_directory(path, TEXT)
    with TraceWriter(path / TRACE) as writer:
        writer.observe(Observation(1, 0, Crashed()))
    run = feed()
    run.commit(1.0, 0, 1, 1)
    collector = run.finish(2)
    result = result_of(collector)
    write_run_directory(path, result, collector, scenario_text=TEXT, network=picture(4))
    names = sorted(entry.name for entry in path.iterdir())
    assert names == sorted([SUMMARY, SCENARIO, METRICS, REPORT, TRACE])
    assert not is_partial(path)
    assert read_result(path / SUMMARY) == result
    assert (path / SCENARIO).read_text() == TEXT
    assert (path / METRICS).read_text().endswith("# EOF\n")
    assert (path / REPORT).read_text().startswith("<!doctype html>")
    assert len(list(read_trace(path / TRACE))) == 1


def test_a_directory_is_partial_from_its_birth(tmp_path: Path) -> None:
    begin_run_directory(tmp_path / "run", TEXT)
    assert is_partial(tmp_path / "run")
    assert "did not reach its end" in (tmp_path / "run" / PARTIAL_MARKER).read_text()


def test_a_partial_result_keeps_the_marker(tmp_path: Path) -> None:
    collector = feed().finish(1)
    result = result_of(collector, partial=True)
    write_run_directory(tmp_path / "run", result, collector, scenario_text=TEXT)
    assert is_partial(tmp_path / "run")
    assert read_result(tmp_path / "run" / SUMMARY).partial
    assert "Partial result" in (tmp_path / "run" / REPORT).read_text()


def test_a_new_run_clears_what_the_old_one_left_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "run"
    collector = feed().finish(1)
    write_run_directory(path, result_of(collector), collector, scenario_text=TEXT)
    (path / "notes.txt").write_text("mine")
    begin_run_directory(path, TEXT)
    assert not (path / SUMMARY).exists()
    assert not (path / REPORT).exists()
    assert (path / "notes.txt").read_text() == "mine"


def test_what_the_scenario_names_lies_beside_it_and_only_as_long_as_it_is_named(
    tmp_path: Path,
) -> None:
    begin_run_directory(tmp_path, TEXT, ["genesis.json"], {"genesis.json": "{}"})
    assert (tmp_path / "genesis.json").read_text() == "{}"
    begin_run_directory(tmp_path, TEXT, ["genesis.json"])
    assert not (tmp_path / "genesis.json").exists()


def test_a_directory_can_be_written_again_with_all_seeds(tmp_path: Path) -> None:
    path = tmp_path / "run"
    collector = feed().finish(1)
    result = result_of(collector)
    write_run_directory(path, result, collector, scenario_text=TEXT)
    assert "Across 2 seeds" not in (path / REPORT).read_text()
    write_run_directory(path, result, collector, scenario_text=TEXT, seeds=[result, result])
    assert "Across 2 seeds" in (path / REPORT).read_text()
    assert not is_partial(path)


def test_a_place_that_cannot_be_a_directory_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    expected = r"taken.*: expected a run directory that can be written to, got"
    with pytest.raises(InvalidInput, match=expected):
        begin_run_directory(tmp_path / "taken" / "run", TEXT)
    collector = feed().finish(1)
    with pytest.raises(InvalidInput, match=expected):
        write_run_directory(tmp_path / "taken", result_of(collector), collector, scenario_text=TEXT)


def test_a_file_that_cannot_be_replaced_leaves_the_run_partial(tmp_path: Path) -> None:
    path = tmp_path / "run"
    (path / SUMMARY).mkdir(parents=True)
    collector = feed().finish(1)
    with pytest.raises(InvalidInput, match="can be written to"):
        write_run_directory(path, result_of(collector), collector, scenario_text=TEXT)
    assert (path / PARTIAL_MARKER).exists()
