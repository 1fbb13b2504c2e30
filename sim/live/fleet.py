"""The processes of a network, and what can be done to them.

`Fleet` is the hand of the timeline: it sends the signals and gives the orders. A node that cannot
take an order, because it is stopped or starts just now, gets it as soon as it can.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field

from sim.links.disturbances import Disturbance, Ways
from sim.live.client import NodeClient, Refused, Unanswered
from sim.live.cuts import TOGETHER, Apart, Cuts
from sim.live.events import Teller
from sim.live.orders import listed, questions, sides, told, verb, where
from sim.live.process import NodeProcess
from sim.live.ways import LinkOrders, LiveLinks

READY_PATIENCE_S = 120.0
"""Seconds that a node may take until it answers for the first time."""
ASK_AGAIN_S = 0.1
ORDER_PATIENCE_S = 3.0
"""After so many seconds without it, it is told that a node has not taken its orders."""
FINISH_PATIENCE_S = 15.0
"""Seconds that a node may take to end in good order."""
SLICE_S = 0.05
"""A node that is slowed is stopped for a part of each such span, or of a longer one, if it would
run for less than `RUN_S_MIN` in it."""
RUN_S_MIN = 0.002
LAST_LINES = 5
"""Lines of its log by which a node that has died says why."""


class NotReady(Exception):
    """A node that has died before it answered, or has not answered at all."""

    def __init__(self, node: int, why: str) -> None:
        self.node = node
        self.why = why
        super().__init__(f"node {node}: {why}")


@dataclass(slots=True)
class Member:
    """One node as its fleet knows it."""

    process: NodeProcess
    client: NodeClient
    apart: Apart = TOGETHER
    """From whom it is to be."""
    links: LinkOrders = ()
    """What is to happen to what it sends."""
    ready: bool = False
    """Whether it has answered in this life."""
    ordered: bool = False
    """Whether it has taken its first orders, in this life."""
    struck: bool = False
    """Whether its process was ended on purpose."""
    died: bool = False
    """Whether its process has ended by itself."""
    paused: bool = False
    factor: float = 1.0
    """How many times slower it is made."""
    slowing: asyncio.Task[None] | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    """What waits for its life to begin and to end."""

    @property
    def number(self) -> int:
        """Of the node."""
        return self.process.number

    @property
    def state(self) -> str:
        """In a word."""
        if not self.process.is_up:
            return "died" if self.died else "killed" if self.struck else "down"
        if self.paused:
            return "stopped"
        if not self.ready:
            return "starting"
        if self.apart != TOGETHER:
            return "partitioned"
        return "slowed" if self.factor != 1 else "up"


class Fleet:
    """All nodes of a network; implements `sim.live.timeline.Acts`.

    Args:
        members: in order of their numbers.
        teller: is told what happens.
        primary: returns the primary of the moment.
        links: between them; as fast as loopback if left out.
    """

    def __init__(
        self,
        members: Sequence[Member],
        teller: Teller,
        primary: Callable[[], int],
        links: LiveLinks | None = None,
    ) -> None:
        self.members = tuple(members)
        self._links = LiveLinks(len(members)) if links is None else links
        self.deaths = 0
        """Processes that have ended by themselves."""
        self.is_cut = False
        self._teller = teller
        self._primary = primary
        self._ending = False

    # ---------------------------------------------------------------- begin and end

    async def start(self) -> None:
        """Start all nodes, and wait until each answers.

        Raises:
            NotReady: one has died, or none has come up for too long.
        """
        for member in self.members:
            member.links = self._links.orders(member.number)
            await self._start(member)
        await self._all_answer()

    async def finish(self) -> list[int]:
        """End all nodes in good order; return those that had to be killed."""
        self._ending = True
        for member in self.members:
            member.struck = True
            for task in (*member.tasks, member.slowing):
                if task is not None:
                    task.cancel()
        ended = await asyncio.gather(
            *(member.process.finish(FINISH_PATIENCE_S) for member in self.members)
        )
        return [member.number for member, good in zip(self.members, ended, strict=True) if not good]

    async def kill(self) -> None:
        """Kill all nodes at once, whatever they are at."""
        self._ending = True
        for member in self.members:
            member.process.send(signal.SIGKILL)
        for member in self.members:
            if member.process.is_up:
                await member.process.ended()

    # ---------------------------------------------------------------- what the timeline does

    def primary(self) -> int:
        """Return the primary of the moment, as far as is known."""
        return self._primary()

    def lives(self, node: int) -> int:
        """Return how often a node was started."""
        return self.members[node].process.lives

    def is_up(self, node: int) -> bool:
        """Tell whether a node has a process, be it stopped or not."""
        return self.members[node].process.is_up

    def answers(self, node: int) -> bool:
        """Tell whether a node can be asked anything."""
        member = self.members[node]
        return member.process.is_up and member.ready and not member.paused

    async def crash(self, node: int) -> bool:
        """Kill a node; False if it was down."""
        member = self.members[node]
        if not member.process.is_up:
            return False
        member.struck = True
        await member.process.kill()
        self._teller.tell("crashed", node, "SIGKILL")
        return True

    async def restart(self, node: int) -> bool:
        """Start a node again; False if it was up."""
        member = self.members[node]
        if self._ending or member.process.is_up:
            return False
        await self._start(member)
        self._teller.tell("restarted", node, f"pid {member.process.pid}")
        return True

    async def pause(self, node: int) -> bool:
        """Stop a node's process; False if it was down or stopped."""
        member = self.members[node]
        if member.paused or not member.process.send(signal.SIGSTOP):
            return False
        member.paused = True
        self._teller.tell("stopped", node, "SIGSTOP")
        return True

    async def resume(self, node: int) -> bool:
        """Let a stopped process go on; False if none was stopped."""
        member = self.members[node]
        if not member.paused:
            return False
        member.paused = False
        member.process.send(signal.SIGCONT)
        self._teller.tell("resumed", node, "SIGCONT")
        self._begin(member, self._order(member))
        return True

    async def slow(self, node: int, factor: float) -> bool:
        """Let a node run for 1/factor of the time only; 1 is its own speed. False if down."""
        member = self.members[node]
        if not member.process.is_up:
            return False
        if member.slowing is not None:
            member.slowing.cancel()
            member.slowing = None
            if not member.paused:
                member.process.send(signal.SIGCONT)
        member.factor = factor
        if factor > 1:
            member.slowing = asyncio.create_task(_hold_up(member, factor))
        self._teller.tell("slowed", node, f"{factor:g} times slower" if factor > 1 else "no more")
        return True

    async def cut(self, orders: Cuts) -> None:
        """Cut the network, in place of an earlier cut."""
        self.is_cut = True
        for node, apart in orders.items():
            self.members[node].apart = apart
        self._teller.tell("partitioned", None, sides(orders))
        self._order_all()

    async def heal(self) -> None:
        """End the cut."""
        self.is_cut = False
        for member in self.members:
            member.apart = TOGETHER
        self._teller.tell("healed", None, "")
        self._order_all()

    async def delay(self, nodes: Sequence[int], extra_ns: int) -> None:
        """Add so much at each of these ends of a link, instead of what was added before."""
        self._links.delay(nodes, extra_ns)
        added = f"{extra_ns / 1e6:g} ms at each end" if extra_ns else "no more"
        self._change_links("latency added", f"{added}: {listed(nodes)}")

    async def disturb(self, disturbance: Disturbance) -> None:
        """Begin to repeat, mix up or lose messages."""
        self._links.disturb(disturbance)
        self._change_links(verb(disturbance) + " messages", where(disturbance))

    async def settle(self, disturbance: Disturbance) -> None:
        """End what this very object has begun."""
        self._links.settle(disturbance)
        self._change_links(verb(disturbance) + " messages no more", where(disturbance))

    async def clog(self, ways: Ways) -> None:
        """Begin to hold back what is sent."""
        self._links.clog(ways)
        self._change_links("clogged", told(ways))

    async def unclog(self, ways: Ways) -> None:
        """End what this very object has begun."""
        self._links.unclog(ways)
        self._change_links("clogged no more", told(ways))

    # ---------------------------------------------------------------- within

    def _change_links(self, kind: str, detail: str) -> None:
        """Say that links are others now, and give those nodes orders whom it concerns."""
        self._teller.tell(kind, None, detail)
        for member in self.members:
            links = self._links.orders(member.number)
            if links != member.links:
                member.links = links
                self._begin(member, self._order(member))

    async def _start(self, member: Member) -> None:
        member.ready = member.ordered = False
        member.struck = member.died = member.paused = False
        member.factor = 1.0
        for task in (*member.tasks, member.slowing):
            if task is not None:
                task.cancel()
        member.tasks, member.slowing = [], None
        await member.process.start()
        self._begin(member, self._mourn(member))
        self._begin(member, self._welcome(member))

    def _begin(self, member: Member, work: Coroutine[object, object, None]) -> None:
        member.tasks = [task for task in member.tasks if not task.done()]
        member.tasks.append(asyncio.create_task(work))

    async def _all_answer(self) -> None:
        """Wait until all nodes have answered and have their orders.

        Raises:
            NotReady: one has died, or none has come up for too long.
        """
        now = asyncio.get_running_loop().time
        until, missing = now() + READY_PATIENCE_S, len(self.members)
        while True:
            waiting = [each.number for each in self.members if not each.ordered]
            for member in self.members:
                if member.died:
                    raise NotReady(member.number, _end_of(member.process))
            if not waiting and all(each.process.is_up for each in self.members):
                return
            if len(waiting) < missing:
                until, missing = now() + READY_PATIENCE_S, len(waiting)
            if waiting and now() > until:
                raise NotReady(waiting[0], f"no answer within {READY_PATIENCE_S:g} s")
            await asyncio.sleep(ASK_AGAIN_S)

    async def _welcome(self, member: Member) -> None:
        """Wait for a node's first answer, then give it its orders."""
        while member.process.is_up:
            with contextlib.suppress(Unanswered, Refused):
                if await _is_its_own(member):
                    member.ready = True
                    break
            await asyncio.sleep(ASK_AGAIN_S)
        if member.apart != TOGETHER or member.links:
            await self._order(member)
        member.ordered = True

    def _order_all(self) -> None:
        """Give all nodes their orders, and wait for none: what is due next must not be late."""
        for member in self.members:
            self._begin(member, self._order(member))

    async def _order(self, member: Member) -> None:
        """Tell a node from whom it is to be now, until it has understood or cannot."""
        loop = asyncio.get_running_loop()
        late = loop.time() + ORDER_PATIENCE_S
        while self.answers(member.number):
            wanted = member.apart, member.links
            try:
                await member.client.ask_all(questions(*wanted), as_owner=True)
                if wanted == (member.apart, member.links):
                    return
            except (Unanswered, Refused) as error:
                if loop.time() > late:
                    late = float("inf")
                    self._teller.tell("takes no orders", member.number, str(error))
            await asyncio.sleep(ASK_AGAIN_S)

    async def _mourn(self, member: Member) -> None:
        """Say so when a process ends that nobody has struck."""
        code = await member.process.ended()
        if member.struck or self._ending:
            return
        member.died = True
        self.deaths += 1
        self._teller.tell("died", member.number, _end_of(member.process, code))


async def _is_its_own(member: Member) -> bool:
    """Tell whether it is the node itself that answers, and nobody who was faster at its port.

    Another network may have been started at the same instant, of the same chain even. Nobody but
    the node takes the token that it has made for this life: whoever else has one refuses it.
    """
    (found,) = await member.client.ask_all([("orrery_status", ())], as_owner=True)
    return isinstance(found, dict) and found.get("node") == member.number


async def _hold_up(member: Member, factor: float) -> None:
    """Let a process run in slices, for 1/factor of the time."""
    span = max(SLICE_S, RUN_S_MIN * factor)
    while member.process.is_up:
        if not member.paused:
            member.process.send(signal.SIGSTOP)
        await asyncio.sleep(span * (1 - 1 / factor))
        if not member.paused:
            member.process.send(signal.SIGCONT)
        await asyncio.sleep(span / factor)


def _end_of(process: NodeProcess, code: int | None = None) -> str:
    """Say how a process has ended, and what it said last."""
    code = process.exit_code if code is None else code
    how = f"exit code {code}" if code is None or code >= 0 else signal.Signals(-code).name
    lines = process.last_lines(LAST_LINES)
    return "\n    ".join([f"{how}; the last lines of its log:", *lines]) if lines else how
