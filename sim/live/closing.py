"""The last look at a network before its processes are asked to end, and what it came to."""

import asyncio
import contextlib
import time

from sim.live.client import Refused, Unanswered
from sim.live.events import Chronicle
from sim.live.fleet import Fleet
from sim.live.judge import Outcome, judge
from sim.live.order import Network
from sim.live.summary import LiveSummary, LoadFigures, NodeEnd
from sim.live.watch import Watch
from sim.live.witness import Check, Witness
from sim.load.driver import WorkloadDriver
from sim.scenario import Scenario

SECOND_NS = 1_000_000_000
SETTLE_S = 20.0
"""Longest wait for nodes that are behind the others."""
LOOK_S = 0.2


class Closing:
    """Looks at a network when its time is over.

    Args:
        network: which.
        fleet: its nodes.
        watch: what they say; it goes on.
        witness: what was confirmed; it goes on, too.
        chronicle: what has happened.
    """

    def __init__(
        self,
        network: Network,
        fleet: Fleet,
        watch: Watch,
        witness: Witness,
        chronicle: Chronicle,
    ) -> None:
        self._network = network
        self._fleet = fleet
        self._watch = watch
        self._witness = witness
        self._chronicle = chronicle
        self._seconds = chronicle.now_ns / SECOND_NS
        self._began = time.monotonic() - self._seconds
        self._transactions = witness.transactions
        self._nodes: tuple[NodeEnd, ...] = tuple(
            self._end(member.number, None) for member in fleet.members
        )
        self._common = 0
        self._limit = network.order.scenario.expect.max_p99_confirmation
        self._check = Check()

    async def look(self) -> None:
        """Let nodes that are behind catch up, and ask all for what was confirmed."""
        if not self._fleet.is_cut:
            await self._settle()
        await self._watch.look()
        await self._witness.catch_up()
        self._transactions = self._witness.transactions
        asked = [each.number for each in self._fleet.members if self._fleet.answers(each.number)]
        self._common = min((self._watch.status(node).height for node in asked), default=0)
        digests = dict(zip(asked, await asyncio.gather(*map(self._digest, asked)), strict=True))
        self._nodes = tuple(
            self._end(member.number, digests.get(member.number)) for member in self._fleet.members
        )
        self._check = await self._witness.check(asked)

    def summary(self, driver: WorkloadDriver | None, killed: tuple[int, ...]) -> LiveSummary:
        """Return what the run came to.

        Args:
            driver: of the load, if there was one.
            killed: nodes that did not end in good order.
        """
        order = self._network.order
        outcome = self._outcome(driver, killed)
        return LiveSummary(
            scenario=order.scenario.name,
            seed=order.seed,
            directory=str(order.directory),
            genesis=self._network.genesis,
            continued=self._network.continued,
            links=order.links,
            seconds=round(self._seconds, 3),
            partial=self._seconds * SECOND_NS < order.scenario.duration,
            first_height=self._witness.first or 0,
            height=self._watch.height,
            common_height=self._common,
            nodes=self._nodes,
            transactions=self._transactions,
            tps=round(outcome.tps, 3),
            checked_blocks=self._check.blocks,
            checked_transactions=self._check.transactions,
            losses=self._check.losses,
            view_changes=outcome.view_changes,
            epoch=outcome.epoch,
            load=outcome.load,
            judgements=judge(order.scenario, outcome),
            happenings=tuple(self._chronicle.happenings),
        )

    async def _settle(self) -> None:
        """Wait until every node that answers is where the first one was."""
        wanted = self._watch.height
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                while any(
                    not self._watch.answered(each.number)
                    or self._watch.status(each.number).height < wanted
                    for each in self._fleet.members
                    if each.process.is_up and not each.paused
                ):
                    await asyncio.sleep(LOOK_S)

    async def _digest(self, node: int) -> str | None:
        """Return the hash of a node's block at the common height; None if it does not say."""
        client = self._fleet.members[node].client
        with contextlib.suppress(Unanswered, Refused):
            found = await client.ask("eth_getBlockByNumber", hex(self._common), False)  # noqa: FBT003
            return None if found is None else str(found["hash"])
        return None

    def _end(self, node: int, digest: str | None) -> NodeEnd:
        member = self._fleet.members[node]
        return NodeEnd(
            node=node,
            role=self._network.role(node),
            state=member.state,
            height=self._watch.status(node).height,
            digest=digest,
            starts=member.process.lives,
            rpc=self._network.url(node),
        )

    def _outcome(self, driver: WorkloadDriver | None, killed: tuple[int, ...]) -> Outcome:
        return Outcome(
            seconds=self._seconds,
            nodes=self._nodes,
            common_height=self._common,
            check=self._check,
            deaths=self._fleet.deaths,
            killed_at_end=killed,
            tps=self._tps(),
            height=self._watch.height,
            epoch=self._watch.epoch,
            view_changes=self._watch.view_changes,
            growth=tuple((at - self._began, height) for at, height in self._watch.grown),
            load=None if driver is None else load_figures(driver, self._limit),
        )

    def _tps(self) -> float:
        """Return transactions a second in the measured window, or in all of a shorter run."""
        begin, end = measured(self._network.order.scenario, self._seconds)
        return self._witness.counted(begin, end) / (end - begin) if end > begin else 0.0


def measured(scenario: Scenario, seconds: float) -> tuple[float, float]:
    """Return the span, in seconds, that figures of a run look at.

    A network may be up for longer than its scenario lasts: its load may have ended by then.

    Args:
        scenario: says what is left out at both ends.
        seconds: for how long the network was up.
    """
    measure, over = scenario.measure, min(seconds, scenario.duration / SECOND_NS)
    begin, end = measure.warm_up / SECOND_NS, over - measure.cool_down / SECOND_NS
    return (begin, end) if begin < end else (0.0, over)


def load_figures(driver: WorkloadDriver, limit: int | None = None) -> LoadFigures:
    """Return what a load came to.

    Args:
        driver: of the load, which has ended.
        limit: how long a confirmation may take, ns.
    """
    ledger = driver.ledger
    return LoadFigures(
        sent=ledger.sent.total,
        accepted=ledger.accepted.total,
        final=ledger.final.total,
        unconfirmed=driver.unconfirmed,
        inclusion_seconds=ledger.inclusion.summary(),
        finality_seconds=ledger.finality.summary(),
        errors=ledger.error_totals(),
        overdue=0 if limit is None else driver.overdue(limit),
    )
