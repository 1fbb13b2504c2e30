"""A live node counts the blocks that it has executed."""

from pathlib import Path

from node.runtime.observatory import Observatory
from tests.unit.node.observe.exposition import last_samples
from tests.unit.node.runtime.live_world import LiveWorld, play
from tests.unit.node.transfers import raw_transfer


def counted(observatory: Observatory, name: str) -> float:
    """Return a number over both tasks, building and validation."""
    body, _ = observatory.text()
    samples = last_samples(body.decode()).items()
    return sum(value for sample, value in samples if sample.name == f"execution_{name}_total")


def test_every_node_counts_the_blocks_that_it_executes(tmp_path: Path) -> None:
    async def scene(world: LiveWorld) -> None:
        watched = [Observatory(await world.start(node)) for node in range(4)]
        assert (await world.nodes[0].submit(raw_transfer())).refusal == ""
        await world.until(lambda: all(height >= 1 for height in world.heights()))
        for each in watched:
            blocks = counted(each, "blocks")  # More than one where a proposal had to be repeated.
            assert blocks >= 1
            assert counted(each, "transactions") == blocks
            assert counted(each, "gas") == 21_000 * blocks
            each.stop()

    play(lambda: LiveWorld(tmp_path, validators=4), scene)
