"""Speed-up bounds of mainnet blocks, against published ones.

The reference's edge rules, which differ from ours in one point. Conflicts are between storage slots
and between accounts as a whole, read-after-write and write-after-write, in block order. "lazy"
leaves accounts out, "strict" leaves the fee recipient's out. Transactions of one sender are
ordered in both (by the nonce). Each SSTORE counts as a write, even where the slot ends as it
began, which every reentrancy guard does; an `AccessSet` of ours has no such writes, because nobody
after it sees a difference. That is why the sets here come from `oracle.json`, and why the bounds
of our own execution are better. List scheduling takes the ready transaction that stands first in
the block, costs are gas used.

Reference: the oracle's `dag_storage` and `dag_all`, and the table of bounds for the blocks of
risechain/pevm that were published with it.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.schedule import (
    EdgeRule,
    LazyRule,
    ScheduleHint,
    StrictRule,
    bound,
    build_graph,
    decode_hint,
    encode_hint,
    shape,
)
from primitives.access import BALANCE, NONCE, AccessSet
from primitives.ids import Address
from primitives.machine import TaskGraph
from sim.graph.block_folder import read_block_folder
from sim.hosts.processors import Processors
from tests.conformance.tally import Tally
from tests.vectors import vectors_directory

TOLERANCE = 0.03
WORKERS = (2, 4, 8, 16)
PUBLISHED: Mapping[str, tuple[tuple[float, ...], float]] = {
    "19923400": ((1.93, 3.59, 5.81, 6.97), 2.87),
    "19426587": ((1.74, 2.80, 4.18, 5.67), 5.79),
    "7279999": ((2.00, 3.87, 6.70, 10.6), 10.6),
    "19932148": ((2.00, 3.73, 4.60, 4.94), 2.70),
    "11114732": ((2.00, 3.83, 5.27, 5.33), 5.27),
    "16257471": ((2.00, 2.16, 2.23, 2.24), 2.24),
    "13217637": ((2.00, 3.99, 7.93, 15.1), 1.53),
    "13287210": ((1.01, 1.01, 1.01, 1.01), 1.01),
}
"""Lazy at 2, 4, 8 and 16 workers, and strict at 16."""


class Observed(msgspec.Struct, frozen=True):
    """A block as the reference client saw it."""

    accesses: tuple[AccessSet, ...]
    gas: tuple[int, ...]
    fee_recipient: Address
    figures: Mapping[str, Any]


def block_folders() -> list[Path]:
    return sorted(path.parent for path in (vectors_directory() / "blocks").rglob("oracle.json"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "folder" in metafunc.fixturenames:
        found = block_folders()
        metafunc.parametrize("folder", found or [None], ids=[path.name for path in found] or [""])


def observed(folder: Path | None) -> Observed:
    if folder is None:
        pytest.skip("this set of vectors has no mainnet blocks")
    oracle = json.loads((folder / "oracle.json").read_text())
    block = json.loads((folder / "block.json").read_text())
    return Observed(
        tuple([access(each) for each in oracle["txs"]]),
        tuple([each["gasUsed"] for each in oracle["txs"]]),
        Address(bytes.fromhex(block["miner"][2:])),
        oracle["result"],
    )


def access(fields: Mapping[str, Any]) -> AccessSet:
    """Return the cells of one transaction; what was written is not among its `reads`."""
    nonce = bytes.fromhex(fields["from"][2:]) + NONCE
    reads = [cell(name) for name in fields["reads"]]
    writes = [cell(name) for name in fields["writes"]]
    return AccessSet(tuple(sorted([*reads, *writes, nonce])), tuple(sorted([*writes, nonce])), ())


def cell(name: str) -> bytes:
    """An account as a whole stands as its balance here."""
    address, _, slot = name.partition(":")
    raw = bytes.fromhex(address[2:])
    return raw + (bytes.fromhex(slot[2:]) if slot else BALANCE)


def rules(block: Observed) -> tuple[EdgeRule, EdgeRule]:
    return LazyRule(), StrictRule(block.fee_recipient)


def virtual_speed_up(block: Observed, rule: EdgeRule, workers: int) -> float:
    """Return what virtual time makes of the block on an idle machine."""
    graph = build_graph(block.accesses, rule)
    edges = tuple(zip(graph.sources, graph.targets, strict=True))
    demand = TaskGraph("gas", block.gas, edges, "block-order")
    end = Processors(workers).reserve(0, 0, demand, lambda _kind, units: units)
    return sum(block.gas) / end


def test_bounds_and_virtual_speed_ups_are_the_published_ones(
    folder: Path | None, record_property: Callable[[str, object], None]
) -> None:
    block = observed(folder)
    assert folder is not None
    tally = Tally("speed-up bounds of mainnet blocks")
    for rule, field in zip(rules(block), ("dag_storage", "dag_all"), strict=True):
        path = shape(build_graph(block.accesses, rule), block.gas).critical_path
        limit, published = sum(block.gas) / path, block.figures[field]["max_speedup_gas"]
        tally.add(differing(f"{rule.name}, any number of workers", limit, published, 0.005))
    if folder.name not in PUBLISHED:
        tally.leave_out("no bounds for 2, 4, 8 and 16 workers are published")
    else:
        lazy, strict = rules(block)
        figures, strictly = PUBLISHED[folder.name]
        cases = [(lazy, workers, each) for workers, each in zip(WORKERS, figures, strict=True)]
        for rule, workers, published in [*cases, (strict, WORKERS[-1], strictly)]:
            found = bound(build_graph(block.accesses, rule), block.gas, workers)
            name = f"{rule.name} at {workers} workers"
            tally.add(differing(name, found, published, TOLERANCE))
            virtual = virtual_speed_up(block, rule, workers)
            tally.add(differing(f"{name}, virtual", virtual, found, 1e-9))
    tally.report(record_property)


def differing(name: str, found: float, expected: float, tolerance: float) -> list[str]:
    if abs(found - expected) <= tolerance * expected:
        return []
    return [f"{name}: {found:.3f}, expected {expected:.3f}"]


def test_our_own_access_sets_allow_no_less(
    folder: Path | None, record_property: Callable[[str, object], None]
) -> None:
    """A slot that ends as it began is no write, and balances that nobody sees commute."""
    block = observed(folder)
    assert folder is not None
    subject = read_block_folder(folder)
    assert subject.gas == block.gas
    tally = Tally("bounds of our own access sets, no lower than strict ones published")
    if any(block.fee_recipient + BALANCE in each.reads for each in subject.accesses):
        tally.leave_out(
            "somebody reads the fee recipient's balance, which the reference leaves out"
        )
    else:
        ours = shape(build_graph(subject.accesses), subject.gas).critical_path
        _, strict = rules(block)
        theirs = shape(build_graph(block.accesses, strict), block.gas).critical_path
        tally.add([f"a path of {ours} gas, theirs {theirs}"] if ours > theirs else [])
    tally.report(record_property)


def test_the_hint_of_a_mainnet_block_comes_back_and_is_smaller_than_the_block(
    folder: Path | None, record_property: Callable[[str, object], None]
) -> None:
    observed(folder)
    assert folder is not None
    subject = read_block_folder(folder)
    hint = ScheduleHint(subject.accesses, subject.gas)
    raw = encode_hint(hint)
    record_property("hint bytes", len(raw))
    assert decode_hint(raw, len(subject.gas)) == hint
    assert len(raw) < sum(len(each.raw) for each in subject.transactions)
