"""`orrery calibrate`: what it measures, prints, writes and refuses."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from primitives.errors import InvalidInput
from sim.calibrate.calibration import (
    calibrate,
    check_writable,
    format_time,
    show_profile,
    write_profile,
)
from sim.calibrate.machine import machine_facts, processor_model
from sim.cli import main
from sim.cost_kinds import KINDS
from sim.profile import Profile, check_kinds, decode_profile, encode_profile, load_profile
from tests.architecture.test_costs import listed


@pytest.fixture(scope="module")
def profile() -> Profile:
    return calibrate(rounds=3, sample_ns=1)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: Profile) -> list[str]:
    """Run in an empty directory, with a measurement that is made already."""
    calls: list[str] = []

    def measured() -> Profile:
        calls.append("measured")
        return profile

    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(main.__globals__, "COMMANDS", {"calibrate": "sim.calibrate"})
    monkeypatch.setattr("sim.calibrate.calibration.calibrate", measured)
    return calls


def test_every_kind_is_measured_in_its_unit(profile: Profile) -> None:
    assert [(row.kind, row.unit) for row in profile.costs] == [(k.name, k.unit) for k in KINDS]
    check_kinds(profile, "measured")


def test_the_kinds_are_those_of_all_packages() -> None:
    assert {kind.name: kind for kind in KINDS} == listed()
    assert len(KINDS) == len(listed())


def test_measured_values_are_positive_and_ordered(profile: Profile) -> None:
    for row in profile.costs:
        assert 0 < row.low_ps <= row.median_ps <= row.high_ps, row.kind
        assert row.samples == 3


def test_libraries_and_their_versions_are_named(profile: Profile) -> None:
    libraries = {row.kind: row.library for row in profile.costs}
    assert libraries["consensus.vote_verify"].startswith("PyNaCl 1.")
    assert libraries["node.recover_sender"].startswith("coincurve 21.")
    assert libraries["node.execute_transfer"] == "orrery"


def test_a_profile_survives_its_encoding(profile: Profile) -> None:
    assert decode_profile(encode_profile(profile), "x") == profile


def test_the_shipped_profile_is_a_measured_one() -> None:
    shipped = load_profile()
    assert [(row.kind, row.unit) for row in shipped.costs] == [(k.name, k.unit) for k in KINDS]
    for row in shipped.costs:
        assert 0 < row.low_ps <= row.median_ps <= row.high_ps, row.kind
        assert row.samples >= 31
    machine = shipped.machine
    assert machine.cores >= 1
    assert machine.memory_bytes > 2**30
    assert machine.python.startswith("CPython 3.")
    assert len(machine.measured_on) == len("2026-11-20")


def test_shipped_costs_are_plausible() -> None:
    """Curve arithmetic takes tens of microseconds, pairings a thousand; a look-up a few at most."""
    costs = load_profile().costs_ps()
    curves = ("consensus.vote_sign", "consensus.vote_verify", "node.recover_sender")
    assert all(8_000_000 < costs[kind] < 200_000_000 for kind in curves)
    others = {kind: cost for kind, cost in costs.items() if kind not in curves}
    pairings = {kind: others.pop(kind) for kind in tuple(others) if ".bls_" in kind}
    assert all(100_000 < cost < 5_000_000_000 for cost in pairings.values())
    # A result's two proofs are some ten hashes each, and as many nodes to decode.
    assert 10_000_000 < others.pop("node.check_result") < 100_000_000
    # Both set up much for little: a machine for each contract, some contracts for each block.
    for kind in ("node.call_contract", "node.system_calls"):
        assert 10_000_000 < others.pop(kind) < 500_000_000
    assert all(cost < 25_000_000 for cost in others.values())
    assert 1_000 < costs["node.compute_gas"] < 200_000
    assert costs["network.served_byte"] < 20_000


def test_machine_facts_are_of_this_machine() -> None:
    facts = machine_facts()
    assert facts.processor
    assert facts.cores >= 1
    assert facts.memory_bytes > 2**26
    assert facts.python.split()[1].startswith("3.")
    assert facts.measured_on[4] == facts.measured_on[7] == "-"


def test_the_processor_is_named_as_linux_names_it(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(
        "processor\t: 0\nmodel\t\t: 17\nmodel name\t: Fast: 9000 \n\nmodel name\t: x"
    )
    assert processor_model(cpuinfo) == "Fast: 9000"
    cpuinfo.write_text("model name\t: \n")
    assert processor_model(cpuinfo) == processor_model(tmp_path / "absent") != ""


def test_the_command_prints_a_table_and_says_where_the_profile_is(
    quick: list[str],
    profile: Profile,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Wide enough that no cell is folded, whatever the figures are.
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["calibrate"]) == 0
    output = capsys.readouterr().out
    assert f"profile {profile.fingerprint()} written to profile.json" in output
    assert all(kind.name in output for kind in KINDS)
    assert "coincurve 21." in output
    assert load_profile(Path("profile.json")) == profile
    assert quick == ["measured"]


def test_the_command_writes_where_it_is_told(quick: list[str], profile: Profile) -> None:
    out = Path("mine.json")
    out.write_text("something longer than nothing" * 1_000)
    assert main(["calibrate", "--out", "mine.json"]) == 0
    assert out.read_bytes() == encode_profile(profile)
    assert [path.name for path in Path().iterdir()] == ["mine.json"]


def test_json_is_the_profile_and_nothing_else(
    quick: list[str], profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", "--json"]) == 0
    shown = capsys.readouterr()
    assert decode_profile(shown.out.encode(), "stdout") == profile
    assert "written to profile.json" in shown.err


@pytest.mark.parametrize("out", ["absent/profile.json", "."])
def test_a_file_that_cannot_be_written_is_refused_before_measuring(
    out: str, quick: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", "--out", out]) == 2
    expected = f"profile {out}: expected a file that can be written; name another one with --out"
    assert expected in capsys.readouterr().err
    assert quick == []


def test_the_check_leaves_no_trace(tmp_path: Path) -> None:
    fresh, old = tmp_path / "fresh", tmp_path / "old"
    old.write_text("kept")
    check_writable(fresh)
    check_writable(old)
    assert not fresh.exists()
    assert old.read_text() == "kept"


def test_a_write_that_fails_is_no_crash(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="a file that can be written"):
        write_profile(tmp_path, b"x")


def test_the_table_fits_a_narrow_page() -> None:
    console = Console(width=100, file=StringIO())
    with console.capture() as shown:
        show_profile(load_profile(), console)
    lines = shown.get().splitlines()
    assert len(lines) > len(KINDS)
    assert max(map(len, lines)) <= 100
    assert not any("…" in line for line in lines)


@pytest.mark.parametrize(
    ("picoseconds", "text"),
    [
        (0, "0 ps"),
        (999, "999 ps"),
        (1_000, "1 ns"),
        (1_414, "1.41 ns"),
        (999_499, "999 ns"),
        (999_600, "1 us"),
        (42_700_000, "42.7 us"),
        (999_600_000, "1 ms"),
        (12_345_678_900, "12.3 ms"),
    ],
)
def test_times_are_shown_to_three_figures(picoseconds: int, text: str) -> None:
    assert format_time(picoseconds) == text
