"""What a live network looks like: a table on a terminal, lines in a pipe."""

from collections.abc import Sequence

import msgspec
from rich.table import Table
from rich.text import Text

from sim.live.watch import NodeFacts

STYLES = (
    ("up", "green"),
    ("starting", "cyan"),
    ("partitioned", "yellow"),
    ("slowed", "yellow"),
    ("stopped", "yellow"),
    ("killed", "red"),
    ("died", "bold red"),
)


class NetworkFacts(msgspec.Struct, frozen=True):
    """The network as a whole at a moment."""

    seconds: float
    """Since it was up."""
    height: int
    epoch: int
    transactions: int
    """That became final since."""
    tps: float
    """Lately."""
    nodes: tuple[NodeFacts, ...]


def live_table(name: str, facts: NetworkFacts) -> Table:
    """Return the table of a moment."""
    title = (
        f"{name}  {facts.seconds:.0f} s  height {facts.height:,}  "
        f"{facts.transactions:,} transactions  {facts.tps:,.0f} tx/s"
    )
    table = Table(title=Text(title), title_justify="left")
    for heading in ("node", "pid", "state"):
        table.add_column(heading)
    for heading in ("height", "view", "peers", "pool", "tx/s", "CPU", "memory"):
        table.add_column(heading, justify="right")
    styles = dict(STYLES)
    for each in facts.nodes:
        state = Text(each.state, style=styles.get(each.state, ""))
        table.add_row(
            str(each.node), "" if each.pid is None else str(each.pid), state, *_cells(each)
        )
    return table


def _cells(facts: NodeFacts) -> tuple[str, ...]:
    if facts.pid is None:
        return ("",) * 7
    status = facts.status
    # A follower is in no view, and knows no primary.
    view = "-" if status.primary is None else str(status.view)
    view = f"{status.epoch}/{view}" if status.epoch else view
    told: tuple[str, ...] = (
        f"{status.height:,}",
        view,
        str(status.peers),
        f"{status.pool:,}",
        f"{facts.tps:,.0f}",
    )
    if not facts.answered:
        told = tuple(f"({cell})" for cell in told)
    return (*told, f"{facts.cpu:.0%}", f"{facts.resident_bytes / 1e6:,.0f} MB")


def line(facts: NetworkFacts) -> str:
    """Return a moment in one line."""
    states = ", ".join(_grouped(facts.nodes))
    cpu = sum(each.cpu for each in facts.nodes)
    memory = sum(each.resident_bytes for each in facts.nodes) / 1e6
    return (
        f"{facts.seconds:8.2f} s  height {facts.height}, {facts.transactions} transactions, "
        f"{facts.tps:.0f} tx/s; {states}; {cpu:.2f} cores, {memory:,.0f} MB"
    )


def _grouped(nodes: Sequence[NodeFacts]) -> list[str]:
    """Say how many nodes are in each state, and which, unless they are up."""
    by_state: dict[str, list[int]] = {}
    for each in nodes:
        by_state.setdefault(each.state, []).append(each.node)
    return [
        f"{len(found)} {state}" + ("" if state == "up" else f" ({' '.join(map(str, found))})")
        for state, found in by_state.items()
    ]
