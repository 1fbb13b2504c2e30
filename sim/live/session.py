"""One `up`: from the first process to the last.

The parts run side by side on one event loop: the timeline, the load, the committee changes, the
watch, the witness, and the display. The first signal ends the run: no more load and no more
events, a look at what the nodes have, then SIGTERM to each. A second one leaves out the look, a
third one kills. However it ends, every process is reaped.
"""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, Protocol

import aiohttp
import msgspec

from primitives.ids import Duration, NodeId
from sim.live.client import NodeClient
from sim.live.closing import Closing
from sim.live.events import Chronicle, Happening
from sim.live.fleet import Fleet, Member, NotReady
from sim.live.governor import Governor
from sim.live.layout import EVENTS, SUMMARY, write
from sim.live.order import Command, Network, run_node
from sim.live.ports import PortsTaken, check_free
from sim.live.process import NodeProcess
from sim.live.summary import LiveSummary, encode_summary
from sim.live.table import NetworkFacts
from sim.live.timeline import LiveTimeline
from sim.live.watch import LATELY_S, Watch
from sim.live.ways import LiveLinks
from sim.live.witness import Witness
from sim.load.driver import WorkloadDriver
from sim.load.errors import RpcError
from sim.load.scenario import live_workload

SECOND_NS = 1_000_000_000
ENDLESS_NS = 10 * 365 * 86_400 * SECOND_NS
"""How long a load goes on that nothing ends but a signal."""
DRAIN_NS = 10 * SECOND_NS
"""Most time that what is on its way may take to be in a block, when the load has ended."""
SHOW_S = 1.0


class Display(Protocol):
    """Shows a network."""

    def began(self, network: Network) -> None:
        """Say where everything is: all nodes answer."""
        ...

    def happened(self, happening: Happening) -> None:
        """Show one event."""
        ...

    def show(self, facts: NetworkFacts) -> None:
        """Show how things stand, about once a second."""
        ...


class Session:
    """Brings a network up, keeps it so, and takes it down.

    Args:
        network: prepared.
        display: shows it.
        command: runs a node.
    """

    def __init__(self, network: Network, display: Display, command: Command = run_node) -> None:
        self._network = network
        self._display = display
        self._command = command
        self._chronicle = Chronicle(network.layout.file(EVENTS), self._happened)
        self._watch = Watch()
        self._driver: WorkloadDriver | None = None
        self._overtaken = False
        self._is_up = False
        self._signals = 0
        self._signalled = asyncio.Event()
        self.unwritten: str | None = None
        """Why the summary, or some of what happened, could not be written; None if all was."""

    async def run(self) -> LiveSummary:
        """Run the network until its time is over, or a signal, and write its summary.

        Raises:
            NotReady: a node has not come up; all are down again.
            KeyboardInterrupt: a signal came before all were up; likewise.
        """
        async with aiohttp.ClientSession() as http:
            members = [self._member(http, node) for node in range(self._network.size)]
            links = LiveLinks(self._network.size, self._network.links)
            fleet = Fleet(members, self._chronicle, self._watch.primary, links)
            self._watch.fleet = fleet
            with self._handling_signals():
                try:
                    await self._unless_signalled(self._start(fleet))
                    if self._signals:
                        raise KeyboardInterrupt
                    summary = await self._live(fleet)
                finally:
                    await fleet.kill()
                    self._network.layout.release()
        self._write(summary)
        return summary

    def _write(self, summary: LiveSummary) -> None:
        layout = self._network.layout
        file, error = layout.file(EVENTS), self._chronicle.error
        try:
            write(layout.file(SUMMARY), encode_summary(summary))
        except OSError as failed:
            file, error = layout.file(SUMMARY), failed
        if error is not None:
            self.unwritten = f"{file}: expected to write all of it, got: {error.strerror or error}"

    # ---------------------------------------------------------------- its parts

    async def _start(self, fleet: Fleet) -> None:
        """Start all nodes; if that fails because others were faster at their ports, say so, too."""
        try:
            await fleet.start()
        except NotReady as error:
            await fleet.kill()
            try:
                check_free(self._network.ports)
            except PortsTaken as taken:
                raise NotReady(error.node, f"{error.why}\n{taken}") from error
            raise
        self._is_up = True

    async def _live(self, fleet: Fleet) -> LiveSummary:
        await self._watch.look()
        self._chronicle.begin()
        witness = Witness(fleet, self._watch, self._network.kept, self._seconds)
        witness.begin()
        self._chronicle.tell("up", None, f"{self._network.size} nodes, height {witness.first}")
        self._display.began(self._network)
        background = _tasks([self._watch.run(), witness.run(), self._show(witness)])
        work = _tasks(self._work(fleet))
        load = _tasks([self._offer(fleet)] if self._network.order.load else [])
        try:
            await self._until_over([*work, *load, *background])
            await _end(work)
            closing = Closing(self._network, fleet, self._watch, witness, self._chronicle)
            await self._unless_signalled(self._look(closing, load))
            await _end([*load, *background])
            killed = await self._unless_signalled(fleet.finish())
            return closing.summary(self._driver, tuple(killed or ()))
        finally:
            await _end([*work, *load, *background])

    def _work(self, fleet: Fleet) -> list[Coroutine[Any, Any, None]]:
        order = self._network.order
        governor = Governor(self._network.founding, order.seed, fleet, self._chronicle)
        return [self._play(LiveTimeline(order.scenario, order.seed, fleet)), governor.run()]

    async def _play(self, timeline: LiveTimeline) -> None:
        """Let events happen when they are due."""
        while (at := timeline.next_at) is not None:
            await asyncio.sleep(max(0, at - self._chronicle.now_ns) / SECOND_NS)
            await timeline.run_due(self._chronicle.now_ns)

    async def _offer(self, fleet: Fleet) -> None:
        """Drive the scenario's workload."""
        order = self._network.order
        urls = {NodeId(node): self._network.url(node) for node in range(self._network.size)}
        lasting = Duration(order.lasting_ns or ENDLESS_NS)
        scenario = msgspec.structs.replace(order.scenario, duration=lasting)
        params = self._network.founding.genesis.params
        try:
            workload = await live_workload(scenario, order.seed, params, list(urls.values()))
            self._driver = WorkloadDriver(workload, urls, lambda node: fleet.answers(int(node)))
            await self._driver.run(lasting, Duration(DRAIN_NS))
        except RpcError as error:
            self._chronicle.tell("load ended", None, str(error))

    async def _show(self, witness: Witness) -> None:
        while True:
            await asyncio.sleep(SHOW_S)
            facts = NetworkFacts(
                seconds=self._seconds(),
                height=self._watch.height,
                epoch=self._watch.epoch,
                transactions=witness.transactions,
                tps=witness.tps(LATELY_S),
                nodes=tuple(self._watch.facts(witness.between)),
            )
            with self._watched():
                self._display.show(facts)
            self._tell_of_strangers()

    def _tell_of_strangers(self) -> None:
        """Say once that others send from the accounts of the load, which then stands still."""
        overtaken = 0 if self._driver is None else self._driver.overtaken
        if overtaken and not self._overtaken:
            self._overtaken = True
            told = f"others send from its accounts and have used {overtaken:,} of its nonces"
            self._chronicle.tell("load stuck", None, told)

    def _happened(self, happening: Happening) -> None:
        if happening.kind == "died" and not self._is_up:
            return  # `NotReady` says so.
        with self._watched():
            self._display.happened(happening)

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """End in good order when nobody looks any more: a terminal has hung up, or a pipe."""
        try:
            yield
        except OSError:
            if not self._signals:
                self._on_signal()

    def _seconds(self) -> float:
        return self._chronicle.now_ns / SECOND_NS

    def _member(self, http: aiohttp.ClientSession, node: int) -> Member:
        layout = self._network.layout
        command = self._command(layout.config(node).resolve())
        process = NodeProcess(node, command, layout.log(node))
        token = layout.token(node)
        client = NodeClient(http, self._network.url(node), lambda: token.read_text().strip())
        return Member(process, client)

    # ---------------------------------------------------------------- its end

    async def _look(self, closing: Closing, load: Sequence["asyncio.Task[None]"]) -> None:
        """Let a load that is over by itself drain, then look at what the nodes have."""
        if self._signals:
            await _end(load)
        else:
            await asyncio.gather(*load)
        await closing.look()

    async def _until_over(self, parts: Sequence["asyncio.Task[None]"]) -> None:
        """Wait until the time is over, or a signal; fail if a part fails."""
        lasting = self._network.order.lasting_ns or ENDLESS_NS
        over = asyncio.create_task(asyncio.sleep(lasting / SECOND_NS))
        stop = asyncio.create_task(self._signalled.wait())
        waiting: set[asyncio.Task[Any]] = {over, stop, *parts}
        try:
            while not over.done() and not stop.done():
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in parts:
                    if task in done:
                        task.result()
        finally:
            await _end([over, stop])
        self._chronicle.tell("ending", None, "a signal" if self._signals else "its time is over")

    async def _unless_signalled(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something, and return its result; None if a signal comes before it is done."""
        self._signalled.clear()
        doing = asyncio.create_task(work)
        stop = asyncio.create_task(self._signalled.wait())
        try:
            await asyncio.wait({doing, stop}, return_when=asyncio.FIRST_COMPLETED)
            return doing.result() if doing.done() else None
        finally:
            await _end([doing, stop])

    @contextlib.contextmanager
    def _handling_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        # Whoever has started this with `nohup` wants it to outlive the terminal.
        hangs_up = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
        numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hangs_up else [])]
        for number in numbers:
            loop.add_signal_handler(number, self._on_signal)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _on_signal(self) -> None:
        self._signals += 1
        self._signalled.set()


def _tasks(work: Sequence[Coroutine[Any, Any, None]]) -> list["asyncio.Task[None]"]:
    return [asyncio.create_task(each) for each in work]


async def _end(tasks: Sequence["asyncio.Task[Any]"]) -> None:
    """Cancel what is not done, and wait until it is."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
