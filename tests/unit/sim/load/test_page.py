"""The report of a load, its directory, and its table for a terminal."""

import io
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from primitives.errors import InvalidEncoding, InvalidInput
from sim.cli.load_summary import show_load
from sim.load.histogram import LatencyHistogram, Quantiles
from sim.load.limits import limit_words
from sim.load.page import render_load_report
from sim.load.result import Blocks, LoadResult, encode_load, read_load
from sim.load.writer import begin_load_directory, write_load_directory
from tests.unit.sim.load.results import latencies, load_result, nothing_came


def page_of(result: LoadResult, inclusion: LatencyHistogram | None = None) -> str:
    page = render_load_report(result, inclusion or latencies())
    # It is well-formed: nothing that it shows has broken out of its place.
    ElementTree.fromstring(page.removeprefix("<!doctype html>\n"))
    return page


def printed(result: LoadResult) -> str:
    text = io.StringIO()
    show_load(result, Console(file=text, width=120))
    return text.getvalue()


def test_the_page_has_a_card_for_each_question() -> None:
    page = page_of(load_result())
    for name in ("throughput", "latency", "latency-time", "quantiles", "chain", "errors"):
        assert f'id="{name}"' in page
    for kind in ("pool full", "underpriced", "timeout"):
        assert kind in page
    assert "3 of 200" in page
    assert "all accounts waited for answers" in page
    assert "Partial result" not in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_busy": 0.97}, "it took 97 % of a core while it sent"),
        ({"lag_seconds": Quantiles(p99=0.5)}, "one transaction in a hundred 500 ms or more"),
        ({"held_up": {"signing": 9, "answers": 2}}, "not signed as fast as they were due"),
        ({"held_up": {"blocks": 9, "answers": 2}}, "as many in no block as they may have"),
        ({"retired": 7}, "7 of 1,000 accounts ran out of money"),
    ],
)
def test_a_limit_on_this_side_is_told(changes: dict[str, Any], words: str) -> None:
    result = load_result(**changes)
    assert words in page_of(result)
    assert words in " ".join(printed(result).split())


def test_a_client_that_is_in_time_needs_no_words() -> None:
    assert not limit_words(load_result(lateness_seconds=Quantiles(p99=0.01)))


def test_what_broke_a_load_off_stands_above_all() -> None:
    page = page_of(load_result(partial=True, trouble="<no> money"))
    assert "The load broke off" in page
    assert "&lt;no&gt; money" in page
    assert "Partial result" in page_of(load_result(partial=True))


def test_a_load_of_which_nothing_came_has_a_page() -> None:
    page = page_of(nothing_came(), LatencyHistogram())
    assert "No transaction was included." in page
    assert "Every request was answered with yes." in page
    assert "failed" in page


def test_a_terminal_shows_the_same_figures() -> None:
    text = printed(load_result(run_directory="runs/load-1"))
    for words in (
        "100.1 tx/s",
        "pool full 50, underpriced 20, timeout 7",
        "300 / 10",
        "runs/load-1",
    ):
        assert words in text
    assert "FAILED: no transaction came into a block" in printed(nothing_came())
    assert "unknown to the node" in printed(nothing_came())
    assert "every" not in printed(nothing_came())
    assert "PARTIAL RESULT: the load was interrupted after 30.0 s" in printed(
        load_result(partial=True)
    )
    assert "BROKEN OFF after 30 s: gone" in printed(load_result(partial=True, trouble="gone"))


def test_a_directory_is_partial_until_its_load_has_ended(tmp_path: Path) -> None:
    path = begin_load_directory(tmp_path / "runs", "20260102-030405")
    assert (path / "PARTIAL").exists()
    write_load_directory(path, load_result(partial=True), latencies())
    assert (path / "PARTIAL").exists()
    write_load_directory(path, load_result(), latencies())
    assert {each.name for each in path.iterdir()} == {"summary.json", "report.html"}
    assert read_load(path / "summary.json") == load_result()
    second = begin_load_directory(tmp_path / "runs", "20260102-030405")
    assert second.name == "load-20260102-030405-2"


def test_what_cannot_be_written_or_read_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(encode_load(load_result())[:-20])
    with pytest.raises(InvalidInput, match="a directory that can be written to"):
        begin_load_directory(file, "now")
    with pytest.raises(InvalidEncoding, match="a summary that `orrery load` wrote"):
        read_load(file)


def test_a_load_passes_when_something_came_and_nothing_broke() -> None:
    assert load_result().passed
    assert not nothing_came().passed
    assert not load_result(trouble="gone").passed


@pytest.mark.parametrize(
    ("fees", "shown"),
    [
        ((10**9, 2 * 10**9), "1 gwei, 2 gwei"),
        ((8, 123_456_789), "8 wei, 0.123 gwei"),
        ((None, None), "\u2013, \u2013"),
    ],
)
def test_base_fees_are_short_however_small(fees: tuple[int | None, int | None], shown: str) -> None:
    blocks = Blocks(60, 3_100, 65_000_000, 0.036, 0.5, *fees)
    assert shown in page_of(load_result(blocks=blocks))
