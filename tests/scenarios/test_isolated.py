"""Nodes that share nothing come to what nodes that share everything come to."""

from pathlib import Path

import msgspec
import pytest

from consensus.messages import Commit
from primitives.ids import Duration
from primitives.machine import Received
from sim.assembly import build_world
from sim.liars import BUILT_IN_LIARS
from sim.run import run_scenario
from sim.scenario import Scenario, decode_scenario

ROOT = Path(__file__).resolve().parents[2]
SECOND = 1_000_000_000


def short(file: str, seconds: int, *overrides: str) -> Scenario:
    """Return a shipped scenario under a light load and without expectations, cut off."""
    text = (ROOT / "scenarios" / file).read_text().partition("[expect]")[0]
    scenario = decode_scenario(text, file, [*overrides, "workload.rate=20"])
    events = tuple(event for event in scenario.events if event.at < seconds * SECOND)
    return msgspec.structs.replace(
        scenario, duration=Duration(seconds * SECOND), events=tuple(map(unending, events))
    )


def unending(event):
    return msgspec.structs.replace(event, lasting=None) if hasattr(event, "lasting") else event


def digests(scenario: Scenario, seed: int = 3) -> tuple[str, str]:
    isolated = msgspec.structs.replace(scenario, fidelity="isolated")
    runs = [run_scenario(each, seed=seed) for each in (scenario, isolated)]
    assert runs[0].height == runs[1].height > 0
    return runs[0].digest, runs[1].digest


@pytest.mark.parametrize(
    ("file", "seconds"),
    [("quickstart.toml", 3), ("lan-4.toml", 1), ("crash-primary.toml", 12)],
)
def test_the_digest_does_not_depend_on_what_is_shared(file: str, seconds: int) -> None:
    shared, isolated = digests(short(file, seconds))
    assert shared == isolated


def test_followers_too() -> None:
    few = ("network.validators=4", "network.followers=6")
    scenario = short("followers.toml", 3, *few, "network.degree=3")
    scenario = msgspec.structs.replace(scenario, events=())
    shared, isolated = digests(scenario)
    assert shared == isolated


@pytest.mark.parametrize("liar", sorted(BUILT_IN_LIARS))
def test_liars_tell_isolated_nodes_the_same(liar: str) -> None:
    scenario = short(f"liars/{liar}.toml", 6)
    shared, isolated = digests(scenario)
    assert shared == isolated


def test_isolated_nodes_have_no_object_in_common() -> None:
    scenario = msgspec.structs.replace(short("lan-4.toml", 1), fidelity="isolated")
    world = build_world(scenario, seed=1)
    seen: dict[int, list[object]] = {}
    for host in world.kernel.hosts:
        node = world.node(host.index)
        step = node.step

        def watch(now, event, step=step, index=host.index):
            if isinstance(event, Received) and isinstance(event.message, Commit):
                seen.setdefault(index, []).append(event.message)
            return step(now, event)

        assert host.wire is not None
        world.kernel._step[host.index] = host.wire(watch)
    world.run_until(SECOND)
    first, second = seen[0], seen[1]
    same = [(a, b) for a in first for b in second if a == b]
    assert same
    assert all(a is not b for a, b in same)
    parts = [world.node(node).parts for node in range(4)]
    environments = [part.proposals._environment for part in parts]
    for name in ("cache", "certificates", "outlines", "genesis_block"):
        assert len({id(getattr(each, name)) for each in environments}) == 4, name
    blocks = [world.node(node).ledger.tip for node in range(4)]
    assert len({block.digest for block in blocks}) < len({id(block) for block in blocks}) == 4
