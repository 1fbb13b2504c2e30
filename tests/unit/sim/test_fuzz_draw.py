"""What the search draws: valid scenarios, the same for a seed, whole again when the calm begins."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from primitives.ids import Duration
from sim.fuzz import draw_scenario, phases
from sim.fuzz.chance import Chance
from sim.fuzz.draw import LIARS, VALIDATORS
from sim.fuzz.faults import EPISODES, OFFSETS_MS, START, calm_tail, draw_events
from sim.fuzz.faults_disks import draw_disks
from sim.fuzz.resending import WORLD_LATENCY, latency_of, resending, resent
from sim.fuzz.scene import Scene, draw_scene
from sim.randomness import generator
from sim.registry import liar_names
from sim.scenario import (
    BitRot,
    ChangeCommittee,
    Churn,
    Clog,
    Crash,
    Duplicate,
    FreeDisk,
    FullDisk,
    Heal,
    Latency,
    Lose,
    LyingDisk,
    Network,
    NodeClass,
    Partition,
    Reorder,
    Restart,
    Scenario,
    SetClock,
    Slow,
    SlowDisk,
    StoreSpec,
    TimelineEvent,
    Transfers,
    calm_from,
    decode_scenario,
    event_end,
    format_scenario,
    load_scenario,
)
from tests.unit.sim.conftest import SEEDS

ROOT = Path(__file__).resolve().parents[3]
SECOND = 1_000_000_000


def test_every_draw_is_a_scenario_that_its_own_file_gives_back(drawn: list[Scenario]) -> None:
    for scenario in drawn:
        assert decode_scenario(format_scenario(scenario)) == scenario


@pytest.mark.parametrize("duration", [10, 17, 24, 120])
def test_draws_are_valid_at_any_length(base: Scenario, duration: int) -> None:
    other = msgspec.structs.replace(base, duration=Duration(duration * SECOND))
    for seed in range(1, 16):
        scenario = draw_scenario(other, seed)
        assert decode_scenario(format_scenario(scenario)) == scenario


def test_a_seed_draws_the_same_in_any_process(base: Scenario) -> None:
    text = "".join(format_scenario(draw_scenario(base, seed)) for seed in (1, 2, 3))
    code = (
        "from pathlib import Path; from sim.fuzz import draw_scenario;"
        "from sim.scenario import format_scenario, load_scenario;"
        "base = load_scenario(Path('scenarios/chaos.toml'));"
        "print(''.join(format_scenario(draw_scenario(base, s)) for s in (1, 2, 3)), end='')"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    assert done.stdout == text


def test_seeds_differ(drawn: list[Scenario]) -> None:
    assert len({scenario.events for scenario in drawn}) == len(drawn)
    assert {s.network.validators for s in drawn} == set(range(VALIDATORS[0], VALIDATORS[1] + 1))
    assert {s.network.latency for s in drawn} == {"uniform", "aws-13"}


def test_every_kind_of_fault_is_drawn(drawn: list[Scenario]) -> None:
    kinds = {type(event) for scenario in drawn for event in scenario.events}
    nodes, links = {Crash, Restart, Churn, Slow, SetClock, LyingDisk}, {Latency, Clog}
    disks = {SlowDisk, FullDisk, BitRot}
    assert kinds == nodes | links | disks | {
        ChangeCommittee,
        Partition,
        Heal,
        Duplicate,
        Reorder,
        Lose,
    }
    cuts = [e for s in drawn for e in s.events if isinstance(e, Partition)]
    assert any(len(cut.groups) == 3 for cut in cuts)
    assert any(len(cut.groups) == 2 and min(map(len, cut.groups)) == 1 for cut in cuts)
    assert any(cut.groups and isinstance(cut.groups[0][0], str) for cut in cuts)
    assert {cut.direction for cut in cuts} == {"both", "in", "out"}
    assert any(cut.bridge for cut in cuts)
    assert any(cut.ring for cut in cuts)
    crashes = [e for s in drawn for e in s.events if isinstance(e, Crash)]
    assert {crash.unsynced for crash in crashes} == {"lost", "kept", "some", "torn"}
    assert set(EPISODES) >= {"rolling", "total", "flapping", "churn"}


def failing_disks(scenario: Scenario) -> list[TimelineEvent]:
    return [e for e in scenario.events if isinstance(e, SlowDisk | FullDisk | BitRot)]


def test_disks_have_accidents_in_some_runs_which_alone_keep_flat_rows(
    drawn: list[Scenario],
) -> None:
    failing = [s for s in drawn if failing_disks(s)]
    assert 0.1 * len(drawn) < len(failing) < 0.4 * len(drawn)
    for scenario in drawn:
        torn = any(getattr(event, "unsynced", "") == "torn" for event in scenario.events)
        if scenario not in failing and not torn:
            assert scenario.store == StoreSpec()
    assert {scenario.store.form for scenario in failing} == {"runs", "flat"}
    assert all(event_end(e) <= s.duration // 2 for s in failing for e in failing_disks(s))


def test_accidents_of_disks_leave_the_other_draws_alone(base: Scenario) -> None:
    for seed in SEEDS[:20]:
        scene = draw_scene(Chance(generator(seed, "fuzz.faults")), base.network, 30 * SECOND)
        plain = draw_events(Chance(generator(seed, "fuzz.faults")), base.network, 30 * SECOND)
        more = draw_disks(Chance(generator(seed, "fuzz.disks")), scene)
        assert plain == draw_events(
            Chance(generator(seed, "fuzz.faults")), base.network, 30 * SECOND
        )
        assert all(event.at < 30 * SECOND for event in more)


def test_rows_rot_on_one_node_alone_and_only_where_nobody_lies(drawn: list[Scenario]) -> None:
    rotten = [s for s in drawn if any(isinstance(e, BitRot) for e in s.events)]
    assert rotten
    for scenario in rotten:
        assert not any(group.liar for group in scenario.network.classes)
        nodes = dict.fromkeys(e.node for e in scenario.events if isinstance(e, BitRot))
        assert len(nodes) == 1


@pytest.mark.parametrize(("disk", "longest"), [("nvme", 150), ("ssd", 30), ("hdd", 3)])
def test_a_slow_disk_has_written_everything_when_the_calm_is_over(disk: str, longest: int) -> None:
    scene = Scene(Network(validators=4, disk=disk), 30 * SECOND)  # type: ignore[arg-type]
    factors = {
        event.factor
        for seed in range(40)
        for event in draw_disks(Chance(generator(seed, "t")), scene)
        if isinstance(event, SlowDisk)
    }
    assert max(factors) == longest


def test_in_some_runs_clients_wait_for_fast_confirmation(drawn: list[Scenario]) -> None:
    fast = [scenario for scenario in drawn if scenario.network.gateways]
    assert 0.1 * len(drawn) < len(fast) < 0.5 * len(drawn)
    assert all(
        scenario.consensus.fast_confirmation == (scenario.network.gateways > 0)
        for scenario in drawn
    )


def test_committees_change_in_some_runs_and_stay_large_enough(drawn: list[Scenario]) -> None:
    changing = [s for s in drawn if any(isinstance(e, ChangeCommittee) for e in s.events)]
    assert 0 < len(changing) < len(drawn)
    seen = dict.fromkeys(("add", "remove", "rekey"), 0)
    for scenario in changing:
        changes = [e for e in scenario.events if isinstance(e, ChangeCommittee)]
        named = [node for e in changes for node in (*e.add, *e.remove, *e.rekey)]
        assert len(set(named)) == len(named)
        liars = {
            node
            for each in scenario.network.classes
            if each.liar is not None and isinstance(each.nodes, tuple)
            for node in each.nodes
        }
        liars |= {e.node for e in scenario.events if isinstance(e, LyingDisk)}
        left = scenario.network.validators - sum(len(e.remove) for e in changes)
        assert left >= max(4, 3 * len(liars) + 1)
        for key in seen:
            seen[key] += sum(len(getattr(e, key)) for e in changes)
    assert all(seen.values())


def test_all_faults_are_over_when_the_calm_begins(drawn: list[Scenario]) -> None:
    for scenario in drawn:
        calm = phases(scenario.duration).calm_from
        assert calm_from(scenario.events) <= calm
        assert all(event.at >= START for event in scenario.events)
        open_ended = [
            event
            for event in scenario.events
            if not isinstance(event, Heal | Restart | ChangeCommittee | BitRot | FreeDisk)
            and event.lasting is None
        ]
        assert all(isinstance(event, Crash | Partition) for event in open_ended)
        last = [type(event) for event in scenario.events if event.at == calm]
        if any(isinstance(event, Partition) for event in scenario.events):
            assert Heal in last
        if any(isinstance(event, Crash | Churn) for event in scenario.events):
            assert Restart in last
        for event in scenario.events:
            if isinstance(event, Churn):
                assert event_end(event) + event.down_time <= calm


def test_the_phases_fill_the_run(base: Scenario) -> None:
    times = phases(60 * SECOND)
    assert times.calm_from == 30 * SECOND
    assert times.recovery == 20 * SECOND
    assert times.calm_from + times.recovery + times.stranded == 60 * SECOND


def test_timeouts_can_back_off_within_the_time_for_recovery(drawn: list[Scenario]) -> None:
    for scenario in drawn:
        consensus = scenario.consensus
        longest = max(consensus.request_timeout, consensus.view_change_timeout)
        assert (longest << consensus.timeout_doublings) <= phases(scenario.duration).recovery // 4


@pytest.mark.parametrize("duration", [20, 30, 60, 600])
def test_timeouts_can_outlast_what_the_network_may_lose(base: Scenario, duration: int) -> None:
    """The shorter one as well; and all liars in a row can be replaced while the rest drains."""
    other = msgspec.structs.replace(base, duration=Duration(duration * SECOND))
    lossy = 0
    for seed in SEEDS:
        scenario = draw_scenario(other, seed)
        network, consensus = scenario.network, scenario.consensus
        timeouts = (consensus.request_timeout, consensus.view_change_timeout)
        shorter, longer = (t << consensus.timeout_doublings for t in sorted(timeouts))
        one_way = WORLD_LATENCY if network.latency_value is None else network.latency_value
        resent = {0.0: 0, 0.01: 2, 0.05: 3}[network.loss]
        pauses = sum((200_000_000 + 2 * one_way) << k for k in range(resent))
        lossy += resent > 0
        if network.loss:
            assert shorter >= 5 * one_way + pauses
        liars = sum(len(each.nodes) for each in network.classes if each.name == LIARS)
        if duration >= 60:
            assert (liars + 1) * longer < phases(other.duration).stranded
    assert lossy > len(SEEDS) // 10


def test_what_is_lost_over_slowed_links_arrives_while_the_network_returns(base: Scenario) -> None:
    """Each loss of one copy doubles what all behind it wait, also when links are quick again."""
    for duration in (20, 30, 60):
        other = msgspec.structs.replace(base, duration=Duration(duration * SECOND))
        for seed in SEEDS:
            scenario = draw_scenario(other, seed)
            slowed = [each.extra for each in scenario.events if isinstance(each, Latency)]
            one_way = latency_of(scenario.network) + max(slowed, default=0)
            kept_up = resending(one_way, resent(scenario.network.loss))
            assert kept_up <= 0.75 * phases(other.duration).recovery
            assert all(extra > 0 for extra in slowed)


def test_a_network_that_loses_messages_is_given_less_to_carry(base: Scenario) -> None:
    keys = ["network.loss", "consensus.batch_size", "network.latency", "network.latency_value"]
    rates = []
    for loss in (0, 0.05):
        words = [f"network.loss={loss}", "consensus.batch_size=5"]
        words += ["network.latency=uniform", "network.latency_value=5ms"]
        fixed = load_scenario(ROOT / "scenarios" / "chaos.toml", words)
        drawn = [draw_scenario(fixed, seed, keys).workload for seed in range(1, 30)]
        rates.append(sum(each.rate or 0 for each in drawn if isinstance(each, Transfers)))
    assert rates[1] < rates[0] / 1.5


def test_a_drawn_run_is_asked_for_recovery_agreement_and_what_was_admitted(
    drawn: list[Scenario],
) -> None:
    for scenario in drawn:
        expect, consensus = scenario.expect, scenario.consensus
        assert expect.agreement
        within = max(10, 2 * consensus.repair_interval // max(1, consensus.block_interval))
        assert expect.agreement_within == (within if consensus.empty_blocks else 0)
        assert expect.min_height is None
        assert (expect.recovery_within, expect.stranded_after) == (20 * SECOND, 10 * SECOND)


def test_what_is_fixed_stays_and_the_rest_is_drawn_as_before(base: Scenario) -> None:
    fixed = load_scenario(
        ROOT / "scenarios" / "chaos.toml",
        ["network.validators=7", "consensus.batch_size=33", "workload.rate=3"],
    )
    keys = ["network.validators", "consensus.batch_size", "workload.rate"]
    for seed in range(1, 11):
        free, scenario = draw_scenario(base, seed), draw_scenario(fixed, seed, keys)
        assert scenario.network.validators == 7
        assert scenario.consensus.batch_size == 33
        assert getattr(scenario.workload, "rate", None) == 3
        assert scenario.network.latency == free.network.latency
        assert scenario.consensus.pipeline_depth == free.consensus.pipeline_depth


def test_a_fixed_pipeline_widens_the_window(base: Scenario) -> None:
    deep = load_scenario(
        ROOT / "scenarios" / "chaos.toml",
        ["consensus.pipeline_depth=64", "consensus.window=128"],
    )
    scenario = draw_scenario(deep, 1, ["consensus.pipeline_depth"])
    assert scenario.consensus.window >= 128
    assert decode_scenario(format_scenario(scenario)) == scenario


def test_liars_are_no_more_than_the_committee_tolerates(drawn: list[Scenario]) -> None:
    groups = [(s, c) for s in drawn for c in s.network.classes if c.name == LIARS]
    assert bool(groups) == bool(liar_names())
    for scenario, group in groups:
        assert group.liar in liar_names()
        assert 1 <= len(group.nodes) <= (scenario.network.validators - 1) // 3


def test_whoever_may_be_faulty_is_with_the_liars_no_more_than_f(base: Scenario) -> None:
    for seed in range(1, 200):
        chance = Chance(generator(seed, "t"))
        liars = NodeClass(LIARS, (1,), liar="silent")
        network = msgspec.structs.replace(base.network, validators=4 + seed % 10, classes=(liars,))
        scene = draw_scene(chance, network, 30 * SECOND)
        assert len(scene.faulty) == (network.validators - 1) // 3 - 1
        assert 1 not in scene.faulty
        assert scene.faulty or not scene.disks_lie
        events = draw_events(Chance(generator(seed, "t")), network, 30 * SECOND)
        disks = {event.node for event in events if isinstance(event, LyingDisk)}
        wrong = {
            event.node
            for event in events
            if isinstance(event, SetClock)
            and max(event.ahead or 0, event.behind or 0) > max(OFFSETS_MS) * 1_000_000
        }
        assert disks | wrong <= set(scene.faulty)


def test_in_most_runs_all_disks_are_honest(drawn: list[Scenario]) -> None:
    lying = [s for s in drawn if any(isinstance(event, LyingDisk) for event in s.events)]
    assert 1 <= len(lying) <= len(drawn) // 5
    for scenario in lying:
        nodes = {event.node for event in scenario.events if isinstance(event, LyingDisk)}
        dead = {event.node for event in scenario.events if isinstance(event, Crash)}
        assert nodes <= dead, "a disk that lies shows only in a crash"


def test_one_run_in_ten_is_isolated_unless_that_is_fixed(base: Scenario) -> None:
    seeds = range(1, 301)
    isolated = [seed for seed in seeds if draw_scenario(base, seed).fidelity == "isolated"]
    assert 15 <= len(isolated) <= 45
    fixed = {draw_scenario(base, seed, ["fidelity"]).fidelity for seed in isolated}
    assert fixed == {"shared"}


def test_a_tail_holds_only_what_is_needed() -> None:
    at, end = Duration(1), Duration(5)
    assert calm_tail([], end) == ()
    assert calm_tail([Slow(at, 0, 3.0)], end) == ()
    assert calm_tail([Crash(at, 0)], end) == (Restart(end, "all"),)
    both: list[TimelineEvent] = [Partition(at, ((0,),)), Crash(at, 0)]
    assert calm_tail(both, end) == (Heal(end), Restart(end, "all"))
