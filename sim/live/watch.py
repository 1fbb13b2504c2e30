"""What each node says of itself, and what its process takes, over and over."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import psutil

from sim.live.client import Refused, Unanswered
from sim.live.fleet import Fleet, Member

EVERY_S = 0.5
"""Pause between two rounds of questions."""
LATELY_S = 5.0
"""Span over which rates are told."""
GROWTH_MAX = 200_000
"""Heights whose first sight is remembered."""

Counter = Callable[[int, int], int]
"""Returns how many transactions are in the blocks above a height, up to another one."""


class NodeStatus(msgspec.Struct, frozen=True):
    """A node's answer to `orrery_status`; zeros before the first."""

    height: int = 0
    """Of its last final block."""
    lowest: int = 0
    """Height from which on it has all blocks."""
    view: int = 0
    epoch: int = 0
    primary: int | None = None
    """Number of the node that it takes for the primary."""
    peers: int = 0
    """Connected nodes."""
    pool: int = 0
    """Transactions that wait."""
    syncing: bool = False


class NodeFacts(msgspec.Struct, frozen=True):
    """One node at a moment."""

    node: int
    pid: int | None
    state: str
    status: NodeStatus
    """Its last answer."""
    answered: bool
    """Whether the last question was answered."""
    tps: float
    """Transactions a second in the blocks that it has come by lately."""
    cpu: float
    """Cores that its process has kept busy since the last look; 1.0 is one."""
    resident_bytes: int


def read_status(found: Any) -> NodeStatus:
    """Read an answer to `orrery_status`. A follower is in no view, and knows no primary."""
    pool = found["pool"]
    return NodeStatus(
        height=found["height"],
        lowest=found["lowest"],
        view=found["view"] or 0,
        epoch=found["epoch"],
        primary=found["primary"],
        peers=len(found["peers"]),
        pool=pool["pending"] + pool["queued"],
        syncing=found["syncing"],
    )


class Watch:
    """Asks all nodes in turn, as long as it runs.

    Args:
        fleet: whose nodes.
    """

    def __init__(self, fleet: Fleet | None = None) -> None:
        self.fleet = fleet
        self._statuses: dict[int, NodeStatus] = {}
        self._answered: dict[int, bool] = {}
        self._processes: dict[int, psutil.Process] = {}
        self.views: dict[int, int] = {}
        """The highest view that some node was in, by epoch."""
        self._views_before: dict[int, int] = {}
        """The same at the first answers: what a chain that goes on has behind it."""
        self._climbed: dict[int, deque[tuple[float, int]]] = {}
        """Lately, when (`time.monotonic`) each node stood where."""
        self.grown: deque[tuple[float, int]] = deque(maxlen=GROWTH_MAX)
        """When (`time.monotonic`) the network's height was first seen to be so high."""

    @property
    def height(self) -> int:
        """The greatest height that any node has told of."""
        return self.grown[-1][1] if self.grown else 0

    @property
    def epoch(self) -> int:
        """The latest epoch that any node has told of."""
        return max(self.views, default=0)

    @property
    def view_changes(self) -> int:
        """How many views the network has given up since it was first seen."""
        before = self._views_before
        return sum(view - before.get(epoch, 0) for epoch, view in self.views.items())

    def status(self, node: int) -> NodeStatus:
        """Return what a node has said last."""
        return self._statuses.get(node, NodeStatus())

    def answered(self, node: int) -> bool:
        """Tell whether a node has answered the last question."""
        return self._answered.get(node, False)

    def primary(self) -> int:
        """Return whom the node that has come furthest takes for the primary; 0 if nobody knows."""
        known = [each for each in self._statuses.values() if each.primary is not None]
        furthest = max(known, key=lambda each: (each.epoch, each.view, each.height), default=None)
        return 0 if furthest is None or furthest.primary is None else furthest.primary

    def facts(self, count: Counter) -> list[NodeFacts]:
        """Look at each process, and return what is known of its node."""
        assert self.fleet is not None
        return [self._facts(member, count) for member in self.fleet.members]

    async def run(self) -> None:
        """Go on asking until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Ask every node that can be asked once."""
        assert self.fleet is not None
        await asyncio.gather(*(self._ask(member) for member in self.fleet.members))
        self._views_before = self._views_before or dict(self.views)

    async def _ask(self, member: Member) -> None:
        node = member.number
        self._answered[node] = False
        if self.fleet is None or not self.fleet.answers(node):
            return
        with contextlib.suppress(Unanswered, Refused):
            self._note(node, read_status(await member.client.ask("orrery_status")))

    def _note(self, node: int, status: NodeStatus) -> None:
        self._statuses[node] = status
        self._answered[node] = True
        self.views[status.epoch] = max(status.view, self.views.get(status.epoch, 0))
        climbed = self._climbed.setdefault(node, deque())
        climbed.append((time.monotonic(), status.height))
        while climbed[-1][0] - climbed[0][0] > LATELY_S:
            climbed.popleft()
        if status.height > self.height or not self.grown:
            self.grown.append((time.monotonic(), status.height))

    def _facts(self, member: Member, count: Counter) -> NodeFacts:
        cpu, resident = self._taken(member)
        return NodeFacts(
            node=member.number,
            pid=member.process.pid,
            state=member.state,
            status=self.status(member.number),
            answered=self.answered(member.number),
            tps=self._tps(member.number, count),
            cpu=cpu,
            resident_bytes=resident,
        )

    def _tps(self, node: int, count: Counter) -> float:
        climbed = self._climbed.get(node)
        if not climbed or not self._answered.get(node):
            return 0.0
        (since, low), (until, high) = climbed[0], climbed[-1]
        return count(low, high) / (until - since) if until > since else 0.0

    def _taken(self, member: Member) -> tuple[float, int]:
        """Return cores kept busy since the last look, and resident bytes; 0 without a process."""
        pid = member.process.pid
        if pid is None:
            return 0.0, 0
        try:
            known = self._processes.get(member.number)
            if known is None or known.pid != pid:
                known = self._processes[member.number] = psutil.Process(pid)
            return known.cpu_percent() / 100, known.memory_info().rss
        except psutil.Error:
            return 0.0, 0


def heights(facts: Sequence[NodeFacts]) -> list[int]:
    """Return the heights of the nodes that answer."""
    return [each.status.height for each in facts if each.answered]
