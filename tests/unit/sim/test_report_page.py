"""The page: self-contained, safe against its own content, and never without an answer."""

import re
from html.parser import HTMLParser

import msgspec
import pytest

from sim.report import Collector, RunResult, render_report
from sim.report.page.evidence import ROWS_MAX, evidence_card
from sim.report.page.markup import Markup, element, number, void
from sim.report.result import Offender, PeerStanding
from tests.unit.sim.report_runs import (
    BREACH,
    EXPECTATIONS,
    busy_run,
    feed,
    picture,
    result_of,
    shape,
)

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>&'"

_VOID = {"meta", "link", "br"}


class Outline(HTMLParser):
    """Collects elements and checks that they are nested properly."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def busy() -> Collector:
    return busy_run(nodes=7, seconds=30, rate=60)


@pytest.fixture(scope="module")
def page(busy: Collector) -> str:
    result = result_of(busy, expectations=EXPECTATIONS)
    text = '[network]\nvalidators = 7\nregions = "aws-13"\n'
    return render_report(result, busy, network=picture(7, 1), scenario_text=text)


def test_elements_are_nested_properly(page: str) -> None:
    outline = Outline(page)
    assert outline.open == []
    assert outline.tags.count("html") == outline.tags.count("body") == 1


def test_the_page_asks_for_nothing_and_runs_nothing(page: str) -> None:
    outline = Outline(page)
    assert not {"script", "link", "img", "iframe", "object", "embed", "image"} & set(outline.tags)
    names = {name for name, _ in outline.attributes}
    assert not {"src", "href", "srcset", "xlink:href", "action"} & names
    assert not [name for name in names if name.startswith("on")]
    assert "url(" not in page
    assert "@import" not in page
    assert "http" not in re.sub(r'http-equiv="Content-Security-Policy"', "", page)


def test_every_section_has_its_plot(page: str) -> None:
    sections = re.findall(r'<section class="card[^"]*" id="(\w+)">(.*?)</section>', page, re.DOTALL)
    drawn = [name for name, body in sections if 'class="plot"' in body]
    assert drawn == [
        "throughput",
        "latency",
        "blocks",
        "views",
        "traffic",
        "network",
        "growth",
    ]
    assert 'class="empty"' not in page


def test_the_mean_throughput_is_told_beside_the_curves_and_not_over_them(page: str) -> None:
    card = page[page.index('id="throughput"') :]
    drawing = card[card.index("<svg") : card.index("</svg>")]
    assert 'class="mean"' in drawing
    assert not re.search(r"<text[^>]*>mean", drawing)
    assert re.search(r"<li>.*mean committed, [\d.,]+ tx/s</li>", card[: card.index("<svg")])


def test_figures_stand_on_the_page(page: str, busy: Collector) -> None:
    text = " ".join(Outline(page).text)
    result = result_of(busy)
    assert "FAILED" in text.upper()
    assert "7.82 s, expected at most 5 s" in text
    assert str(result.height) in text
    assert result.replay in text
    assert 'regions = "aws-13"' in text
    assert "nonce_too_low" in text
    assert "partition" in text
    assert result.digest[:16] in text


def test_the_same_run_gives_the_same_page(page: str) -> None:
    collector = busy_run(nodes=7, seconds=30, rate=60)
    text = '[network]\nvalidators = 7\nregions = "aws-13"\n'
    result = result_of(collector, expectations=EXPECTATIONS)
    again = render_report(result, collector, network=picture(7, 1), scenario_text=text)
    assert again == page


def hostile_result(collector: Collector) -> RunResult:
    expectation = msgspec.structs.replace(EXPECTATIONS[0], name=HOSTILE, detail=HOSTILE)
    breach = msgspec.structs.replace(BREACH, checker=HOSTILE, detail=HOSTILE)
    result = result_of(collector, expectations=(expectation,), violation=breach)
    return msgspec.structs.replace(
        result,
        scenario=HOSTILE,
        digest=HOSTILE,
        replay=HOSTILE,
        rejected={HOSTILE: 1},
        evidence=(Offender(replica=1, score=1, accusers=1, kinds={HOSTILE: 1}),),
        peer_scores=(PeerStanding(peer=1, score=50, nodes=1, offences={HOSTILE: 1}),),
    )


def test_hostile_text_stays_text() -> None:
    run = feed(shape(nodes=4))
    run.sent(0.5, 0, HOSTILE, 1, 10)
    run.commit(1.0, 0, 1, 1)
    collector = run.finish(2)
    places = picture(4, regions=(HOSTILE, "x"))
    nodes = tuple(msgspec.structs.replace(node, label=HOSTILE) for node in places.nodes)
    network = msgspec.structs.replace(places, nodes=nodes, topology=HOSTILE)
    result = hostile_result(collector)
    page = render_report(
        result, collector, network=network, scenario_text=HOSTILE, seeds=[result, result]
    )
    outline = Outline(page)
    assert "script" not in outline.tags
    assert "img" not in outline.tags
    assert not [name for name, _ in outline.attributes if name.startswith("on")]
    assert outline.open == []
    assert " ".join(outline.text).count("<script>alert(1)</script>") >= 8


@pytest.mark.parametrize("seconds", [0, 0.0004, 1.5])
def test_a_run_without_events_says_what_is_missing(seconds: float) -> None:
    collector = feed().finish(seconds)
    page = render_report(result_of(collector), collector)
    assert Outline(page).open == []
    for words in ("No transaction was submitted", "Fewer than two blocks", "No message was sent"):
        assert words in page
    assert "Nothing was found: no node has anything against another." in page
    for words in ("No node got beyond genesis", "left no description", "expects nothing"):
        assert words in page


def test_submissions_without_any_commit_are_drawn() -> None:
    run = feed()
    for number_of in range(5):
        run.submit(1.0 + number_of, 0, number_of)
    collector = run.finish(9)
    page = render_report(result_of(collector), collector)
    assert "No transaction submitted in the measured window was confirmed" in page
    assert "Transactions a second over virtual time" in page
    assert "5 unconfirmed" in page


def test_equal_confirmation_times_are_drawn() -> None:
    run = feed()
    for node in (0, 1):
        run.submit(1.0, node, node)
    for node in (0, 1):
        run.commit(1.5, node, 1, 0, 1)
    page = render_report(result_of(run.finish(2)), run.collector)
    assert "p99 500 ms" in page


def test_a_partial_run_with_a_violation_says_so_at_the_top() -> None:
    collector = feed().finish(3)
    result = result_of(collector, violation=BREACH, partial=True)
    page = render_report(result, collector)
    assert 'class="badge bad">violated' in page
    assert "Violated: agreement" in page
    assert "At 31.204118 s on node 5" in page
    assert "Partial result" in page


def test_a_network_of_one_region_is_a_ring_with_every_link() -> None:
    collector = feed().finish(3)
    network = picture(4, regions=("anywhere",))
    page = render_report(result_of(collector), collector, network=network)
    assert page.count('class="link"') == 6
    assert f"node 0 {chr(0x2013)} node 3: 500 µs" in page


def test_the_intervals_appear_with_several_seeds_only(busy: Collector) -> None:
    result = result_of(busy)
    other = msgspec.structs.replace(result, seed=8, tps=result.tps + 10)
    assert "95 % interval" not in render_report(result, busy, seeds=[result])
    page = render_report(result, busy, seeds=[result, other])
    assert "Across 2 seeds" in page
    assert page.count('class="strip"') > 5


def test_a_large_run_stays_below_a_megabyte() -> None:
    collector = busy_run(nodes=100, seconds=60, rate=100)
    page = render_report(
        result_of(collector), collector, network=picture(100, 10), scenario_text="x = 1\n" * 200
    )
    assert 100_000 < len(page.encode()) < 1_000_000


def test_markup_escapes_what_is_not_markup() -> None:
    assert element("b", "<&>", title='"') == '<b title="&quot;">&lt;&amp;&gt;</b>'
    assert element("b", element("i", "x"), None, 3) == "<b><i>x</i>3</b>"
    assert (
        element("b", Markup("<hr>"), class_="a", data_x=1.25)
        == '<b class="a" data-x="1.2"><hr></b>'
    )
    assert void("path", d="M0 0", hidden=False) == '<path d="M0 0"/>'


def test_coordinates_are_short() -> None:
    assert number(1.0) == "1"
    assert number(-0.04) == "0"
    assert number(12.345, 2) == "12.35" or number(12.345, 2) == "12.34"
    assert number(100) == "100"


def cells(markup: str) -> list[list[str]]:
    """Return the text of a table's cells, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", markup, re.DOTALL)
    return [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in rows if "<td" in row]


def test_evidence_and_scores_of_a_peer_share_a_row_and_the_lowest_come_first() -> None:
    evidence = (
        Offender(replica=2, score=3, accusers=1, kinds={"prepare": 1, "proposal": 2}),
        Offender(replica=5, score=1, accusers=4, kinds={"vote of one's own protocol": 1}),
    )
    fallen = {"no answer in time": 1_200, "an offer that is not proven": 1}
    standings = (
        PeerStanding(peer=1, score=96, nodes=3, offences={"no answer in time": 4}),
        PeerStanding(peer=2, score=0, nodes=1, offences=fallen),
    )
    proven = "contradicting PREPAREs (1); invalid proposals (2)"
    why = "no answer in time (1,200); an offer that is not proven (1)"
    assert cells(str(evidence_card(evidence, standings))) == [
        ["node 2", "0", "1 node", proven, "1 node", why],
        ["node 1", "96", "3 nodes", "-", "-", "no answer in time (4)"],
        ["node 5", "100", "-", "vote of one&#x27;s own protocol (1)", "4 nodes", "-"],
    ]


def test_a_long_table_of_scores_ends_with_those_that_stand_best() -> None:
    standings = tuple(
        PeerStanding(peer=peer, score=99 - peer % 2, nodes=1, offences={"no answer in time": 1})
        for peer in range(ROWS_MAX + 8)
    )
    card = str(evidence_card((), standings))
    assert len(cells(card)) == ROWS_MAX
    assert [row[0] for row in cells(card)[:2]] == ["node 1", "node 3"]
    assert "8 that stand higher are in summary.json only" in card
