"""How a kind is measured: turns, samples, percentiles, and probes that fit the kinds."""

import gc
from itertools import count

import pytest

from primitives.costs import CostKind
from sim.calibrate.material import Material, make_material
from sim.calibrate.probes import PROBES
from sim.calibrate.sampling import (
    Probe,
    ProbeMismatch,
    Trial,
    library_text,
    match_probes,
    measure,
    summarise,
    take_sample,
)
from sim.cost_kinds import KINDS

ROW = CostKind("node.row", "row", "Read one row.")
LINE = CostKind("node.line", "line", "Read one line.")


def idle(material: Material) -> Trial:
    return Trial(1, lambda: lambda: None)


def busy(material: Material) -> Trial:
    return Trial(2, lambda: lambda: sum(range(100)))


@pytest.fixture(scope="module")
def material() -> Material:
    return make_material()


def test_every_kind_has_a_probe_and_every_probe_a_kind() -> None:
    pairs = match_probes(KINDS, PROBES)
    assert [kind.name for kind, _ in pairs] == [kind.name for kind in KINDS]
    assert all(kind.name == probe.kind for kind, probe in pairs)


def test_a_kind_without_a_probe_is_named() -> None:
    with pytest.raises(ProbeMismatch, match=r"kinds without one: node\.line; .* none") as caught:
        match_probes([ROW, LINE], [Probe(ROW.name, idle)])
    assert (caught.value.missing, caught.value.unknown) == (["node.line"], [])


def test_a_probe_for_an_unknown_kind_is_named() -> None:
    probes = [Probe(ROW.name, idle), Probe("node.column", idle)]
    with pytest.raises(ProbeMismatch, match=r"unknown or repeated kinds: node\.column"):
        match_probes([ROW], probes)


def test_two_probes_for_one_kind_are_refused() -> None:
    probes = [Probe(ROW.name, idle), Probe(ROW.name, busy)]
    with pytest.raises(ProbeMismatch, match=r"unknown or repeated kinds: node\.row"):
        match_probes([ROW], probes)


def test_pairs_are_in_the_order_of_the_kinds() -> None:
    pairs = match_probes([ROW, LINE], [Probe(LINE.name, idle), Probe(ROW.name, busy)])
    assert [(kind.name, probe.set_up) for kind, probe in pairs] == [
        ("node.row", busy),
        ("node.line", idle),
    ]


@pytest.mark.parametrize(
    ("units", "sample_ns", "repetitions", "per_unit_ps"),
    [
        (1, 1, 1, 7_000),  # one repetition is the least
        (1, 7, 1, 7_000),
        (1, 8, 2, 7_000),
        (10, 70, 10, 700),
        (7_000_000, 0, 1, 1),  # no unit is free
    ],
)
def test_a_sample_repeats_until_it_is_long_enough(
    units: int, sample_ns: int, repetitions: int, per_unit_ps: int
) -> None:
    clock = count(step=7)
    calls: list[str] = []

    def prepare():
        calls.append("prepare")
        return lambda: calls.append("work")

    found = take_sample(Trial(units, prepare), sample_ns, lambda: next(clock))
    assert found == per_unit_ps
    assert calls == ["prepare", "work"] * repetitions


def test_preparation_is_off_the_clock() -> None:
    now = [0]

    def work() -> None:
        now[0] += 20

    def prepare():
        now[0] += 1_000
        return work

    assert take_sample(Trial(4, prepare), 30, lambda: now[0]) == 5_000


@pytest.mark.parametrize(
    ("samples", "low", "median", "high"),
    [
        ([5], 5, 5, 5),
        ([3, 1, 2], 1, 2, 3),
        (range(31), 3, 15, 27),
        (range(30, -1, -1), 3, 15, 27),
        ([1] * 30 + [1_000], 1, 1, 1),
    ],
)
def test_the_summary_is_median_and_percentiles(samples, low: int, median: int, high: int) -> None:
    row = summarise(ROW, "a 1", samples)
    assert (row.kind, row.unit, row.library) == ("node.row", "row", "a 1")
    assert (row.low_ps, row.median_ps, row.high_ps) == (low, median, high)
    assert row.samples == len(samples)


def test_kinds_take_turns(material: Material) -> None:
    order: list[str] = []

    def probe(name: str) -> Probe:
        return Probe(name, lambda _: Trial(1, lambda: lambda: order.append(name)))

    pairs = match_probes([ROW, LINE], [probe(ROW.name), probe(LINE.name)])
    rows = measure(pairs, material, 2, 0, lambda: order.append("round"))
    warm_up = [ROW.name, LINE.name]
    one_round = [ROW.name, LINE.name, "round"]
    assert order == warm_up + 2 * one_round
    assert [(row.kind, row.samples) for row in rows] == [(ROW.name, 2), (LINE.name, 2)]


def test_the_garbage_collector_is_off_while_measuring_and_on_again_after(
    material: Material,
) -> None:
    seen: list[bool] = []

    def failing() -> None:
        seen.append(gc.isenabled())
        raise KeyboardInterrupt

    pairs = match_probes([ROW], [Probe(ROW.name, lambda _: Trial(1, lambda: failing))])
    assert gc.isenabled()
    with pytest.raises(KeyboardInterrupt):
        measure(pairs, material, 1, 0)
    assert seen == [False]
    assert gc.isenabled()


def test_libraries_are_named_with_their_versions() -> None:
    assert library_text(()) == "orrery"
    assert library_text(("msgspec",)) == "msgspec 0.22.0"
    text = library_text(("coincurve", "safe-pysha3"))
    assert text.startswith("coincurve 21.")
    assert ", safe-pysha3 1." in text
