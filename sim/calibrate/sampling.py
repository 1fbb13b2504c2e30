"""How one kind of work is measured.

A sample is the work done again and again until enough time has passed for the clock not to
matter. What the work needs is made before each repetition, off the clock, because most work uses
up what it is given: a transaction enters a pool once.

The machine is rarely idle. The clock is therefore that of this thread's processor time, which
stands still while another process has the core; a wall clock gave twice the cost on a busy
machine. Caches and clock rates still suffer from neighbours, so the kinds take turns: each gives
one sample in each of many rounds. A busy second then falls on one sample of every kind, where the
median does not see it, instead of on every sample of one kind.
"""

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version

import msgspec

from primitives.costs import CostKind
from primitives.errors import OrreryError
from sim.calibrate.material import Material
from sim.profile import Measured

ROUNDS = 31
"""Samples of each kind; odd, so that the median is one of them."""
SAMPLE_NS = 5_000_000
"""Least time on the clock in one sample, ns."""
PICOSECONDS_PER_NANOSECOND = 1_000
OWN = "orrery"
"""Named as the library when the work is done by code of our own."""

Work = Callable[[], object]


class Trial(msgspec.Struct, frozen=True):
    """Work that is ready to be timed."""

    units: int
    """How many units one repetition does, at least 1."""
    prepare: Callable[[], Work]
    """Makes what one repetition needs and returns it, ready to be called once."""


class Probe(msgspec.Struct, frozen=True):
    """How one kind is measured."""

    kind: str
    set_up: Callable[[Material], Trial]
    """Makes what all repetitions share."""
    libraries: tuple[str, ...] = ()
    """Distributions that do most of the work; empty for code of our own."""


class ProbeMismatch(OrreryError):
    """The probes are not those of the kinds."""

    def __init__(self, missing: Sequence[str], unknown: Sequence[str]) -> None:
        self.missing = missing
        self.unknown = unknown
        super().__init__(
            "expected one probe for each kind of work; "
            f"kinds without one: {', '.join(missing) or 'none'}; "
            f"probes for unknown or repeated kinds: {', '.join(unknown) or 'none'}"
        )


def match_probes(
    kinds: Sequence[CostKind], probes: Sequence[Probe]
) -> tuple[tuple[CostKind, Probe], ...]:
    """Return each kind with its probe, in the order of the kinds.

    Raises:
        ProbeMismatch: a kind has none, or a probe has no kind of its own.
    """
    names = [kind.name for kind in kinds]
    by_kind = {probe.kind: probe for probe in probes}
    missing = [name for name in names if name not in by_kind]
    unknown = [
        probe.kind for probe in probes if probe.kind not in names or by_kind[probe.kind] != probe
    ]
    if missing or unknown:
        raise ProbeMismatch(missing, unknown)
    return tuple((kind, by_kind[kind.name]) for kind in kinds)


def measure(
    pairs: Sequence[tuple[CostKind, Probe]],
    material: Material,
    rounds: int = ROUNDS,
    sample_ns: int = SAMPLE_NS,
    advance: Callable[[], None] = lambda: None,
) -> tuple[Measured, ...]:
    """Measure all kinds.

    Args:
        pairs: each kind with its probe.
        material: what the probes work on.
        rounds: samples of each kind, at least 1.
        sample_ns: least length of a sample, ns.
        advance: called after each round.
    """
    trials = [probe.set_up(material) for _, probe in pairs]
    samples: list[list[int]] = [[] for _ in trials]
    with collector_off():
        for trial in trials:
            trial.prepare()()  # The first time pays for caches and lazy imports.
        for _ in range(rounds):
            for trial, own in zip(trials, samples, strict=True):
                own.append(take_sample(trial, sample_ns))
            advance()
    return tuple(
        summarise(kind, library_text(probe.libraries), own)
        for (kind, probe), own in zip(pairs, samples, strict=True)
    )


def take_sample(
    trial: Trial, sample_ns: int, clock: Callable[[], int] = time.thread_time_ns
) -> int:
    """Return picoseconds for one unit, at least 1, over at least `sample_ns` on the clock."""
    total = units = 0
    while not units or total < sample_ns:
        work = trial.prepare()
        start = clock()
        work()
        total += clock() - start
        units += trial.units
    return max(1, round(total * PICOSECONDS_PER_NANOSECOND / units))


def summarise(kind: CostKind, library: str, samples: Iterable[int]) -> Measured:
    """Return median and 10th and 90th percentile of samples in picoseconds, at least one."""
    ordered = sorted(samples)
    last = len(ordered) - 1
    return Measured(
        kind=kind.name,
        unit=kind.unit,
        median_ps=ordered[last // 2],
        low_ps=ordered[last // 10],
        high_ps=ordered[last - last // 10],
        samples=len(ordered),
        library=library,
    )


def library_text(libraries: Sequence[str]) -> str:
    """Return distributions with their installed versions, or `OWN` for none."""
    return ", ".join(f"{name} {version(name)}" for name in libraries) or OWN


@contextmanager
def collector_off() -> Iterator[None]:
    """Keep the cyclic garbage collector from running at moments of its own choice."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
