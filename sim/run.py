"""One run of one scenario, from start to result."""

import gc
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from node.wire import node_codec
from primitives.ids import Instant, NodeId
from sim.assembly import build_world
from sim.certificates import CERTIFICATE, COMMITTEE, certificate_files
from sim.checkers import (
    Bounded,
    CheckContext,
    Checker,
    CheckerSuite,
    Recovery,
    Stranded,
    Violation,
    ViolationFound,
    certificate_verifier,
    evaluate,
    expected_checkers,
    safety_checkers,
)
from sim.crew import Crew, hired
from sim.packing import Packer
from sim.pictures import network_picture
from sim.pools import Pools
from sim.profile import Profile, load_profile
from sim.registry import foreign_checkers
from sim.report import (
    Breach,
    Collector,
    RunIdentity,
    RunResult,
    RunShape,
    TraceWriter,
    begin_run_directory,
    build_result,
    write_run_directory,
)
from sim.report.certificates import compare_certificates
from sim.report.result import CertificateComparison
from sim.report.stream import NodeExecution
from sim.report.wire import KindCompression, added, compression_figures
from sim.report.writer import TRACE
from sim.scenario import Scenario, calm_from, place_nodes
from sim.scenario.portable import GENESIS, portable
from sim.store_meter import StoreMeter
from sim.stores import STORES
from sim.tables import Tables
from sim.trace import Observation
from sim.usage import NodeUsage
from sim.world import World

PROGRESS_STEPS = 200
"""How often, at least, a run reports its progress."""
MARKS = 20
"""How often a run looks at the nodes' files and at its memory."""
COLLECTOR_THRESHOLDS = (100_000, 50, 100)
"""Thresholds of Python's cyclic collector during a run: messages are made by the million and are
never part of a cycle. Nothing that a run computes depends on this."""


class Progress(msgspec.Struct, frozen=True):
    """How far a run has come."""

    at_ns: int
    height: int
    tps: float
    """Transactions committed a second of virtual time since the last report."""
    view: int


Watch = Callable[[Progress], None]


def run_scenario(
    scenario: Scenario,
    *,
    seed: int,
    run_directory: Path | None = None,
    progress: Watch | None = None,
    profile: Profile | None = None,
    replay: str = "",
    execution_workers: int = 0,
    keep_stores: bool = False,
) -> RunResult:
    """Simulate a scenario and, if asked to, leave a run directory.

    Ctrl-C ends the run early with a result that is marked partial; a checker that objects ends
    it with a violation.

    Args:
        scenario: checked.
        seed: of every random choice.
        run_directory: where the run's files go; None for nowhere.
        progress: called with how far the run has come, some 200 times.
        profile: what work costs; the one that ships if None.
        replay: the command line that repeats this run, for the report.
        execution_workers: processes that execute blocks where it pays; 0 for none beside this
            one. The run is the same.
        keep_stores: whether nodes with files leave them in the run directory.

    Raises:
        InvalidInput: the run directory cannot be written.
    """
    with hired(execution_workers, profile) as crew:
        return run_with(
            crew,
            scenario,
            seed=seed,
            run_directory=run_directory,
            progress=progress,
            profile=profile,
            replay=replay,
            keep_stores=keep_stores,
        )


def run_with(
    crew: Crew,
    scenario: Scenario,
    *,
    seed: int,
    run_directory: Path | None = None,
    progress: Watch | None = None,
    profile: Profile | None = None,
    replay: str = "",
    keep_stores: bool = False,
) -> RunResult:
    """Simulate a scenario with the crew that computes for it; see `run_scenario`."""
    started = time.perf_counter()
    resolved, beside = portable(scenario)
    stores = None
    if run_directory is not None:
        cleared = (CERTIFICATE, COMMITTEE, GENESIS)
        begin_run_directory(run_directory, resolved, cleared, beside)
        shutil.rmtree(run_directory / STORES, ignore_errors=True)
        stores = run_directory / STORES if keep_stores else None
    with build_world(scenario, seed, profile, crew=crew, stores=stores) as world:
        collector = Collector(run_shape(scenario, world), world.blocks, NodeUsage(world))
        world.subscribe_honest(collector.observe)
        world.subscribe(traffic=collector.traffic, storage=collector.stored)
        meter = StoreMeter(world, scenario.store)
        violation, partial = _watched(world, scenario, meter, run_directory, progress)
        collector.finish(world.now)
        identity = RunIdentity(
            scenario=scenario.name,
            seed=seed,
            digest=world.trace.digest(),
            wall_seconds=time.perf_counter() - started,
            replay=replay,
            run_directory=None if run_directory is None else str(run_directory),
        )
        breach = None
        if violation is not None:
            breach = msgspec.convert(msgspec.to_builtins(violation), Breach)
        result = build_result(collector, identity, violation=breach, partial=partial)
        result = msgspec.structs.replace(
            result,
            certificates=_comparison(world, result, profile),
            compression=_compression(world, collector, profile),
            storage=meter.figures(result.storage),
            expectations=evaluate(scenario.expect, result, violation, partial),
        )
        if run_directory is not None:
            write_run_directory(
                run_directory,
                result,
                collector,
                scenario_text=resolved,
                network=network_picture(scenario, world.topology),
                extra=certificate_files(world, scenario.consensus.signatures),
            )
        return result


def _watched(
    world: World,
    scenario: Scenario,
    meter: StoreMeter,
    run_directory: Path | None,
    progress: Watch | None,
) -> tuple[Violation | None, bool]:
    """Let the run happen before its checkers, and write its trace; see `_play`."""
    suite = CheckerSuite(run_checkers(scenario, world))
    world.subscribe_honest(suite.consumer(world))
    with ExitStack() as stack:
        if run_directory is not None:
            writer = stack.enter_context(TraceWriter(run_directory / TRACE))
            _subscribe(writer, world, scenario)
        stack.enter_context(rare_collections())
        return _play(world, scenario, suite, meter, progress)


def _play(
    world: World,
    scenario: Scenario,
    suite: CheckerSuite,
    stores: StoreMeter,
    progress: Watch | None,
) -> tuple[Violation | None, bool]:
    """Let the run happen; return the objection that stopped it, and whether it was cut short."""
    steps = PROGRESS_STEPS if progress else MARKS
    meter = _Meter(world)
    try:
        for step in range(1, steps + 1):
            world.run_until(scenario.duration * step // steps)
            if step % (steps // MARKS) == 0:
                stores.mark()
            if progress is not None:
                progress(meter.read())
        violation = suite.finish(world)
    except ViolationFound as found:
        return found.violation, True
    except KeyboardInterrupt:
        return None, True
    return violation, False


def _comparison(world: World, result: RunResult, profile: Profile | None) -> CertificateComparison:
    environment = world.environment
    return compare_certificates(
        environment.genesis.committee,
        environment.genesis.params.certificates,
        result.height,
        (profile or load_profile()).costs_ps(),
        node_codec(environment.engine).size,
    )


def _compression(
    world: World, collector: Collector, profile: Profile | None
) -> tuple[KindCompression, ...]:
    """Return what compression has saved and taken, by kind of message."""
    packers = dict.fromkeys([host.packer for host in world.kernel.hosts if host.packer])
    used = [packer for packer in packers if isinstance(packer, Packer)]
    return compression_figures(
        [
            (name, kind.count_by_second.total, kind.bytes_by_second.total, kind.saved)
            for name, kind in collector.traffic_by_kind.items()
        ],
        added([packer.closed for packer in used]),
        added([packer.opened for packer in used]),
        (profile or load_profile()).costs_ps(),
    )


def _subscribe(writer: TraceWriter, world: World, scenario: Scenario) -> None:
    """Let the trace file have the levels that the scenario asks for."""
    level = scenario.measure.trace
    world.subscribe(
        events=writer.observe,
        traffic=None if level == "events" else writer.traffic,
        deliveries=writer.delivery if level == "deliveries" else None,
    )


def run_shape(scenario: Scenario, world: World) -> RunShape:
    """Return what the collector of a run must know of its scenario and its nodes."""
    nodes = range(scenario.network.nodes)
    return RunShape(
        nodes=scenario.network.nodes,
        validators=scenario.network.validators,
        duration_ns=scenario.duration,
        warmup_ns=scenario.measure.warm_up,
        cooldown_ns=scenario.measure.cool_down,
        gateways=scenario.network.gateways,
        execution=tuple(
            NodeExecution(plan.scheduler or scenario.execution.scheduler, plan.cores)
            for plan in place_nodes(scenario.network)
        ),
        liars=tuple(node for node in nodes if not world.is_honest(NodeId(node))),
    )


def run_checkers(scenario: Scenario, world: World) -> list[Checker]:
    """Return every checker that a run of this scenario has, those of other packages included."""
    environment = world.environment
    genesis = environment.genesis
    digest = environment.genesis_block.digest
    context = CheckContext(
        genesis_hash=digest,
        params=genesis.params,
        verify_certificate=certificate_verifier(environment.verifier_of),
        alloc=genesis.alloc,
        nodes=scenario.network.peers,
        nonces=tuple([(each.address, each.nonce) for each in genesis.contracts]),
    )
    expect = scenario.expect
    calm = Instant(calm_from(scenario.events))
    within, after = expect.recovery_within, expect.stranded_after
    return [
        *safety_checkers(context),
        Bounded(context, Tables(world)),
        *expected_checkers(
            context,
            expect.liveness_after_heal,
            expect.agreement_within if expect.agreement else None,
            None if within is None else Recovery(calm, within),
            None if after is None else Stranded(Pools(world), after),
        ),
        *(make(context) for make in foreign_checkers().values()),
    ]


class _Meter:
    """Reads progress off a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._transactions = 0
        self._last = (0, 0)
        self._height = 0
        world.subscribe_honest(self._observe)

    def _observe(self, observation: Observation) -> None:
        event = observation.event
        if event.name == "chain.block_committed" and event.height > self._height:  # type: ignore[attr-defined]
            self._height = event.height  # type: ignore[attr-defined]
            self._transactions += event.transactions  # type: ignore[attr-defined]

    def read(self) -> Progress:
        now, (before, transactions) = self._world.now, self._last
        self._last = (now, self._transactions)
        span = (now - before) / 1e9
        tps = (self._transactions - transactions) / span if span else 0.0
        return Progress(now, self._height, tps, self._world.view)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Make the cyclic garbage collector rare while a run goes on."""
    before = gc.get_threshold()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
