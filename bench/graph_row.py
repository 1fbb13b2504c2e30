"""One row of `orrery bench graph`: from access sets to a schedule, for one pattern of conflicts.

Each transaction reads two keys and writes one of them: three accesses, mostly. Graph
and schedule are measured apart: build with the last-writer index, then list scheduling with the
critical path first on 16 cores. Beside it stands networkx, which is only given the same nodes and
edges, in the same process and in turns with ours. All of it is processor time.
"""

import gc
import json
import sys
import time
from collections.abc import Callable, Mapping
from random import Random
from statistics import median
from types import MappingProxyType

import networkx as nx

from node.schedule import ORDERED, SCHEDULERS, Graph, bound, build_graph, graph_tasks
from primitives.access import SLOT_KEY_BYTES, AccessSet

WORKERS = 16
MILLI = 1_000
GAS = (21_000, 500_000)
ZIPF_SKEW = 1.1

Keys = list[bytes]
Pattern = Callable[[Random, int], tuple[Keys, Keys]]
"""Returns for each transaction the key that it writes and the key that it only reads."""


def no_conflicts(random: Random, count: int) -> tuple[Keys, Keys]:
    """Keys of one's own."""
    return _keys(random, count), _keys(random, count)


def zipf(random: Random, count: int) -> tuple[Keys, Keys]:
    """As many keys as transactions, some asked for much more often than others."""
    keys = _keys(random, count)
    weights = [1 / (rank + 1) ** ZIPF_SKEW for rank in range(count)]
    return random.choices(keys, weights, k=count), random.choices(keys, weights, k=count)


def one_hot_key(random: Random, count: int) -> tuple[Keys, Keys]:
    """One key that every tenth transaction writes and all others read."""
    own = _keys(random, count)
    return [own[0] if k % 10 == 0 else own[k] for k in range(count)], [own[0]] * count


def chains(random: Random, count: int) -> tuple[Keys, Keys]:
    """Sixty-four senders, each of whose transactions waits for the one before."""
    senders = _keys(random, 64)
    return [senders[k % 64] for k in range(count)], _keys(random, count)


def scattered(random: Random, count: int) -> tuple[Keys, Keys]:
    """Five keys for each transaction, met in an order that has nothing to do with memory's."""
    keys = _keys(random, 5 * count)
    random.shuffle(keys)
    return random.choices(keys, k=count), random.choices(keys, k=count)


def payments(random: Random, count: int) -> tuple[Keys, Keys]:
    """Half of the transactions pay two of a hundred accounts each, the others look at one."""
    accounts = _keys(random, 100)
    return random.choices(accounts, k=count), random.choices(accounts, k=count)


PATTERNS: Mapping[str, Pattern] = MappingProxyType(
    {
        "none": no_conflicts,
        "zipf": zipf,
        "hot-key": one_hot_key,
        "chains": chains,
        "scattered": scattered,
        "payments": payments,
    }
)


def block(pattern: str, count: int, seed: int = 1) -> list[AccessSet]:
    """Return the accesses of a block.

    Args:
        pattern: a key of `PATTERNS`.
        count: transactions.
        seed: of the keys.
    """
    written, read = PATTERNS[pattern](Random(seed), count)
    if pattern == "payments":
        return [
            AccessSet((), (), tuple(sorted({key, other}))) if k % 2 else AccessSet((key,), ())
            for k, (key, other) in enumerate(zip(written, read, strict=True))
        ]
    return [
        AccessSet(tuple(sorted({key, other})), (key,))
        for key, other in zip(written, read, strict=True)
    ]


def run(pattern: str, transactions: int, rounds: int) -> dict[str, object]:
    """Measure one pattern and return the row.

    Args:
        pattern: a key of `PATTERNS`.
        transactions: in the block.
        rounds: how often everything is done; medians are returned.
    """
    accesses = block(pattern, transactions)
    random = Random(2)
    gas = [random.randint(*GAS) for _ in range(transactions)]
    scheduler = SCHEDULERS["critical-path"]
    took: list[tuple[float, float, float]] = []
    graph = build_graph(accesses)
    for _ in range(rounds):
        gc.collect()
        start = time.process_time()
        graph = build_graph(accesses)
        built = time.process_time()
        scheduler.plan(graph_tasks(graph, gas, ORDERED), [0] * WORKERS, 0)
        planned = time.process_time()
        in_networkx(graph, gas)
        took.append((built - start, planned - built, time.process_time() - planned))
    build, plan, other = (median(column) * MILLI for column in zip(*took, strict=True))
    return {
        "pattern": pattern,
        "transactions": transactions,
        "accesses": sum(len(a.reads) + len(a.writes) + len(a.deltas) for a in accesses),
        "edges": len(graph.sources),
        "joins": graph.joins,
        "build_ms": round(build, 2),
        "schedule_ms": round(plan, 2),
        "total_ms": round(build + plan, 2),
        "networkx_build_ms": round(other, 2),
        "networkx_ratio": round(other / build, 2),
        "bound_16": round(bound(graph, gas, WORKERS, scheduler), 2),
    }


def in_networkx(graph: Graph, gas: list[int]) -> "nx.DiGraph[int]":
    """Return the same graph as networkx has it."""
    other: nx.DiGraph[int] = nx.DiGraph()
    other.add_nodes_from((index, {"gas": each}) for index, each in enumerate(gas))
    other.add_edges_from(zip(graph.sources, graph.targets, strict=True))
    return other


def _keys(random: Random, count: int) -> Keys:
    return [random.randbytes(SLOT_KEY_BYTES) for _ in range(count)]


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
