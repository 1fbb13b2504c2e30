"""Where the transactions of a block stand in its picture.

Columns are levels: whoever waits stands to the right of what it waits for. A wide level takes
several columns. A graph deeper than the page is wide is broken into bands, like a text into lines.
In its column a transaction stands as near as can be to the height of those it waits for, so a chain
is a straight line. Transactions without any edge stand by themselves below, dearest first.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec

from node.schedule import Graph, graph_tasks

WIDTH = 1_120.0
"""Units between the margins."""
MARGIN = 40.0
ROWS_MAX = 40
"""Transactions that stand above one another in a column."""
ROW_PITCH = 18.0
COLUMN_PITCH_MIN, COLUMN_PITCH_MAX = 17.0, 92.0
BAND_GAP = 22.0
GRID_PITCH = 17.0
RADIUS_MIN, RADIUS_MAX = 2.4, 8.0

_ALL_KINDS = -1


class Place(msgspec.Struct, frozen=True):
    """The middle of a node, and the band in which it stands; -1 for those without edges."""

    x: float
    y: float
    band: int


class Layout(msgspec.Struct, frozen=True):
    """Where everything is, from 0 downwards."""

    places: tuple[Place | None, ...]
    """Of each node: the transactions, then the joins; None for a join that nobody waits for."""
    levels: tuple[int, ...]
    bands: tuple[tuple[float, float], ...]
    """Left and right end of each band."""
    graph_bottom: float
    """Where the part with edges ends."""
    bottom: float
    pitch: float
    """Between two columns."""
    path: tuple[int, ...]
    """Nodes of the dearest chain, in order."""
    independent: tuple[int, ...]


def lay_out(graph: Graph, gas: Sequence[int]) -> Layout:
    """Return the layout of a block's graph.

    Args:
        graph: of the block.
        gas: of each transaction.
    """
    tasks = graph_tasks(graph, gas, _ALL_KINDS)
    levels = tasks.levels()
    tied = {*graph.sources, *graph.targets}
    columns = _columns(graph, levels, tied)
    pitch = min(max(WIDTH / max(len(columns), 1), COLUMN_PITCH_MIN), COLUMN_PITCH_MAX)
    slots = _slots(graph, columns)
    places: list[Place | None] = [None] * len(levels)
    bands, bottom = _place_columns(columns, slots, pitch, places)
    _place_joins(graph, pitch, places)
    alone = [task for task in range(graph.transactions) if task not in tied]
    alone.sort(key=lambda task: (-gas[task], task))
    end = _place_grid(alone, bottom + 2 * BAND_GAP if columns else 0.0, places)
    return Layout(
        places=tuple(places),
        levels=tuple(levels),
        bands=tuple(bands),
        graph_bottom=bottom,
        bottom=end if alone else bottom,
        pitch=pitch,
        path=_dearest_chain(tasks.after, tasks.costs, tasks.paths()),
        independent=tuple(alone),
    )


def radius(gas: int, most: int) -> float:
    """Return the radius of a transaction: its area grows with its gas."""
    return max(RADIUS_MIN, RADIUS_MAX * math.sqrt(gas / max(most, 1)))


def _columns(graph: Graph, levels: Sequence[int], tied: set[int]) -> list[list[int]]:
    """Return the transactions of each column, those of one component side by side."""
    family = _families(graph)
    size: dict[int, int] = {}
    for root in family:
        size[root] = size.get(root, 0) + 1
    by_level: list[list[int]] = []
    for task in range(graph.transactions):
        if task in tied:
            while len(by_level) <= levels[task]:
                by_level.append([])
            by_level[levels[task]].append(task)
    columns = []
    for members in by_level:
        members.sort(key=lambda task: (-size[family[task]], family[task], task))
        columns += [members[k : k + ROWS_MAX] for k in range(0, len(members), ROWS_MAX)]
    return columns


def _families(graph: Graph) -> list[int]:
    """Return for each node the least node that hangs together with it."""
    root = list(range(graph.transactions + graph.joins))

    def find(node: int) -> int:
        while root[node] != node:
            root[node] = root[root[node]]
            node = root[node]
        return node

    for source, target in zip(graph.sources, graph.targets, strict=True):
        a, b = find(source), find(target)
        root[max(a, b)] = min(a, b)
    return [find(node) for node in range(len(root))]


def _slots(graph: Graph, columns: Sequence[Sequence[int]]) -> dict[int, int]:
    """Return how far down in its column each transaction stands."""
    before: dict[int, list[int]] = {}
    for source, target in zip(graph.sources, graph.targets, strict=True):
        before.setdefault(target, []).append(source)
    slots: dict[int, int] = {}
    wished: dict[int, float] = {}
    for column in columns:
        for place, task in enumerate(column):
            wished[task] = _wish(task, before, slots, wished, place)
        taken: dict[int, int] = {}
        for task in sorted(column, key=lambda task: (wished[task] % 1, task)):
            slots[task] = _nearest_free(round(wished[task]), taken)
            taken[slots[task]] = task
    return slots


def _nearest_free(wish: int, taken: Mapping[int, int]) -> int:
    """Return the free slot next to a wish, the lower one of two."""
    for distance in range(ROWS_MAX):
        for slot in (wish + distance, wish - distance):
            if 0 <= slot < ROWS_MAX and slot not in taken:
                return slot
    raise AssertionError(f"a column of more than {ROWS_MAX} transactions")


def _wish(
    task: int,
    before: dict[int, list[int]],
    slots: dict[int, int],
    wished: dict[int, float],
    otherwise: int,
) -> float:
    """Return the mean slot of what a node waits for, through joins."""
    heights = []
    for node in before.get(task, ()):
        if node in slots:
            heights.append(float(slots[node]))
        elif node in before:
            if node not in wished:
                wished[node] = _wish(node, {node: before[node]}, slots, wished, otherwise)
            heights.append(wished[node])
    return sum(heights) / len(heights) if heights else float(otherwise)


def _place_columns(
    columns: Sequence[Sequence[int]],
    slots: dict[int, int],
    pitch: float,
    places: list[Place | None],
) -> tuple[list[tuple[float, float]], float]:
    """Place the transactions band by band; return the bands' ends and where the last one ends."""
    per_band = max(1, int(WIDTH / pitch))
    bands: list[tuple[float, float]] = []
    top = 0.0
    for first in range(0, len(columns), per_band):
        shown = columns[first : first + per_band]
        used = sorted({slots[task] for column in shown for task in column})
        row = {slot: index for index, slot in enumerate(used)}
        for index, column in enumerate(shown):
            for task in column:
                x = MARGIN + (index + 0.5) * pitch
                places[task] = Place(x, top + (row[slots[task]] + 0.5) * ROW_PITCH, len(bands))
        bands.append((MARGIN, MARGIN + len(shown) * pitch))
        top += len(used) * ROW_PITCH + BAND_GAP
    return bands, max(top - BAND_GAP, 0.0)


def _place_joins(graph: Graph, pitch: float, places: list[Place | None]) -> None:
    """Place each join shortly before the first transaction that waits for it."""
    before: dict[int, list[int]] = {}
    after: dict[int, list[int]] = {}
    for source, target in zip(graph.sources, graph.targets, strict=True):
        if target >= graph.transactions:
            before.setdefault(target, []).append(source)
        if source >= graph.transactions:
            after.setdefault(source, []).append(target)
    for join in range(graph.transactions, len(places)):
        readers = [place for node in after.get(join, ()) if (place := places[node]) is not None]
        if not readers:
            continue
        first = min(readers, key=lambda place: (place.band, place.x))
        near = [
            place.y
            for node in before.get(join, ())
            if (place := places[node]) is not None and place.band == first.band
        ]
        y = sum(near) / len(near) if near else first.y
        places[join] = Place(first.x - pitch / 2, y, first.band)


def _place_grid(alone: Sequence[int], top: float, places: list[Place | None]) -> float:
    """Place what has no edge, line by line; return where the last line ends."""
    per_line = int(WIDTH / GRID_PITCH)
    for index, task in enumerate(alone):
        line, column = divmod(index, per_line)
        x = MARGIN + (column + 0.5) * GRID_PITCH
        places[task] = Place(x, top + (line + 0.5) * GRID_PITCH, -1)
    return top + -(-len(alone) // per_line) * GRID_PITCH


def _dearest_chain(
    after: Sequence[Sequence[int]], costs: Sequence[int], paths: Sequence[int]
) -> tuple[int, ...]:
    if not paths:
        return ()
    node = max(range(len(paths)), key=lambda each: (paths[each], -each))
    chain = [node]
    while after[node]:
        left = paths[node] - costs[node]
        node = next(each for each in after[node] if paths[each] == left)
        chain.append(node)
    return tuple(chain)
