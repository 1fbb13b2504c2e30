"""metrics.om: valid OpenMetrics, and the numbers of the collector."""

import io
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from sim.report import Collector
from sim.report.metrics import write_metrics
from sim.report.openmetrics import OpenMetricsWriter, format_timestamp, format_value
from tests.unit.sim.report_runs import busy_run, feed, shape


def text_of(collector: Collector, epoch_s: int = 0) -> str:
    out = io.StringIO()
    write_metrics(collector, out, epoch_s)
    return out.getvalue()


def samples_of(text: str) -> dict[str, list[tuple[float, float]]]:
    """Return (timestamp, value) pairs by series, as they stand in the text."""
    samples: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for line in text.splitlines():
        if not line.startswith("#"):
            series, value, stamp = line.rsplit(" ", 2)
            samples[series].append((float(stamp), float(value)))
    return samples


def at_instant(text: str, stamp: str) -> str:
    """Return the exposition of one instant, without timestamps."""
    lines = []
    for line in text.splitlines():
        if line.startswith("#"):
            lines.append(line)
        elif line.endswith(" " + stamp):
            lines.append(line.removesuffix(" " + stamp))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def busy() -> Collector:
    return busy_run(nodes=5, seconds=12, rate=40)


def test_series_are_contiguous_with_ascending_timestamps(busy: Collector) -> None:
    text = text_of(busy)
    assert text.endswith("# EOF\n")
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    current = ""
    for line in text.splitlines()[:-1]:
        if line.startswith("# TYPE"):
            current = line.split()[2]
        elif not line.startswith("#"):
            assert line.startswith(current)
    for series, points in samples_of(text).items():
        stamps = [stamp for stamp, _ in points]
        assert stamps == sorted(set(stamps)), series


def test_an_openmetrics_parser_accepts_every_instant(busy: Collector) -> None:
    """Instants apart: the parser loses histogram samples where a group has several timestamps."""
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    text = text_of(busy)
    for stamp in ("0", "6", "12"):
        families = list(parser.text_string_to_metric_families(at_instant(text, stamp)))
        names = {family.name for family in families}
        assert {"blockchain_transactions", "blockchain_tps", "consensus_view"} <= names
        assert {"network_sent_bytes", "blockchain_confirmation_time_seconds"} <= names


def test_an_openmetrics_parser_accepts_the_rest_as_a_whole(busy: Collector) -> None:
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    text = text_of(busy)
    plain = [
        line
        for line in text.splitlines(keepends=True)
        if not any(f"blockchain_{name}" in line for name in ("block_", "confirmation_"))
    ]
    families = {f.name: f for f in parser.text_string_to_metric_families("".join(plain))}
    height = families["blockchain_height"]
    assert len(height.samples) == 5 * len(busy.sampled_ns)


def test_promtool_builds_blocks_from_it(busy: Collector, tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    source = tmp_path / "metrics.om"
    source.write_text(text_of(busy, epoch_s=1_700_000_000))
    command = [
        promtool,
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        str(source),
        str(tmp_path / "tsdb"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "tsdb").iterdir())


def test_final_samples_are_the_totals(busy: Collector) -> None:
    samples = samples_of(text_of(busy))
    for node in range(5):
        final = samples[f'blockchain_transactions_total{{node="{node}",shard="0"}}'][-1]
        assert final == (12, busy.nodes.transactions.live[node])
    sent = sum(p[-1][1] for s, p in samples.items() if s.startswith("network_sent_bytes_total"))
    assert sent == sum(k.bytes_by_second.total for k in busy.traffic_by_kind.values())


def test_tps_is_the_increase_a_second() -> None:
    run = feed(shape(nodes=1, seconds=4))
    run.commit(0.5, 0, 1, *range(8))
    run.commit(2.25, 0, 2, *range(10, 14))
    samples = samples_of(text_of(run.finish(2.5)))
    assert samples['blockchain_tps{node="0",shard="0"}'] == [(0, 0), (1, 8), (2, 0), (2.5, 8)]


def test_histograms_count_up_to_each_bound() -> None:
    run = feed(shape(nodes=1, seconds=2))
    for number, at_s in ((1, 0.5), (2, 0.9)):
        run.submit(at_s, 0, number)
    run.commit(1.0, 0, 1, 1, 2)
    samples = samples_of(text_of(run.finish(2)))
    name = "blockchain_confirmation_time_seconds"
    by_bound = {
        series.split('le="')[1][:-2]: points[-1][1]
        for series, points in samples.items()
        if series.startswith(f"{name}_bucket")
    }
    assert by_bound["0.05"] == 0
    assert by_bound["0.1"] == 1
    assert by_bound["0.4"] == 1
    assert by_bound["0.6"] == by_bound["+Inf"] == 2
    assert samples[f'{name}_sum{{node="0",shard="0"}}'][-1][1] == pytest.approx(0.6)


def test_the_epoch_moves_every_timestamp() -> None:
    run = feed(shape(nodes=1, seconds=1))
    moved = samples_of(text_of(run.finish(1), epoch_s=1_000))
    assert moved['blockchain_height{node="0",shard="0"}'] == [(1_000, 0), (1_001, 0)]


def test_samples_of_one_millisecond_are_joined_into_the_last() -> None:
    run = feed(shape(nodes=1, seconds=2))
    run.commit(1.0000004, 0, 1)
    samples = samples_of(text_of(run.finish(1.0000005)))
    assert samples['blockchain_height{node="0",shard="0"}'] == [(0, 0), (1, 1)]


def test_silent_senders_have_no_series() -> None:
    run = feed(shape(nodes=3, seconds=1))
    run.sent(0.5, 1, "Commit", 2, 20)
    series = [s for s in samples_of(text_of(run.finish(1))) if s.startswith("network_sent_mess")]
    assert series == ['network_sent_messages_total{node="1",shard="0",kind="Commit"}']


def test_labels_and_help_are_escaped() -> None:
    out = io.StringIO()
    writer = OpenMetricsWriter(out, [0])
    writer.family("x", "gauge", 'a "b"\nc')
    writer.series("x", (("name", 'q"\\\n'),), [1])
    assert out.getvalue().splitlines()[1:] == [
        '# HELP x a \\"b\\"\\nc',
        'x{name="q\\"\\\\\\n"} 1 0',
    ]


def test_numbers_keep_their_value() -> None:
    assert format_timestamp(1_500_000_000) == "1.500"
    assert format_timestamp(2_000_000_999) == "2"
    assert format_timestamp(61_000_999_999) == "61"
    assert format_timestamp(61_001_000_000) == "61.001"
    assert format_value(0.1) == "0.1"
    assert format_value(12) == "12"
