"""The report of a load in a real browser: it renders, asks for nothing, and fits its window."""

from pathlib import Path

import pytest

from sim.load.histogram import LatencyHistogram
from sim.load.page import render_load_report
from tests.browser import chromium
from tests.browser.chromium import Chromium
from tests.browser.test_report import probe
from tests.unit.sim.load.results import latencies, load_result, nothing_came


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Chromium:
    return Chromium(chromium.find(), tmp_path_factory.mktemp("profile"))


@pytest.mark.parametrize("width", [1280, 800])
def test_every_plot_is_drawn_inside_the_window(
    browser: Chromium, tmp_path: Path, width: int
) -> None:
    path = tmp_path / "report.html"
    path.write_text(render_load_report(load_result(partial=True), latencies()), "utf-8")
    assert browser.console(path) == []
    measures = probe(browser, path, width)
    sections = [plot["section"] for plot in measures["plots"]]
    assert sections == ["throughput", "latency", "latency-time", "errors"]
    for plot in measures["plots"]:
        assert plot["width"] > 300, plot
        assert plot["shapes"] > 10, plot
        assert plot["outside"] == [], plot
    assert measures["scroll"] <= measures["inner"]
    assert measures["tiles"] == 9


def test_a_load_of_which_nothing_came_fits_as_well(browser: Chromium, tmp_path: Path) -> None:
    path = tmp_path / "nothing.html"
    path.write_text(render_load_report(nothing_came(), LatencyHistogram()), "utf-8")
    measures = probe(browser, path, 800)
    assert measures["scroll"] <= measures["inner"]
    assert measures["plots"] == []
