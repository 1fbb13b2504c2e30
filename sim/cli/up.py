"""`orrery up FILE`."""

import asyncio
import errno
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from primitives.errors import InvalidInput
from primitives.ids import Duration
from primitives.units import parse_duration
from sim.cli.entry import Exit
from sim.cli.jobs import LATE_KEY
from sim.cli.summary import output_console
from sim.live.configs import alone_elsewhere
from sim.live.events import Happening, sentence
from sim.live.fleet import NotReady
from sim.live.order import Network, Order, prepare
from sim.live.refusals import check_live, not_applied
from sim.live.session import Session
from sim.live.summary import Judgement, LiveSummary, encode_summary
from sim.live.table import NetworkFacts, line, live_table
from sim.scenario import load_scenario, locate_mistake

TABLE_COLUMNS = 76
"""A narrower terminal has no room for the table, and gets a line."""
LINE_EVERY_S = 5.0
"""Pause between two lines on how things stand, where there is no terminal."""
WITH_LINKS = (
    "messages take as long as over the scenario's links, with their jitter and loss; nodes share "
    "this machine: bandwidth, cores and disks of the virtual world do not apply"
)
WITHOUT_LINKS = (
    "messages pass loopback, and nodes share this machine: latency, bandwidth, cores and disks of "
    "the virtual world do not apply; --links applies the latency"
)
STYLES = (("passed", "green"), ("failed", "bold red"), ("not judged", "yellow"))


def command(arguments: Namespace) -> int:
    """Bring the scenario's network up, print what it came to, return the exit code."""
    order = _order(arguments)
    network = _prepared(order, arguments)
    # What happens goes where it does not mix with JSON.
    console = Console(stderr=True, highlight=False) if arguments.json else output_console()
    _show_plan(network, console)
    try:
        with _display(network, console) as display:
            session = Session(network, display)
            summary = asyncio.run(session.run())
    except NotReady as error:
        print(f"orrery: {error}", file=sys.stderr)
        return Exit.FAILED
    _show(summary, console, as_json=arguments.json)
    if session.unwritten is not None:
        print(f"orrery: {session.unwritten}", file=sys.stderr)
    return Exit.OK if summary.passed and session.unwritten is None else Exit.FAILED


def _order(arguments: Namespace) -> Order:
    further = partial(check_live, links=arguments.links)
    scenario = load_scenario(arguments.scenario, arguments.overrides, further)
    lasting = None if arguments.lasting is None else _lasting(arguments.lasting)
    return Order(
        scenario=scenario,
        seed=scenario.seed if arguments.seed is None else arguments.seed,
        directory=arguments.dir or Path("runs") / f"{scenario.name}-live",
        rpc_port=arguments.rpc_port,
        p2p_port=arguments.p2p_port,
        lasting_ns=lasting,
        load=not arguments.no_load,
        links=arguments.links,
    )


def _lasting(text: str) -> Duration:
    try:
        lasting = parse_duration(text)
    except InvalidInput as error:
        raise InvalidInput("--for", error.expected, error.actual) from error
    if lasting == 0:
        raise InvalidInput("--for", "a duration above zero", text)
    return lasting


def _prepared(order: Order, arguments: Namespace) -> Network:
    try:
        return prepare(order)
    except InvalidInput as error:
        if LATE_KEY.match(error.where) is None:
            raise
        raise locate_mistake(error, arguments.scenario, arguments.overrides) from error


def _show_plan(network: Network, console: Console) -> None:
    """Say what is about to start, and what of the scenario means nothing here."""
    scenario, directory = network.order.scenario, network.order.directory
    what = "goes on with the chain in" if network.continued else "begins a chain in"
    _say(console, f"{scenario.name}, seed {network.order.seed}: {what} {directory}")
    _say(console, f"genesis {network.genesis}")
    left_out = not_applied(scenario, links=network.order.links)
    notice = WITH_LINKS if network.order.links else WITHOUT_LINKS
    _say(console, notice + (f" (here: {', '.join(left_out)})" if left_out else ""))
    if scenario.chain.genesis is not None:
        told = "the chain's time is the clock on the wall: upgrades in its past are in force"
        _say(console, told)
    _say(console, f"starting {network.size} nodes")


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), soft_wrap=True)


class _Lines:
    """Shows a network in lines.

    Args:
        console: takes them.
        every_s: seconds between two on how things stand; 0 for none.
    """

    def __init__(self, console: Console, every_s: float) -> None:
        self._console = console
        self._every_s = every_s
        self._next = every_s

    def began(self, network: Network) -> None:
        """Say where everything is."""
        for node in range(network.size):
            url = network.url(node)
            _say(self._console, f"node {node} ({network.role(node)}): {url}, {url}/metrics")
        directory = network.order.directory
        metrics = f"cd {directory} && prometheus --config.file=prometheus.yml"
        _say(self._console, f"metrics of all: {metrics}; dashboard.json is for Grafana", "dim")
        alone = alone_elsewhere(network.layout, network.order.scenario, network.size - 1)
        _say(self._console, f"one node alone: {alone}", "dim")
        _say(self._console, "Ctrl-C ends it", "dim")

    def happened(self, happening: Happening) -> None:
        """Show one event."""
        _say(self._console, sentence(happening), "red" if happening.kind == "died" else "")

    def show(self, facts: NetworkFacts) -> None:
        """Show how things stand, now and then."""
        if self._every_s and facts.seconds >= self._next:
            self._next = facts.seconds + self._every_s
            _say(self._console, line(facts))


class _Board(_Lines):
    """Shows a network in a table that changes, and what happens in lines above it.

    Args:
        console: a terminal.
        live: holds the table.
        name: of the network.
    """

    def __init__(self, console: Console, live: Live, name: str) -> None:
        super().__init__(console, 0.0)
        self._live = live
        self._name = name

    def show(self, facts: NetworkFacts) -> None:
        """Show how things stand."""
        narrow = self._console.width < TABLE_COLUMNS
        shown = Text(line(facts)) if narrow else live_table(self._name, facts)
        self._live.update(shown, refresh=True)


@contextmanager
def _display(network: Network, console: Console) -> Iterator[_Lines]:
    if not console.is_terminal:
        yield _Lines(console, LINE_EVERY_S)
        return
    name = network.order.scenario.name
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield _Board(console, live, name)


def _show(summary: LiveSummary, console: Console, *, as_json: bool) -> None:
    """Print what it came to, unless the terminal has hung up meanwhile."""
    try:
        if as_json:
            print(encode_summary(summary).decode(), end="")
        else:
            _show_summary(summary, console)
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno != errno.EIO:
            raise


def _show_summary(summary: LiveSummary, console: Console) -> None:
    table = Table(title=Text(f"{summary.scenario}, live"), title_justify="left")
    table.add_column("figure", overflow="fold")
    table.add_column("value", justify="right", overflow="fold")
    for figure, value in _figures(summary):
        table.add_row(figure, Text(value))
    console.print(table)
    for judgement in summary.judgements:
        _show_judgement(judgement, console)
    if summary.partial:
        _say(console, "the network ended before its scenario did", "yellow")
    _say(console, f"directory: {summary.directory}")


def _show_judgement(judgement: Judgement, console: Console) -> None:
    mark = "FAILED" if judgement.verdict == "failed" else judgement.verdict
    shown = Text.assemble((f"{mark}  ", dict(STYLES)[judgement.verdict]), (judgement.name, "bold"))
    console.print(shown.append(f": {judgement.detail}"), soft_wrap=True)


def _figures(summary: LiveSummary) -> Iterator[tuple[str, str]]:
    yield "time up", f"{summary.seconds:.1f} s"
    yield "nodes", f"{len(summary.nodes):,}"
    yield "height", f"{summary.first_height:,} to {summary.height:,}"
    yield "at a common height", f"{summary.common_height:,}"
    yield "transactions", f"{summary.transactions:,}"
    yield "throughput", f"{summary.tps:,.1f} tx/s"
    if summary.load is not None:
        load = summary.load
        for name, spread in (
            ("inclusion", load.inclusion_seconds),
            ("finality", load.finality_seconds),
        ):
            points = (spread.p50, spread.p95, spread.p99)
            times = " / ".join("-" if point is None else f"{point:.3f}" for point in points)
            yield f"{name} p50 / p95 / p99", f"{times} s"
        yield "sent / final / unconfirmed", f"{load.sent:,} / {load.final:,} / {load.unconfirmed:,}"
        errors = ", ".join(f"{kind} {count:,}" for kind, count in load.errors.items())
        yield "refused", errors or "none"
    yield "view changes", f"{summary.view_changes:,}"
    if summary.epoch:
        yield "committee changes", f"{summary.epoch:,}"
