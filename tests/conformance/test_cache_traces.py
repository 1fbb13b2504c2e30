"""Public cache traces: every file is read, none beats Belady, S3-FIFO holds its promise."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.caches.optimum import optimal_hits
from bench.caches.replay import hits
from bench.caches.traces import find_traces, parse_binary, parse_text, read_trace
from primitives.errors import InvalidInput
from storage.cache import POLICIES
from tests.conformance.tally import Tally

Record = Callable[[str, object], None]

WINS_MIN = 10
"""Traces on which S3-FIFO has to have as many hits as LRU, at each size."""
SHORT = 30_000
"""Requests of traces that all policies replay in the quick tests."""
REFERENCE: dict[str, tuple[int, float, float, float]] = {
    "loop": (512, 0.0, 0.0, 0.505),
    "multi1": (1_000, 0.482, 0.579, 0.714),
    "multi2": (2_000, 0.490, 0.659, 0.747),
    "multi3": (2_000, 0.446, 0.556, 0.688),
    "sprite": (500, 0.783, 0.787, 0.879),
    "2_pools": (250, 0.417, 0.507, 0.579),
    "gli": (500, 0.010, 0.162, 0.343),
}
"""Entries, and the hit rates that another implementation measured: LRU, S3-FIFO, Belady."""
TOLERANCE = 0.006
"""Rates are given to three places; that Belady had to admit every newcomer."""


@pytest.fixture(scope="module")
def traces(vectors: Path) -> dict[str, list[bytes]]:
    """Return all traces; a file of a form that is not known fails every test here."""
    directory = vectors / "caches"
    if not directory.is_dir():
        pytest.skip(f"no cache traces at {directory}")
    found = {name: read_trace(path) for name, path in find_traces(directory)}
    assert found
    return found


def room(requests: list[bytes], percent: int) -> int:
    return max(1, len(set(requests)) * percent // 100)


def test_no_policy_beats_the_optimum(
    traces: dict[str, list[bytes]], record_property: Record
) -> None:
    tally = Tally("cache traces at 10 % of their keys, by policy")
    for name, requests in traces.items():
        entries = room(requests, 10)
        for policy in POLICIES:
            if len(requests) > SHORT:
                tally.leave_out(f"more than {SHORT:,} requests: a soak replays them")
                continue
            most, had = optimal_hits(requests, entries), hits(policy, requests, entries)
            tally.add([f"{name}: {policy} has {had} of {most}"] if had > most else [])
    tally.report(record_property)


@pytest.mark.parametrize(
    "percent",
    [10, *(pytest.param(other, marks=pytest.mark.soak) for other in (1, 2, 5, 15, 20, 30, 40))],
)
def test_s3_fifo_is_no_worse_than_lru_on_ten_traces(
    traces: dict[str, list[bytes]], percent: int
) -> None:
    worse = []
    for name, requests in traces.items():
        entries = room(requests, percent)
        if hits("s3-fifo", requests, entries) < hits("lru", requests, entries):
            worse.append(name)
    assert len(traces) - len(worse) >= WINS_MIN, f"worse on {worse}"


@pytest.mark.parametrize("name", ["gli", "multi1", "multi2", "multi3", "2_pools", "sprite"])
def test_hit_rates_are_those_of_another_implementation(
    traces: dict[str, list[bytes]], name: str
) -> None:
    check_reference(traces, name)


@pytest.mark.soak
def test_the_long_loop_has_the_hit_rates_of_another_implementation(
    traces: dict[str, list[bytes]],
) -> None:
    check_reference(traces, "loop")


def check_reference(traces: dict[str, list[bytes]], name: str) -> None:
    entries, *expected = REFERENCE[name]
    requests = traces[name]
    total = len(requests)
    rates = [hits(policy, requests, entries) / total for policy in ("lru", "s3-fifo")]
    rates.append(optimal_hits(requests, entries) / total)
    assert rates == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.soak
@pytest.mark.parametrize("percent", [1, 5, 10, 20, 40])
def test_no_policy_beats_the_optimum_anywhere(traces: dict[str, list[bytes]], percent: int) -> None:
    for name, requests in traces.items():
        entries = room(requests, percent)
        most = optimal_hits(requests, entries)
        assert all(hits(policy, requests, entries) <= most for policy in POLICIES), name


def test_marks_and_empty_lines_ask_for_nothing() -> None:
    assert parse_text(b"1\r\n*\n\n2\n1", "x") == [bytes(7) + bytes([n]) for n in (1, 2, 1)]


@pytest.mark.parametrize("line", [b"1 2", b"x", b"-1", b"18446744073709551616"])
def test_a_line_that_is_no_number_is_an_error(line: bytes) -> None:
    with pytest.raises(InvalidInput, match="x:2"):
        parse_text(b"1\n" + line + b"\n", "x")


def test_a_key_that_is_cut_off_is_an_error() -> None:
    assert parse_binary(bytes(16), "x") == [bytes(8)] * 2
    with pytest.raises(InvalidInput, match="multiple of 8"):
        parse_binary(bytes(15), "x")


def test_a_file_of_another_form_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "lirs").mkdir()
    (tmp_path / "lirs" / "wiki.csv").write_text("1,2\n")
    ((_, path),) = find_traces(tmp_path)
    with pytest.raises(InvalidInput, match=r"wiki\.csv"):
        read_trace(path)
