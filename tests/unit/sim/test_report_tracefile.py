"""The trace file: written as it comes, read back, and honest about its end."""

from pathlib import Path

import pytest
import zstandard

from primitives.errors import InvalidEncoding
from sim.report import TraceLine, TraceWriter, read_trace
from sim.report.tracefile import FLUSH_LINES, plain_value
from sim.trace import Observation
from sim.trace_events import Crashed, Partitioned
from tests.unit.sim.report_runs import committed, digest_of


def write(path: Path, *observations: Observation) -> None:
    with TraceWriter(path) as writer:
        for observation in observations:
            writer.observe(observation)


def test_lines_read_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl.zst"
    write(
        path,
        Observation(5, 2, committed(1, transactions=3, view=4)),
        Observation(9, -1, Partitioned(((0, 1), (2,)))),
        Observation(9, 0, Crashed()),
    )
    lines = list(read_trace(path))
    assert [(line.at_ns, line.node, line.event) for line in lines] == [
        (5, 2, "chain.block_committed"),
        (9, -1, "fault.partitioned"),
        (9, 0, "fault.crashed"),
    ]
    assert lines[0].fields["digest"] == "0x" + digest_of(1).hex()
    assert (lines[0].fields["view"], lines[0].fields["transactions"]) == (4, 3)
    assert lines[1].fields["groups"] == [[0, 1], [2]]
    assert lines[2] == TraceLine(9, 0, "fault.crashed", {})


def test_each_line_is_one_json_object(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl.zst"
    write(path, Observation(5, 2, Crashed()))
    text = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()
    assert text == b'{"at_ns":5,"node":2,"event":"fault.crashed","fields":{}}\n'


def test_the_same_stream_gives_the_same_bytes(tmp_path: Path) -> None:
    stream = [Observation(i, i % 4, committed(i)) for i in range(1, 500)]
    write(tmp_path / "a", *stream)
    write(tmp_path / "b", *stream)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_empty_trace_has_no_lines(tmp_path: Path) -> None:
    write(tmp_path / "trace")
    assert list(read_trace(tmp_path / "trace")) == []


def test_what_a_killed_run_leaves_reads_up_to_the_last_flush(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    writer = TraceWriter(path)
    for i in range(FLUSH_LINES + 7):
        writer.observe(Observation(i, 0, Crashed()))
    left = path.read_bytes()
    writer.close()
    (tmp_path / "left").write_bytes(left)
    reader = read_trace(tmp_path / "left")
    lines = [next(reader) for _ in range(FLUSH_LINES)]
    assert lines[-1].at_ns == FLUSH_LINES - 1
    with pytest.raises(InvalidEncoding, match=f"line {FLUSH_LINES + 1}: .* cut off"):
        next(reader)


def test_a_second_close_does_nothing(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace")
    writer.close()
    writer.close()


def compressed(path: Path, content: bytes) -> Path:
    path.write_bytes(zstandard.ZstdCompressor().compress(content))
    return path


def test_a_malformed_line_is_named(tmp_path: Path) -> None:
    good = b'{"at_ns":5,"node":2,"event":"fault.crashed"}\n'
    path = compressed(tmp_path / "trace", good + good + b"{nonsense}\n")
    with pytest.raises(InvalidEncoding, match="trace: line 3: expected one trace record"):
        list(read_trace(path))


def test_a_line_of_another_type_is_named(tmp_path: Path) -> None:
    path = compressed(tmp_path / "trace", b'{"at_ns":"5","node":2,"event":"x"}\n')
    with pytest.raises(InvalidEncoding, match="line 1: expected one trace record"):
        list(read_trace(path))


def test_a_line_cut_short_is_named_after_the_whole_ones(tmp_path: Path) -> None:
    good = b'{"at_ns":5,"node":2,"event":"fault.crashed"}\n'
    lines = read_trace(compressed(tmp_path / "trace", good + b'{"at_ns":6'))
    assert next(lines).at_ns == 5
    with pytest.raises(InvalidEncoding, match="line 2: expected the end of a whole trace file"):
        next(lines)


def test_a_file_that_is_not_zstandard_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(b"plain text\n")
    with pytest.raises(InvalidEncoding, match="expected one trace record"):
        list(read_trace(path))


def test_bytes_become_hex_at_any_depth() -> None:
    assert plain_value(((b"\x00\xff", 3), "x")) == [["0x00ff", 3], "x"]
