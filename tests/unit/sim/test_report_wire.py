"""What compact blocks and compression come to, in figures and on the page."""

import pytest

from network.compact.trace import CompactRebuilt
from sim.report.compact import CompactLedger
from sim.report.page.wire import compact_card, compression_card
from sim.report.wire import added, compression_figures

AT_ONCE = CompactRebuilt(b"a", 10, 9, 1, 0, 1_000, 100, 0)
FETCHED = CompactRebuilt(b"b", 10, 5, 0, 5, 1_000, 60, 540)
WHOLE = CompactRebuilt(b"c", 10, 0, 0, 0, 1_000, 60, 1_000)


def test_blocks_are_summed_over_all_nodes() -> None:
    ledger = CompactLedger(2)
    assert ledger.figures() is None
    for node, event in ((0, AT_ONCE), (1, FETCHED), (1, WHOLE)):
        ledger.on_rebuilt(node, event)
    figures = ledger.figures()
    assert figures is not None
    assert (figures.blocks, figures.at_once, figures.whole) == (3, 1, 1)
    assert figures.hit_rate == pytest.approx(14 / 20)
    assert figures.prefilled_rate == pytest.approx(1 / 20)
    assert figures.share_saved == pytest.approx(1 - (220 + 1_540) / 3_000)


def test_kinds_that_were_tried_stand_by_their_plain_bytes() -> None:
    rows = compression_figures(
        [("Vote", 9, 900, 0), ("Block", 3, 600, 300), ("Body", 5, 4_000, 1_000)],
        {("Block", "zip"): 300, ("Body", "zip"): 5_000},
        {("Body", "unzip"): 2_000},
        {"zip": 10**9, "unzip": 10**6},
    )
    assert [each.kind for each in rows] == ["Body", "Block"]
    assert [each.ratio for each in rows] == pytest.approx([0.8, 2 / 3])
    assert [each.compressing_seconds for each in rows] == pytest.approx([5.0, 0.3])
    assert [each.decompressing_seconds for each in rows] == pytest.approx([0.002, 0.0])


def test_counts_of_several_ways_to_compress_are_added() -> None:
    assert added([{("a", "x"): 1}, {("a", "x"): 2, ("b", "x"): 3}]) == {
        ("a", "x"): 3,
        ("b", "x"): 3,
    }


def test_the_page_has_a_card_for_each_that_there_was() -> None:
    assert compact_card(None) is None
    assert compression_card(()) is None
    ledger = CompactLedger(1)
    ledger.on_rebuilt(0, AT_ONCE)
    assert "90.0 %" in str(compact_card(ledger.figures()))
    rows = compression_figures([("Body", 5, 4_000, 1_000)], {("Body", "zip"): 1}, {}, {"zip": 1})
    assert "80.0 %" in str(compression_card(rows))
