"""Public blocks with access lists (EIP-7928): encoding, hash and size, and what we make of them.

Their chain has other prices of gas than ours (`bal_runs` says how they are compared). Of the 51
blocks here, 28 use no gas at another price: list, its hash and the state root must be equal. In 23
some transaction does, mostly because it makes the state larger (EIP-8037); there the lists are
equal once the fees are put right, and hash and root cannot be.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from node.execution_setting import ExecutionEngine
from node.executors.executor import ParallelExecutor, Strategy
from node.executors.inline import InlineBackend
from primitives.block_access_list import (
    access_list_hash,
    check_order,
    decode_access_list,
    encode_access_list,
    item_count,
    items_max,
)
from primitives.ids import Gas
from primitives.kzg import CkzgVerifier
from tests.conformance.bal_cases import read_chains
from tests.conformance.bal_runs import ListedRun, differences, run_chain
from tests.conformance.material import from_hex, report
from tests.conformance.tally import Tally

FOLDER = "bal-amsterdam"
TOO_LONG = "BLOCK_ACCESS_LIST_GAS_LIMIT_EXCEEDED"


def test_public_access_lists_have_the_hash_that_their_headers_carry(vectors: Path) -> None:
    failures: list[str] = []
    cases = 0
    for chain in read_chains(vectors / "ethereum" / FOLDER):
        for block in chain.blocks:
            cases += 1
            check_order(block.access_list)
            if access_list_hash(block.access_list) != block.access_list_hash:
                failures.append(f"{block.name}: another hash")
            if decode_access_list(encode_access_list(block.access_list)) != block.access_list:
                failures.append(f"{block.name}: decodes to another list")
    report(failures, cases)


def test_public_access_lists_are_as_long_as_the_gas_limit_allows(vectors: Path) -> None:
    failures: list[str] = []
    cases = 0
    for chain in read_chains(vectors / "ethereum" / FOLDER):
        for block in chain.blocks:
            cases += 1
            limit = items_max(Gas(int(block.header["gasLimit"], 16)))
            if (item_count(block.access_list) > limit) != (block.error == TOO_LONG):
                failures.append(f"{block.name}: {item_count(block.access_list)} of {limit}")
    report(failures, cases)


@pytest.mark.parametrize("strategy", Strategy)
def test_computed_access_lists_are_the_public_ones(
    vectors: Path, strategy: Strategy, record_property: Callable[[str, object], None]
) -> None:
    same = Tally(f"blocks with access lists, {strategy}: gas as ours")
    other = Tally(f"blocks with access lists, {strategy}: other gas, fees put right")
    execute = ParallelExecutor(strategy, InlineBackend(3))
    engine = ExecutionEngine(CkzgVerifier())
    for chain in read_chains(vectors / "ethereum" / FOLDER):
        for run in run_chain(chain, engine, execute):
            (same if run.is_comparable else other).add(_problems_of(run))
    same.report(record_property)
    other.report(record_property)


def _problems_of(run: ListedRun) -> list[str]:
    problems = list(differences(run))
    if run.listed_root != run.state_root:
        problems.append("the list alone gives another state than execution")
    if run.is_comparable:
        if access_list_hash(run.access_list) != run.block.access_list_hash:
            problems.append("another hash")
        if run.state_root != from_hex(run.block.header["stateRoot"]):
            problems.append("another state root")
    return [f"{run.block.name}: {problem}" for problem in problems]
