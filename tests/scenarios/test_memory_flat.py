"""Ten thousand blocks and more, and no subsystem holds more in the end than when it was warm.

The caches of the process are made small, so that they are full after a few hundred blocks; with
the sizes that ship it would take an hour of virtual time to see the same. What is looked at is
what `sim.memory` counts by subsystem, the number of objects that the collector knows, and the
memory of the process.

The state itself grows for 8,191 blocks: a contract of the protocol keeps the hashes of so many
(EIP-2935). Nothing is warm before. Its rows are runs of changes that overwrite one another until
they are merged, at most as many bytes again as the state has, so they are looked at apart.
"""

import gc
from functools import partial

import msgspec
import pytest

from network.gossip_state import KnownHashes
from node.node import Node
from node.shared import Memo
from primitives.accounting import Accounting, SubsystemBytes
from primitives.ids import Duration
from sim import assembly, blocks
from sim.assembly import build_world
from sim.memory import account_for
from sim.run import rare_collections
from sim.scenario import Chain, Consensus, Network, Scenario, Transfers
from sim.store_meter import resident_bytes
from sim.world import World

SECOND = 10**9
MEBIBYTE = 1 << 20
VALIDATORS = 4
BLOCK_INTERVAL = SECOND // 20
HISTORY, CHECKPOINTS = 64, 16
ACCOUNTS = 50
STATE = "chain.accounts"
SLOT_BYTES = 48
"""At most, in a run: number and value, their lengths, a part of the account's address."""
WARM = 8_500
"""Blocks after which nothing may grow."""


class Holdings(msgspec.Struct, frozen=True):
    height: int
    subsystems: tuple[SubsystemBytes, ...]
    objects: int
    resident: int
    slots: int


def long_chain(seconds: int) -> Scenario:
    return Scenario(
        name="memory-flat",
        duration=Duration(seconds * SECOND),
        network=Network(validators=VALIDATORS, latency="uniform", latency_value=Duration(10**6)),
        consensus=Consensus(
            batch_size=1,
            block_interval=Duration(BLOCK_INTERVAL),
            signatures="modelled",
        ),
        chain=Chain(base_fee="fixed", history=HISTORY, checkpoint_interval=CHECKPOINTS),
        workload=Transfers(accounts=ACCOUNTS, rate=18),
    )


def small_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCKS_KEPT", 64)
    small = partial(blocks.IndexedCache, transactions=256, blocks=64)
    monkeypatch.setattr(assembly, "IndexedCache", small)


def small_tables(world: World) -> None:
    for node in world.nodes:
        assert isinstance(node, Node)
        node.parts.gossip.state.known = KnownHashes(256)
    for host in world.kernel.hosts:
        host.store.interning._held_bytes_max = 64 * 1024  # type: ignore[attr-defined]


def holdings(world: World, accounting: Accounting, before: int) -> Holdings:
    """Return what a world holds, of `before` objects that were there without it."""
    gc.collect()
    subsystems = accounting.sample()
    slots = sum(len(each) for each in world.head.state.everything().slots.values())
    objects = len(gc.get_objects()) - before
    return Holdings(world.head.number, subsystems, objects, resident_bytes(), slots)


def state_bytes(world: World) -> int:
    """Return the bytes of the rows with the nodes' states."""
    stores = [host.store for host in world.kernel.hosts]
    return sum(len(value) for store in stores for _, value in store.scan(STATE))


def watch(monkeypatch: pytest.MonkeyPatch, seconds: int, every: int) -> list[Holdings]:
    small_caches(monkeypatch)
    gc.collect()
    before = len(gc.get_objects())
    world = build_world(long_chain(seconds), 1)
    small_tables(world)
    accounting = account_for(world)
    accounting.probe("states", lambda: state_bytes(world))
    seen = []
    with rare_collections():
        for at in range(every, seconds + 1, every):
            world.run_until(at * SECOND)
            seen.append(holdings(world, accounting, before))
    return seen


def held(holdings: Holdings) -> dict[str, int]:
    """Return the bytes of each subsystem; those of the states are not among the stores'."""
    found = {row.subsystem: row.current for row in holdings.subsystems}
    found["stores"] -= found.pop("states")
    return found


def grown(warm: list[Holdings], later: list[Holdings]) -> list[str]:
    """Return the subsystems that held more later than when warm; an eighth more is chance."""
    most = {name: max(held(each)[name] for each in warm) for name in held(warm[0])}
    return [
        f"{name}: {count} at {each.height}, {most[name]} when warm"
        for each in later
        for name, count in held(each).items()
        if count > most[name] * 9 // 8 + 4_096
    ]


@pytest.mark.slow
def test_ten_thousand_blocks_leave_memory_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(monkeypatch, seconds=700, every=20)
    settled = [each for each in seen if each.height >= WARM]
    warm, later = settled[:4], settled[4:]
    assert later[-1].height >= 12_000
    assert all(row.peak > 0 for row in later[-1].subsystems)
    assert grown(warm, later) == []
    for each in later:
        states = next(row.current for row in each.subsystems if row.subsystem == "states")
        assert states <= 2 * VALIDATORS * SLOT_BYTES * (each.slots + ACCOUNTS)
    assert max(each.objects for each in later) <= 1.01 * max(each.objects for each in warm)
    assert later[-1].resident - max(each.resident for each in warm) <= 3 * MEBIBYTE


@pytest.mark.slow
def test_a_leak_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Memo, "_is_too_heavy", lambda memo: False)

    def put(memo: Memo[object, object], key: object, result: object) -> None:
        memo._held += 0 if key in memo._results else memo._byte_count(key)
        memo._results[key] = result

    monkeypatch.setattr(Memo, "put", put)
    seen = watch(monkeypatch, seconds=60, every=10)
    leaking = grown(seen[2:3], seen[3:])
    assert any(line.startswith("transactions") for line in leaking)
    assert any(line.startswith("executions") for line in leaking)
    assert seen[-1].objects > 1.02 * seen[2].objects
