"""Random transactions and blocks come out as EELS, Ethereum's specification in Python, says.

EELS lives in an environment of its own (`make peers`) and runs in a process of its own. Every case
is told by its seed, which a failure names together with the first difference.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import pytest

from bench.evm_peers import PEERS_PYTHON
from node.execution_setting import ExecutionEngine
from tests.conformance.eels_blocks import BlockMaker
from tests.conformance.eels_mutants import Mutants
from tests.conformance.eels_runs import Judge, Ours, difference
from tests.conformance.eels_worlds import World, precompile_inputs
from tests.vectors import vectors_directory

CASES_PER_RUN = 40
"""Worlds, mutants or blocks for each run of a soak."""
STEPPED_RUNS = (0, 1, 48)
"""Blocks of code that are made ready at once, soon, and as a node does it."""


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    if not PEERS_PYTHON.exists():
        pytest.skip("the peers' environment is not there: run `make peers`")
    with Judge() as eels:
        yield eels


@pytest.fixture(scope="module")
def inputs() -> list[tuple[int, bytes]]:
    directory = vectors_directory()
    return precompile_inputs(directory if directory.is_dir() else None)


@pytest.fixture
def seeds(soak_runs: int, capsys: pytest.CaptureFixture[str]) -> Iterator[range]:
    start = SystemRandom().randrange(2**40)
    count = soak_runs * CASES_PER_RUN
    yield range(start, start + count)
    with capsys.disabled():
        print(f"\n{count} seeds from {start} on: as EELS says")


@pytest.mark.soak
def test_random_transactions_come_out_as_in_eels(
    judge: Judge, inputs: list[tuple[int, bytes]], seeds: range
) -> None:
    ours = Ours()
    for seed in seeds:
        random = Random(seed)
        world = World(random, inputs)
        for transactions in world.variations():
            case = world.case(transactions)
            found = difference(ours(case, random.choice(STEPPED_RUNS)), judge(case))
            assert found is None, f"seed {seed}, {case['fork']}: {found}"


@pytest.mark.soak
def test_changed_state_tests_come_out_as_in_eels(judge: Judge, vectors: Path, seeds: range) -> None:
    ours, mutants = Ours(), Mutants(vectors)
    for seed in seeds:
        random = Random(seed)
        case = mutants.draw(random)
        if case is None:
            continue
        found = difference(ours(case, random.choice(STEPPED_RUNS)), judge(case))
        assert found is None, f"seed {seed}, {case['fork']}, {case['name']}: {found}"


@pytest.mark.soak
def test_random_blocks_are_valid_or_not_as_in_eels(
    judge: Judge, inputs: list[tuple[int, bytes]], seeds: range
) -> None:
    engine = ExecutionEngine()
    for seed in seeds:
        random = Random(seed)
        maker = BlockMaker(random, World(random, inputs), engine)
        for block in maker.blocks():
            ours, theirs = maker.refusal(block), judge(maker.case(block))["refused"]
            assert (ours is None) == (theirs is None), f"seed {seed}: {ours}, there {theirs}"


def test_each_thing_that_can_differ_is_told() -> None:
    good: dict[str, Any] = {"refused": None, "succeeded": True, "gas_used": 21_000, "logs": []}
    answer = {"results": [good], "root": "00"}
    assert difference(answer, answer) is None
    changes: tuple[dict[str, Any], ...] = (
        {"refused": "why"},
        {"succeeded": False},
        {"gas_used": 1},
        {"logs": [[]]},
    )
    for change in changes:
        assert difference(answer, {**answer, "results": [{**good, **change}]}) is not None
    assert difference(answer, {**answer, "root": "01"}) is not None
    refused = {"results": [{"refused": "one"}], "root": "00"}
    assert difference(refused, {"results": [{"refused": "other"}], "root": "00"}) is None


def test_every_world_makes_cases_that_run_here() -> None:
    ours = Ours()
    succeeded = 0
    for seed in range(20):
        world = World(Random(seed), precompile_inputs(None))
        for transactions in world.variations():
            results = ours(world.case(transactions))["results"]
            succeeded += sum([bool(each.get("succeeded")) for each in results])
    assert succeeded > 20
