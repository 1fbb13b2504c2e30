"""`sim.graph`: figures, layout, picture and export of a block's dependency graph."""

import xml.etree.ElementTree as ET
from io import BytesIO

import msgspec
import networkx as nx
import pytest
from hypothesis import given, strategies as st

from node.schedule import SCHEDULERS, build_graph
from primitives.access import BALANCE, AccessSet
from sim.graph.analysis import HOT_MAX, WORKERS, analyse, hot_cells
from sim.graph.export import as_networkx, dot, graphml
from sim.graph.layout import MARGIN, RADIUS_MAX, RADIUS_MIN, WIDTH, lay_out, radius
from sim.graph.picture import draw
from tests.unit.sim.graph_subjects import MINER, access, subject

SVG = "{http://www.w3.org/2000/svg}"


# ---------------------------------------------------------------- figures


def test_the_figures_of_a_small_block() -> None:
    block = [access("a", "a"), access("a", "a"), access("b"), access("a")]
    analysis, graph = analyse(subject(block, (5, 7, 4, 1)))
    assert (analysis.transactions, analysis.gas, analysis.edges, analysis.joins) == (4, 17, 2, 0)
    assert analysis.edges_by_kind == {"read after write": 1, "write after write": 0, "both": 1}
    assert (analysis.depth, analysis.width, analysis.critical_path_gas) == (3, 2, 13)
    assert analysis.independent == 1
    assert graph.transactions == 4
    rows = {(row.rule, row.scheduler): row.speed_ups for row in analysis.bounds}
    assert rows["deltas", "critical-path"] == (round(17 / 13, 6),) * len(WORKERS)
    assert rows["deltas", "all-at-once"][-1] == round(17 / 7, 6)
    assert {scheduler for rule, scheduler in rows if rule == "deltas"} == set(SCHEDULERS)
    assert analysis.optimistic_executions["2"] >= 4


def test_each_rule_has_its_edges() -> None:
    tip = AccessSet((), (), (MINER + BALANCE, b"a" * 20 + b"b"))
    block = subject([tip, tip, access("a")])
    assert [analyse(block, rule)[0].edges for rule in ("deltas", "strict", "lazy")] == [3, 2, 0]


def test_a_block_without_transactions() -> None:
    analysis, graph = analyse(subject([]))
    assert (analysis.depth, analysis.width, analysis.gas) == (0, 0, 0)
    assert all(each == 1.0 for row in analysis.bounds for each in row.speed_ups)
    ET.fromstring(draw(subject([]), graph, analysis))


def test_the_hottest_cell_is_the_one_that_most_wait_at() -> None:
    block = [access("ab", "a"), access("ab", "a"), access("ab"), access("b", "c"), access("c")]
    first, second = hot_cells(block, [1] * 5)
    assert (first.address, first.field) == ("0x" + "61" * 20, "balance")
    assert (first.waits, first.readers, first.writers) == (2, (0, 1, 2), (0, 1))
    assert second.address == "0x" + "63" * 20
    assert second.waits == 1


def test_a_cell_that_all_read_and_nobody_changes_is_not_hot() -> None:
    assert hot_cells([access("a")] * 5, [1] * 5) == []


def test_payers_do_not_wait_for_one_another_but_readers_do_for_them() -> None:
    (cell,) = hot_cells([access(deltas="a"), access(deltas="a"), access("a")], [3, 4, 5])
    assert (cell.waits, cell.payers, cell.readers, cell.gas) == (1, (0, 1), (2,), 12)


def test_no_more_cells_are_listed_than_can_be_read() -> None:
    letters = "abcdefghijklmnopq"
    assert len(hot_cells([access("", letters)] * 2, [1, 1])) == HOT_MAX


# ---------------------------------------------------------------- layout

LETTERS = st.text("abcdef", max_size=3).map(lambda text: "".join(sorted(set(text))))
BLOCKS = st.lists(st.builds(access, LETTERS, LETTERS, LETTERS), max_size=90)


@given(BLOCKS)
def test_every_transaction_has_a_place_of_its_own_on_the_page(block: list[AccessSet]) -> None:
    graph = build_graph(block)
    layout = lay_out(graph, [21_000] * len(block))
    places = layout.places[: len(block)]
    spots = [(place.x, place.y) for place in places if place is not None]
    assert len(spots) == len(set(spots)) == len(block)
    assert all(MARGIN <= x <= MARGIN + WIDTH and 0 <= y <= layout.bottom for x, y in spots)
    for source, target in zip(graph.sources, graph.targets, strict=True):
        start, end = layout.places[source], layout.places[target]
        if start is not None and end is not None:
            assert (start.band, start.x) < (end.band, end.x)


def test_a_chain_is_a_straight_line_broken_into_bands() -> None:
    graph = build_graph([access("a", "a")] * 1_408)
    layout = lay_out(graph, [21_000] * 1_408)
    heights = {(place.band, place.y) for place in layout.places if place is not None}
    assert len(heights) == len(layout.bands) > 1
    assert layout.path == tuple(range(1_408))
    assert layout.bottom < WIDTH


def test_a_wide_level_takes_several_columns() -> None:
    graph = build_graph([access("", "a")] + [access("a")] * 300)
    layout = lay_out(graph, [21_000] * 301)
    columns = {place.x for place in layout.places if place is not None}
    assert len(columns) == 1 + 8


def test_the_area_of_a_transaction_is_its_gas() -> None:
    assert radius(1_000_000, 1_000_000) == RADIUS_MAX
    assert radius(250_000, 1_000_000) == RADIUS_MAX / 2
    assert radius(0, 0) == RADIUS_MIN


# ---------------------------------------------------------------- picture


@given(BLOCKS)
def test_the_picture_is_well_formed_and_shows_everything(block: list[AccessSet]) -> None:
    this = subject(block)
    analysis, graph = analyse(this)
    text = draw(this, graph, analysis)
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg"
    hovers = [node.text or "" for node in root.iter(f"{SVG}title")]
    assert [hover.split(":")[0] for hover in hovers] == [
        f"transaction {index}" for index in range(len(block))
    ]
    edges = [node for node in root.iter(f"{SVG}path") if "edge" in node.get("class", "")]
    assert len(edges) == len(graph.sources)
    assert "nan" not in text.lower()


def test_the_critical_path_is_marked_and_numbered() -> None:
    this = subject([access("a", "a"), access("a", "a"), access("b")], (9, 9, 1))
    analysis, graph = analyse(this)
    root = ET.fromstring(draw(this, graph, analysis))
    critical = [node for node in root.iter() if "critical" in node.get("class", "")]
    assert len(critical) == 1
    numbers = [node.text for node in root.iter() if node.get("class") == "number"]
    assert numbers == ["0", "1"]


def test_names_from_outside_cannot_break_the_picture() -> None:
    this = msgspec.structs.replace(subject([access()]), name="</svg><script>&\"'")
    analysis, graph = analyse(this)
    text = draw(this, graph, analysis)
    assert "<script>" not in text
    ET.fromstring(text)


def test_joins_are_drawn_and_explained() -> None:
    this = subject([access(deltas="a")] * 3 + [access("a")] * 2)
    analysis, graph = analyse(this)
    text = draw(this, graph, analysis)
    assert analysis.joins == 1
    assert "join: all on its left before any on its right" in text


# ---------------------------------------------------------------- export


def test_the_graph_comes_back_from_graphml() -> None:
    this = subject([access(deltas="a")] * 2 + [access("a", "c"), access("", "c")], (1, 2, 3, 4))
    graph = build_graph(this.accesses)
    exported = as_networkx(this, graph)
    back = nx.read_graphml(BytesIO(graphml(exported)), node_type=int)
    assert set(back.edges) == set(zip(graph.sources, graph.targets, strict=True))
    assert [back.nodes[node]["gas"] for node in sorted(back)] == [1, 2, 3, 4, 0]
    assert back.edges[2, 3]["kind"] == "waw"
    assert nx.dag_longest_path_length(back, weight=None) >= 2


def test_the_text_for_graphviz_has_every_edge() -> None:
    this = subject([access("a", "a")] * 3)
    text = dot(as_networkx(this, build_graph(this.accesses)))
    assert text.startswith("digraph block {\n")
    assert text.count("->") == 2
    assert '  0 -> 1 [tooltip="raw+waw"];' in text


@pytest.mark.parametrize("rule", ["deltas", "strict", "lazy"])
def test_a_critical_path_is_as_long_as_it_says(rule: str) -> None:
    block = [access("a", "b"), access("b", "c", "d"), access("d"), access("c", "a")]
    this = subject(block, (4, 3, 2, 1))
    analysis, graph = analyse(this, rule)
    path = lay_out(graph, this.gas).path
    assert sum(this.gas[node] for node in path if node < 4) == analysis.critical_path_gas
