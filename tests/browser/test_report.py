"""The report in a real browser: it renders, asks for nothing, and fits its window."""

import html
import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from sim.report import render_report
from tests.browser import chromium
from tests.browser.chromium import Chromium
from tests.unit.sim.report_runs import EXPECTATIONS, busy_run, feed, picture, result_of

PROBE = """
<pre id="probe"></pre>
<script>
const plots = [...document.querySelectorAll("svg.plot")].map(svg => {
  const box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
  const outside = [...svg.querySelectorAll("text")].filter(text => {
    const t = text.getBBox();
    return t.x < -6 || t.x + t.width > view.width + 6 || t.y + t.height > view.height + 6;
  }).map(text => text.textContent);
  const shapes = svg.querySelectorAll("path, rect, circle, line").length;
  return {width: box.width, height: box.height, shapes, outside,
          section: svg.closest("section").id};
});
document.getElementById("probe").textContent = JSON.stringify({
  plots, inner: window.innerWidth, scroll: document.documentElement.scrollWidth,
  tiles: document.querySelectorAll(".tile").length,
  background: getComputedStyle(document.body).backgroundColor,
});
</script></body>
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Chromium:
    return Chromium(chromium.find(), tmp_path_factory.mktemp("profile"))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    collector = busy_run(nodes=14, seconds=60, rate=80)
    result = result_of(collector, expectations=EXPECTATIONS)
    page = render_report(
        result,
        collector,
        network=picture(14, followers=2),
        scenario_text="[network]\nvalidators = 12\n",
        seeds=[result, result, result],
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page, "utf-8")
    return path


def probe(browser: Chromium, report: Path, width: int) -> dict[str, Any]:
    """Return measures of the laid-out page, taken by a script that the page itself forbids."""
    page = report.read_text("utf-8")
    open_page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    assert open_page != page
    probing = report.with_name(f"probe-{width}.html")
    probing.write_text(open_page.replace("</body>", PROBE), "utf-8")
    found = re.search(r'<pre id="probe">(.*?)</pre>', browser.dom(probing, width), re.DOTALL)
    assert found is not None
    measures: dict[str, Any] = json.loads(html.unescape(found[1]))
    return measures


def test_the_console_stays_silent(browser: Chromium, report: Path) -> None:
    assert browser.console(report) == []


def test_the_page_s_policy_stops_a_script(browser: Chromium, report: Path) -> None:
    forbidden = report.with_name("forbidden.html")
    script = "<script>document.title = 'it ran'</script></body>"
    forbidden.write_text(report.read_text("utf-8").replace("</body>", script), "utf-8")
    assert "<title>it ran" not in browser.dom(forbidden)
    assert any("Content Security Policy" in line for line in browser.console(forbidden))


@pytest.mark.parametrize("width", [1280, 800])
def test_every_plot_is_drawn_inside_the_window(browser: Chromium, report: Path, width: int) -> None:
    measures = probe(browser, report, width)
    sections = [plot["section"] for plot in measures["plots"]]
    assert sections == [
        "throughput",
        "latency",
        "blocks",
        "views",
        "traffic",
        "network",
        "growth",
    ]
    for plot in measures["plots"]:
        assert plot["width"] > 300, plot
        assert plot["height"] > 100, plot
        assert plot["shapes"] > 15, plot
        assert plot["outside"] == [], plot
    assert measures["scroll"] <= measures["inner"]
    assert measures["tiles"] == 9


def test_an_empty_run_fits_as_well(browser: Chromium, tmp_path: Path) -> None:
    collector = feed().finish(0)
    path = tmp_path / "empty.html"
    path.write_text(render_report(result_of(collector), collector), "utf-8")
    assert browser.console(path) == []
    measures = probe(browser, path, 800)
    assert measures["scroll"] <= measures["inner"]
    assert measures["plots"] == []


def corner_pixel(png: bytes) -> tuple[int, int, int]:
    """Return the first pixel of an 8-bit RGB(A) PNG; filters leave the first pixel as it is."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    data, at = b"", 8
    while at < len(png):
        length, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        if kind == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += 12 + length
    row = zlib.decompress(data)
    return row[1], row[2], row[3]


@pytest.mark.parametrize("dark", [False, True])
def test_it_follows_the_reader_s_colour_scheme(
    browser: Chromium, report: Path, tmp_path: Path, dark: bool
) -> None:
    png = browser.screenshot(report, tmp_path / "shot.png", 1280, dark=dark)
    assert len(png) > 20_000
    brightness = sum(corner_pixel(png)) / 3
    assert brightness < 60 if dark else brightness > 200
