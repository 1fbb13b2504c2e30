"""What may be looked at of a live node, in a network over the real transport."""

import subprocess
from pathlib import Path

import pytest

from node.observe.families import FAMILIES, World, in_world, rpc, storage
from node.observe.profile_table import ProfileTable, table
from node.runtime.observatory import Observatory
from primitives.errors import InvalidInput
from tests.unit.node.observe.exposition import families_of, last_samples, tool
from tests.unit.node.runtime.live_world import LiveWorld, play
from tests.unit.node.transfers import raw_transfer

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
OCCASIONS = {
    "network_compression_bytes",
    "consensus_evidence",
    "network_peer_offences",
    "network_peer_round_trip_seconds",
    "network_connections_ended",
    "txpool_rejected",
    "storage_engine",
    "network_reconcile_rounds",
    "network_reconcile_extended",
    "network_reconcile_transactions",
}
"""What these few seconds need not bring about, and counters that this store was not opened with;
and rounds, which this network does not hold."""


def text_of(observatory: Observatory) -> str:
    return observatory.text(OPEN_METRICS)[0].decode()


def total(text: str, name: str) -> float:
    return sum(value for sample, value in last_samples(text).items() if sample.name == name)


def test_a_node_shows_its_work(tmp_path: Path) -> None:
    async def scene(world: LiveWorld) -> None:
        live = await world.start(0)
        observatory = Observatory(live)
        observatory.start()
        observatory.profile("on")
        for node in (1, 2, 3):
            await world.start(node)
        await world.until(lambda: len(live.peers()) == 3)
        assert observatory.health().healthy
        assert (await live.submit(raw_transfer())).refusal == ""
        await world.until(lambda: all(height >= 1 for height in world.heights()))
        final = "blockchain_confirmation_time_seconds_count"
        await world.until(lambda: total(text_of(observatory), final) == 1)
        text = text_of(observatory)
        shown = families_of(text)
        live_families = {family.name for family in in_world(World.LIVE)}
        live_families -= {family.name for family in rpc.FAMILIES}  # it has no RPC server
        assert shown.keys() <= live_families
        absent = live_families - shown.keys() - OCCASIONS
        assert {name for name in absent if not name.startswith("storage_cache_")} == set()
        assert total(text, "blockchain_transactions_total") == 1
        assert total(text, "network_peers") == 3
        assert total(text, "network_sent_messages_total") > 3
        assert total(text, "runtime_turns_total") > 10
        assert total(text, "storage_syncs_total") > 0
        timed = observatory.profile("table")
        assert isinstance(timed, ProfileTable)
        operations = [row.operation for row in timed.rows]
        assert [line.split()[0] for line in timed.text.splitlines()[1:]] == operations
        assert {"persist", "commit", "turn.Submitted"} <= set(operations)
        assert any(name.startswith("job.") for name in operations)
        assert any(name.startswith("send.") for name in operations)
        observatory.stop()
        observatory.stop()

    play(lambda: LiveWorld(tmp_path, validators=4), scene)


def test_promtool_finds_nothing_wrong_with_a_live_node(tmp_path: Path) -> None:
    async def scene(world: LiveWorld) -> bytes:
        live = await world.start(0)
        observatory = Observatory(live)
        observatory.profile("on")
        await live.submit(raw_transfer())
        await world.until(lambda: world.heights()[0] >= 1)
        observatory.stop()
        return observatory.text()[0]

    command = [tool("promtool"), "check", "metrics"]
    body = play(lambda: LiveWorld(tmp_path, validators=1), scene)
    done = subprocess.run(command, input=body, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_a_node_without_peers_is_not_well() -> None:
    async def scene(world: LiveWorld) -> None:
        observatory = Observatory(await world.start(0))
        found = observatory.health()
        assert found.status == 503
        assert found.reasons == ("0 peers are connected, at least 2 needed",)

    play(lambda: LiveWorld(None, validators=4), scene)


def test_a_restarted_node_shows_the_height_that_it_has(tmp_path: Path) -> None:
    async def scene(world: LiveWorld) -> None:
        live = await world.start(0)
        await live.submit(raw_transfer())
        await world.until(lambda: world.heights()[0] >= 1)
        await world.stop(0)
        observatory = Observatory(await world.start(0))
        text = text_of(observatory)
        assert total(text, "blockchain_height") == 1
        caches = {f.name for f in (*storage.CACHE_LEVEL, *storage.CACHE_TABLE)}
        assert caches <= families_of(text).keys()

    play(lambda: LiveWorld(tmp_path, validators=1), scene)


def test_the_profile_is_asked_by_word() -> None:
    async def scene(world: LiveWorld) -> None:
        observatory = Observatory(await world.start(0))
        assert observatory.profile("on") == "on"
        assert observatory.profile("reset") == "on"
        assert observatory.profile("off") == "off"
        assert observatory.profile("table") == ProfileTable((), table([]))
        with pytest.raises(InvalidInput, match="one of on, off"):
            observatory.profile("purge")

    play(lambda: LiveWorld(None, validators=1), scene)


def test_the_table_of_families_has_no_live_family_that_nobody_fills() -> None:
    """The first test looks at those that there are; this one counts them."""
    assert len([family for family in FAMILIES if World.LIVE in family.worlds]) > 70
