"""Figures, metrics and the card of storage."""

import io
import re

import msgspec
import pytest

from sim.report.collect import Collector
from sim.report.metrics import write_metrics
from sim.report.page.storage import MARKS_SHOWN, storage_card
from sim.report.result import RunResult, encode_result
from sim.report.series import SECOND_NS
from sim.report.storage import StorageFigures, StorageLedger, StoreFiles, StoreMark
from sim.report.stream import RunShape
from sim.store_meter import resident_bytes
from sim.trace import Stored, Trace
from tests.unit.sim.kernel_worlds import Poke, Scene, persist
from tests.unit.sim.report_runs import Blocks

MS = 1_000_000


def stored(node: int, size: int, wait_ms: float, at_ns: int = 0) -> Stored:
    return Stored(at_ns, node, size, round(wait_ms * MS))


def marks(count: int) -> tuple[StoreMark, ...]:
    return tuple(
        StoreMark(at_seconds=k, height=10 * k, file_bytes=k << 20, process_bytes=50 << 20)
        for k in range(1, count + 1)
    )


FIGURES = StorageFigures(
    batches=1_234,
    written_bytes=5_600_000,
    sync_seconds_mean=0.002,
    sync_seconds_max=0.25,
    engine="rocksdb",
    state="flat",
    rows=4_321,
    row_bytes=777_000,
    files=StoreFiles(file_bytes=9_000_000, asked_bytes=1_000, written_bytes=2_500),
    marks=marks(25),
)


def test_batches_bytes_and_waits_are_counted() -> None:
    ledger = StorageLedger(2)
    assert ledger.figures() is None
    for each in (stored(0, 100, 1), stored(1, 300, 2), stored(1, 50, 6)):
        ledger.on_stored(each)
    figures = ledger.figures()
    assert figures is not None
    assert (figures.batches, figures.written_bytes) == (3, 450)
    assert figures.sync_seconds_mean == pytest.approx(0.003)
    assert figures.sync_seconds_max == pytest.approx(0.006)


def test_metrics_have_every_node_at_every_instant() -> None:
    collector = Collector(RunShape(2, 2, 3 * SECOND_NS), Blocks())
    collector.stored(stored(0, 100, 1, MS))
    collector.stored(stored(1, 40, 30, SECOND_NS + MS))
    collector.stored(stored(0, 7, 1, 2 * SECOND_NS + MS))
    collector.finish(3 * SECOND_NS)
    out = io.StringIO()
    write_metrics(collector, out)
    text = out.getvalue()

    def values(name: str) -> list[str]:
        return re.findall(rf"^{re.escape(name)} (\S+) ", text, re.MULTILINE)

    assert values('storage_syncs_total{node="0",shard="0"}') == ["0", "1", "1", "2"]
    assert values('storage_written_bytes_total{node="0",shard="0"}') == ["0", "100", "100", "107"]
    assert values('blockchain_disk_io_bytes_total{node="1",shard="0",direction="written"}') == [
        "0",
        "0",
        "40",
        "40",
    ]
    assert values('storage_sync_wait_seconds_bucket{node="1",shard="0",le="0.02"}') == [
        "0",
        "0",
        "0",
        "0",
    ]
    assert values('storage_sync_wait_seconds_bucket{node="1",shard="0",le="0.05"}') == [
        "0",
        "0",
        "1",
        "1",
    ]
    assert "# UNIT storage_written_bytes bytes\n" in text


def test_a_run_that_wrote_nothing_has_no_families_and_no_card() -> None:
    collector = Collector(RunShape(1, 1, SECOND_NS), Blocks())
    collector.finish(SECOND_NS)
    out = io.StringIO()
    write_metrics(collector, out)
    assert "storage_" not in out.getvalue()
    assert "disk_io" not in out.getvalue()
    assert storage_card(None) is None


def test_the_card_shows_figures_and_some_of_the_marks() -> None:
    page = str(storage_card(FIGURES))
    for text in ("Storage: rocksdb, flat", "1,234", "5.6 MB", "2 ms", "250 ms", "4,321", "2.5"):
        assert text in page
    heights = re.findall(r"<td[^>]*>(\d+0)</td>", page)
    assert heights[-1] == "250"
    assert len(heights) <= MARKS_SHOWN
    plain = msgspec.structs.replace(FIGURES, files=None, marks=())
    assert "each byte of a batch" not in str(storage_card(plain))


def test_a_summary_comes_back_with_its_storage() -> None:
    result = msgspec.convert(
        {
            **dict.fromkeys(("scenario", "digest"), "x"),
            **dict.fromkeys(("seed", "nodes", "height", "blocks", "transactions"), 1),
            **dict.fromkeys(("messages", "bytes", "view_changes"), 1),
            **dict.fromkeys(("virtual_seconds", "wall_seconds", "tps"), 1.0),
            "confirmation_time_seconds": {},
            "storage": FIGURES,
        },
        RunResult,
        from_attributes=True,
    )
    assert msgspec.json.decode(encode_result(result), type=RunResult) == result


def test_the_kernel_tells_who_wants_to_hear_of_batches() -> None:
    scene = Scene({(0, Poke): [[persist(value=b"four")]]})
    heard: list[Stored] = []
    scene.kernel.trace.subscribe(storage=heard.append)
    scene.poke(100)
    scene.run()
    # Handed over at 101, durable 504 ns later.
    assert heard == [Stored(605, 0, 4, 504)]
    assert not Trace().wants_storage


def test_the_memory_of_this_process_is_known_or_said_to_be_unknown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    assert resident_bytes() > 10 << 20
    monkeypatch.setattr("sim.store_meter.STATM", tmp_path / "absent")  # type: ignore[operator]
    assert resident_bytes() == 0
