"""The clients of a run: asks a workload what is due and hands it to the nodes."""

from primitives.ids import Hash32, Instant
from sim.blocks import BlockIndex
from sim.kernel.entries import NEVER
from sim.trace import Observation
from sim.workload import Workload
from sim.world import World


class Clients:
    """Drives one workload on one world.

    Args:
        workload: says who sends what, and when.
        world: gets the submissions, and shows what was committed.
        blocks: tells which transactions a committed block holds.
    """

    def __init__(self, workload: Workload, world: World, blocks: BlockIndex) -> None:
        self._workload = workload
        self._world = world
        self._blocks = blocks
        self._scheduled = NEVER
        self._height = 0
        world.subscribe_honest(self._observe)
        self._schedule()

    def _schedule(self) -> None:
        at = self._workload.next_at()
        if at is not None and at < self._scheduled:
            self._scheduled = max(at, self._world.now)
            self._world.kernel.feed(self._scheduled, self._send)

    def _send(self) -> None:
        now = self._world.now
        if now < self._scheduled:
            return
        self._scheduled = NEVER
        for submission in self._workload.due(now, self._world):
            self._world.submit(now, submission.node, submission.raw)
        self._schedule()

    def _observe(self, observation: Observation) -> None:
        """Tell the workload what the first commit of each height made final."""
        event = observation.event
        if event.name != "chain.block_committed":
            return
        height, digest = event.height, event.digest  # type: ignore[attr-defined]
        if height <= self._height:
            return
        self._height = height
        hashes = [Hash32(h) for h in self._blocks.transaction_hashes(digest)]
        self._workload.on_committed(Instant(observation.at_ns), hashes)
        self._schedule()
