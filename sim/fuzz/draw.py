"""One run of the search: a base scenario with a drawn network, parameters and fault schedule.

The same base and seed give the same scenario in every process. Each concern has a generator of
its own, so that fixing one value leaves the draws of the others as they were.
"""

from collections.abc import Collection, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from primitives.ids import Duration
from sim.fuzz.chance import MILLISECOND, Chance
from sim.fuzz.committee import CHANGES_PERCENT, INTERVALS, draw_changes
from sim.fuzz.faults import calm_tail, draw_events
from sim.fuzz.faults_disks import DISKS_PERCENT, draw_disks, draw_store
from sim.fuzz.packing import draw_packing
from sim.fuzz.resending import WORLD_LATENCY, latency_of, resending, resent
from sim.fuzz.scene import draw_scene
from sim.fuzz.spreading import MESH_LIAR, draw_spreading, draw_way_liar
from sim.links.regions import TABLES
from sim.randomness import generator
from sim.registry import liar_names
from sim.scenario import (
    Consensus,
    Expect,
    Network,
    NodeClass,
    Restart,
    Scenario,
    TimelineEvent,
    Transfers,
)
from sim.scenario.placement import UNIFORM

SECOND = 1_000_000_000
WORLD = "aws-13"
VALIDATORS = (4, 13)
"""Least and most validators of a drawn network."""
DURATION_MIN = 20 * SECOND
"""Below this the calm is too short for honest networks: a view change or two outlast it."""
WORLD_TIMEOUT = SECOND
"""Least timeout there: no primary decides faster."""
MESSAGES_IN_TURN = 5
"""VIEW-CHANGE, NEW-VIEW and the three phases: what one timeout must outlast, if need be."""
TIMEOUTS_MS = (300, 500, 1_000, 2_000)
LOSSES = (0.0, 0.0, 0.01, 0.05)
GATEWAYS_PERCENT = 25
"""Runs whose clients submit through gateways."""
LIARS_PERCENT = 25
"""In so many runs of a hundred somebody lies."""
ISOLATED_PERCENT = 10
"""In so many runs of a hundred the nodes share nothing."""
LIARS = "liars"
"""Name of their node class."""

T = TypeVar("T", bound=msgspec.Struct)


class Phases(msgspec.Struct, frozen=True):
    """How a run's time is divided, ns."""

    calm_from: int
    """Faults before this instant, none after it."""
    recovery: Duration
    """From then until a new block."""
    stranded: Duration
    """From the last new transaction to the end of the run."""

    def longest(self, liars: int) -> int:
        """Return what a timeout may come to, fully backed off, ns.

        It passes four times until there must be a new block, and once for each liar that becomes
        primary, and twice more, before what waits must be in one.
        """
        return min(self.recovery // 4, self.stranded // (liars + 2))


def phases(duration: int) -> Phases:
    """Return the phases of a run: half of it chaos, a third for the return, the rest to drain."""
    calm = duration - duration // 2
    recovery = 2 * calm // 3
    return Phases(duration // 2, Duration(recovery), Duration(calm - recovery))


def draw_scenario(base: Scenario, seed: int, fixed: Collection[str] = ()) -> Scenario:
    """Return the scenario that a seed stands for.

    Args:
        base: gives everything that is not drawn: duration, chain, machines, disks. Its own
            events are replaced.
        seed: of the draw; the scenario also names it as its own.
        fixed: dotted keys that keep the base's value, as in "network.validators".
    """
    times = phases(base.duration)
    network = _keep(base, "network", _network(base, seed, times), fixed)
    consensus = _keep(base, "consensus", _consensus(base, network, seed, times), fixed)
    window = max(consensus.window, 2 * consensus.pipeline_depth)
    consensus = msgspec.structs.replace(consensus, window=window)
    changing = Chance(generator(seed, "fuzz.committee"))
    chain, changes = base.chain, changing.hit(CHANGES_PERCENT)
    if changes:
        spare = msgspec.structs.replace(network, followers=changing.between(1, 2))
        network = _keep(base, "network", spare, [k for k in fixed if k == "network.followers"])
        interval = changing.pick(INTERVALS)
        drawn = msgspec.structs.replace(chain, checkpoint_interval=interval)
        chain = _keep(base, "chain", drawn, fixed)
    faults = Chance(generator(seed, "fuzz.faults"))
    events: tuple[TimelineEvent, ...] = draw_events(faults, network, times.calm_from)
    accidents = Chance(generator(seed, "fuzz.disks"))
    store = base.store
    if accidents.hit(DISKS_PERCENT):
        scene = draw_scene(Chance(generator(seed, "fuzz.faults")), network, times.calm_from)
        broken = draw_disks(accidents, scene)
        if not any(isinstance(event, Restart) for event in events):
            broken = (*broken, *calm_tail(broken, times.calm_from))
        events = tuple(sorted((*events, *broken), key=lambda event: event.at))
        store = _keep(base, "store", draw_store(accidents), fixed)
    if changes:
        more = draw_changes(changing, network, events, times.calm_from)
        events = tuple(sorted((*events, *more), key=lambda event: event.at))
    scenario = msgspec.structs.replace(
        base,
        name=f"{base.name[:40]}-{seed}",
        description=f"Drawn by `orrery fuzz` from {base.name}, seed {seed}.",
        seed=seed,
        network=network,
        consensus=consensus,
        chain=chain,
        store=store,
        events=events,
        expect=_expect(base, consensus, times),
        fidelity=_fidelity(base, seed, fixed),
    )
    workload = _workload(scenario, seed, times)
    return _keep_workload(base, msgspec.structs.replace(scenario, workload=workload), fixed)


def _fidelity(base: Scenario, seed: int, fixed: Collection[str]) -> Literal["shared", "isolated"]:
    if "fidelity" in fixed:
        return base.fidelity
    isolated = Chance(generator(seed, "fuzz.fidelity")).hit(ISOLATED_PERCENT)
    return "isolated" if isolated else "shared"


def _keep(base: Scenario, section: str, drawn: T, fixed: Collection[str]) -> T:
    """Give a drawn section the base's values for its fixed keys."""
    given = getattr(base, section)
    names = [key.removeprefix(f"{section}.") for key in fixed if key.startswith(f"{section}.")]
    kept = [name.partition(".")[0].partition("[")[0] for name in names]
    changes: dict[str, Any] = {name: getattr(given, name) for name in kept}
    return msgspec.structs.replace(drawn, **changes) if changes else drawn


def _keep_workload(base: Scenario, drawn: Scenario, fixed: Collection[str]) -> Scenario:
    if not isinstance(base.workload, Transfers) or not isinstance(drawn.workload, Transfers):
        return drawn
    kept = _keep(base, "workload", drawn.workload, fixed)
    return msgspec.structs.replace(drawn, workload=kept)


def _network(base: Scenario, seed: int, times: Phases) -> Network:
    chance = Chance(generator(seed, "fuzz.network"))
    validators = chance.between(*VALIDATORS)
    world = chance.hit(40) and times.recovery >= 8 * WORLD_TIMEOUT
    places = chance.shuffled(TABLES[WORLD].regions)[: chance.between(2, 4)]
    value = Duration(chance.pick((1, 5, 20, 60)) * MILLISECOND)
    spreading = Chance(generator(seed, "fuzz.spreading"))
    spread = draw_spreading(spreading)
    liars = _liars(Chance(generator(seed, "fuzz.liars")), validators)
    if (liar := draw_way_liar(spreading, spread)) is not None:
        liars = tuple(msgspec.structs.replace(group, liar=liar) for group in liars)
    classes = (*base.network.classes, *liars)
    longest = times.longest(_lying(classes, validators))
    return msgspec.structs.replace(
        base.network,
        validators=validators,
        gateways=_gateways(seed),
        latency=WORLD if world else UNIFORM,
        latency_value=None if world else value,
        regions=tuple(places),
        loss=min(chance.pick(LOSSES), _loss_max(longest, WORLD_LATENCY if world else value)),
        jitter=chance.pick(("none", "lognormal", "exponential")),
        disk=chance.pick(("nvme", "nvme", "ssd", "hdd")),
        classes=classes,
        **draw_packing(Chance(generator(seed, "fuzz.packing"))),
        **spread,
    )


def _gateways(seed: int) -> int:
    """Draw whether clients submit through gateways, which then wait for fast confirmation."""
    chance = Chance(generator(seed, "fuzz.gateways"))
    return chance.between(1, 3) if chance.hit(GATEWAYS_PERCENT) else 0


def _loss_max(longest: int, latency: int) -> float:
    """Return what a network may lose: more only where timeouts can outlast retransmissions."""
    return max(loss for loss in LOSSES if not loss or _needed(latency, loss) <= longest)


def _needed(latency: int, loss: float) -> int:
    """Return the timeout that a network can need, fully backed off, ns."""
    return MESSAGES_IN_TURN * latency + 100 * MILLISECOND + resending(latency, resent(loss))


def _liars(chance: Chance, validators: int) -> tuple[NodeClass, ...]:
    """Draw who lies: nobody, or as many of one kind as the committee tolerates, or fewer."""
    names = [name for name in liar_names() if name != MESH_LIAR]
    if not names or not chance.hit(LIARS_PERCENT):
        return ()
    count = chance.between(1, (validators - 1) // 3)
    who = sorted(chance.shuffled(range(validators))[:count])
    return (NodeClass(LIARS, tuple(who), liar=chance.pick(names)),)


def _lying(classes: Sequence[NodeClass], validators: int) -> int:
    """Return how many nodes lie."""
    groups = (group.nodes for group in classes if group.liar is not None)
    return sum(validators if isinstance(nodes, str) else len(nodes) for nodes in groups)


def _consensus(base: Scenario, network: Network, seed: int, times: Phases) -> Consensus:
    chance = Chance(generator(seed, "fuzz.consensus"))
    longest = times.longest(_lying(network.classes, network.validators))
    least = WORLD_TIMEOUT if network.latency != UNIFORM else TIMEOUTS_MS[0] * MILLISECOND
    timeouts = [ms * MILLISECOND for ms in TIMEOUTS_MS if least <= ms * MILLISECOND <= longest]
    request = chance.pick(timeouts or [least])
    change = chance.pick(timeouts or [least])
    doublings = max(0, (longest // max(request, change)).bit_length() - 1)
    needed = min(_needed(latency_of(network), network.loss), longest)
    least = (needed >> doublings) // MILLISECOND * MILLISECOND
    depth = chance.pick((1, 2, 4, 8))
    empty = chance.hit(15)
    interval = chance.pick((100, 250, 500)) if empty else chance.pick((0, 100, 250))
    return msgspec.structs.replace(
        base.consensus,
        request_timeout=Duration(max(request, least)),
        view_change_timeout=Duration(max(change, least)),
        timeout_doublings=doublings,
        repair_interval=Duration(chance.pick((100, 300, 1_000)) * MILLISECOND),
        batching=chance.pick(("fixed", "adaptive")),
        fast_confirmation=network.gateways > 0,
        batch_size=chance.pick((5, 50, 500)),
        batch_delay=Duration(chance.pick((50, 100, 200)) * MILLISECOND),
        pipeline_depth=depth,
        block_interval=Duration(interval * MILLISECOND),
        empty_blocks=empty,
        window=chance.pick((2, 3, 8)) * depth,
    )


def _workload(scenario: Scenario, seed: int, times: Phases) -> Any:
    """Draw the load: light, and a sixth of what the drawn parameters can carry at most."""
    workload, consensus = scenario.workload, scenario.consensus
    if not isinstance(workload, Transfers) or workload.rate is None:
        return workload
    chance = Chance(generator(seed, "fuzz.workload"))
    latency, losses = latency_of(scenario.network), resent(scenario.network.loss)
    decision = 4 * latency + 100 * MILLISECOND + resending(latency, max(0, losses - 1))
    spacing = max(consensus.block_interval, decision // consensus.pipeline_depth)
    capacity = consensus.batch_size * SECOND / (spacing + consensus.batch_delay)
    # Who insists hides what a node has lost. Where all may lose everything, someone must insist.
    patience = chance.pick((0, 0, 2_000, 5_000)) if not _loses_much(scenario) else 2_000
    return msgspec.structs.replace(
        workload,
        rate=round(min(chance.pick((5.0, 10.0, 20.0)), max(1.0, capacity / 6)), 1),
        accounts=chance.pick((100, 300)),
        stop=Duration(scenario.duration - times.stranded),
        resend_after=Duration(patience * MILLISECOND),
        ramp=None,
        bursts=(),
    )


def _loses_much(scenario: Scenario) -> bool:
    """Whether so many nodes crash that most senders could be left with a gap in their nonces."""
    crashes = sum(type(event).__name__ in {"Crash", "Churn"} for event in scenario.events)
    return crashes >= scenario.network.nodes or bool(scenario.network.classes)


def _expect(base: Scenario, consensus: Consensus, times: Phases) -> Expect:
    """Return what must hold in the end; of the base's own expectations none is kept.

    Where empty blocks never stop, whoever has missed some has them after one repair, or two.
    """
    missed = 2 * consensus.repair_interval // max(1, consensus.block_interval)
    return Expect(
        agreement=True,
        agreement_within=max(10, missed) if consensus.empty_blocks else 0,
        recovery_within=times.recovery,
        stranded_after=times.stranded,
    )
