"""A block's dependency graph in figures: shape, bounds, and the cells that transactions fight over.

A cell is as hot as it makes transactions wait: how many of those that touch it have to wait for an
earlier one because of it. Cells that everybody reads and nobody changes are not hot.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from node.schedule import (
    RAW,
    SCHEDULERS,
    WAW,
    DeltaRule,
    EdgeRule,
    Graph,
    LazyRule,
    Shape,
    StrictRule,
    bound,
    build_graph,
    graph_tasks,
    shape,
)
from primitives.access import ADDRESS_BYTES, BALANCE, CODE, EXISTENCE, NONCE, AccessSet
from sim.graph.subject import Subject

WORKERS = (2, 4, 8, 16, 32, 64)
HOT_MAX = 12
"""Cells that are listed."""
RULES = ("deltas", "strict", "lazy")
"""Edge rules by name; the first is what executors use."""

_FIELDS: Mapping[bytes, str] = MappingProxyType(
    {BALANCE: "balance", NONCE: "nonce", CODE: "code", EXISTENCE: "existence"}
)


class Bounds(msgspec.Struct, frozen=True):
    """Speed-ups over one core, one for each of `WORKERS`."""

    rule: str
    scheduler: str
    speed_ups: tuple[float, ...]


class HotCell(msgspec.Struct, frozen=True):
    """A cell, and the transactions that touch it, by their place in the block."""

    address: str
    field: str
    """"balance", "nonce", "code", "existence", or the slot in hexadecimal."""
    waits: int
    """Transactions that wait for an earlier one because of it."""
    readers: tuple[int, ...]
    writers: tuple[int, ...]
    payers: tuple[int, ...]
    """Those that moved amounts without looking."""
    gas: int
    """Gas of all that touch it."""


class Analysis(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    block: str
    transactions: int
    gas: int
    rule: str
    edges: int
    edges_by_kind: dict[str, int]
    joins: int
    width: int
    depth: int
    critical_path_gas: int
    independent: int
    """Transactions that wait for nobody and that nobody waits for."""
    workers: tuple[int, ...]
    bounds: tuple[Bounds, ...]
    hot_cells: tuple[HotCell, ...]
    optimistic_executions: dict[str, int]
    """How often transactions run under the optimistic scheduler, by workers."""
    picture: str | None = None
    """File of the drawing."""


def rule_named(name: str, subject: Subject) -> EdgeRule:
    """Return an edge rule for a block."""
    rules: dict[str, EdgeRule] = {
        "deltas": DeltaRule(),
        "strict": StrictRule(subject.fee_recipient),
        "lazy": LazyRule(),
    }
    return rules[name]


def analyse(subject: Subject, rule_name: str = RULES[0]) -> tuple[Analysis, Graph]:
    """Return a block's figures and its graph under one rule.

    Args:
        subject: the block.
        rule_name: one of `RULES`, for everything but the bounds, which are given for all.
    """
    rule = rule_named(rule_name, subject)
    graph = build_graph(subject.accesses, rule)
    found: Shape = shape(graph, subject.gas)
    counted = [rule.counted(access) for access in subject.accesses]
    analysis = Analysis(
        block=subject.name,
        transactions=len(subject.gas),
        gas=sum(subject.gas),
        rule=rule_name,
        edges=len(graph.sources),
        edges_by_kind=_edges_by_kind(graph),
        joins=graph.joins,
        width=found.width,
        depth=found.depth,
        critical_path_gas=found.critical_path,
        independent=found.independent,
        workers=WORKERS,
        bounds=tuple(_bounds(subject)),
        hot_cells=tuple(hot_cells(counted, subject.gas)),
        optimistic_executions=_executions(graph, subject.gas),
    )
    return analysis, graph


def _edges_by_kind(graph: Graph) -> dict[str, int]:
    names = {RAW: "read after write", WAW: "write after write", RAW | WAW: "both"}
    return {name: graph.kinds.count(kind) for kind, name in names.items()}


def _bounds(subject: Subject) -> list[Bounds]:
    rows = []
    for name in RULES:
        graph = build_graph(subject.accesses, rule_named(name, subject))
        wanted = SCHEDULERS if name == RULES[0] else ("critical-path", "block-order")
        for scheduler in wanted:
            speed_ups = [bound(graph, subject.gas, w, SCHEDULERS[scheduler]) for w in WORKERS]
            rows.append(Bounds(name, scheduler, tuple([round(each, 6) for each in speed_ups])))
    return rows


def _executions(graph: Graph, gas: Sequence[int]) -> dict[str, int]:
    optimistic = SCHEDULERS["optimistic"]
    tasks = graph_tasks(graph, gas, optimistic.kinds)
    return {str(w): len(optimistic.plan(tasks, [0] * w, 0).tasks) for w in WORKERS}


class _Touches:
    """Who touches one cell."""

    __slots__ = ("last", "payers", "readers", "waits", "writers")

    def __init__(self) -> None:
        self.readers: list[int] = []
        self.writers: list[int] = []
        self.payers: list[int] = []
        self.waits = 0
        self.last = -1
        """The last transaction that was counted as waiting."""

    def wait(self, index: int) -> None:
        """Count a transaction once."""
        if self.last != index:
            self.waits += 1
            self.last = index


def hot_cells(accesses: Sequence[AccessSet], gas: Sequence[int]) -> list[HotCell]:
    """Return the cells that most transactions wait at, at most `HOT_MAX`.

    Args:
        accesses: of each transaction, as far as they count.
        gas: of each transaction.
    """
    cells: dict[bytes, _Touches] = {}
    for index, access in enumerate(accesses):
        for key in access.reads:
            cell = cells.setdefault(key, _Touches())
            if cell.writers or cell.payers:
                cell.wait(index)
            cell.readers.append(index)
        for key in access.writes:
            cell = cells.setdefault(key, _Touches())
            if cell.writers or cell.payers:
                cell.wait(index)
            cell.writers.append(index)
        for key in access.deltas:
            cell = cells.setdefault(key, _Touches())
            if cell.writers and cell.writers[-1] != index:
                cell.wait(index)
            cell.payers.append(index)
    hot = [_cell(key, touches, gas) for key, touches in cells.items() if touches.waits]
    hot.sort(key=lambda cell: (-cell.waits, -cell.gas, cell.address, cell.field))
    return hot[:HOT_MAX]


def _cell(key: bytes, touches: _Touches, gas: Sequence[int]) -> HotCell:
    who = {*touches.readers, *touches.writers, *touches.payers}
    rest = key[ADDRESS_BYTES:]
    return HotCell(
        address="0x" + key[:ADDRESS_BYTES].hex(),
        field=_FIELDS.get(rest) or hex(int.from_bytes(rest, "big")),
        waits=touches.waits,
        readers=tuple(touches.readers),
        writers=tuple(touches.writers),
        payers=tuple(touches.payers),
        gas=sum([gas[index] for index in sorted(who)]),
    )
