"""Load that calls contracts, executed: every call succeeds, within gas limits that fit it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pytest

from node.builder import BuildContext, build_block
from node.execution import ExecutedBlock, genesis_executed
from node.execution_setting import ExecutionEngine
from node.schedule import build_graph, shape
from node.validation import PooledTransaction, check_transaction
from primitives.access import SLOT_KEY_BYTES, AccessSet
from primitives.genesis import Genesis
from primitives.ids import Address, Gas
from primitives.params import ChainParams
from sim.contracts import load_artifact, mapping_slot
from sim.signatures import run_keys
from sim.workload.contracts import ContractLoad
from sim.workload.tokens import HOLDING
from tests.unit.sim.test_workload_contracts import MAKERS
from tests.unit.sim.workload_worlds import context, drive

PARAMS = ChainParams(gas_limit=Gas(30_000_000), base_fee_rule="fixed")
RECIPIENT = BuildContext(Address(b"\xfe" * 20), 1)


def load(kind: str, options: Mapping[str, object]) -> ContractLoad:
    return MAKERS[kind]({"accounts": 40, "rate": 20.0, **options}, context())


def genesis_of(workload: ContractLoad) -> ExecutedBlock:
    committee = run_keys(1, 4, real=False, certificates="ed25519").committee
    alloc = tuple(workload.alloc)
    return genesis_executed(Genesis(PARAMS, alloc, committee, contracts=workload.contracts))


def executed(workload: ContractLoad) -> list[ExecutedBlock]:
    """Put all that a workload sends into blocks, in order."""
    engine = ExecutionEngine()
    rest: Sequence[PooledTransaction]
    rest = [check_transaction(each.raw, PARAMS) for each in drive(workload)]
    blocks = [genesis_of(workload)]
    while rest:
        block = build_block(blocks[-1], rest[:200], RECIPIENT, PARAMS, engine)
        assert block.transactions == tuple(rest[: len(block.transactions)]), "left one out"
        rest = rest[len(block.transactions) :]
        blocks.append(block)
    return blocks[1:]


@pytest.mark.parametrize("deploy", ["genesis", "transaction"])
@pytest.mark.parametrize("kind", MAKERS)
def test_every_call_succeeds_within_a_limit_that_fits_it(kind: str, deploy: str) -> None:
    """The dearest call of each kind takes four fifths of its limit: blocks are packed by limits."""
    used: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
    sizes = {"tokens": 3, "pairs": 2, "collections": 2} if kind == "mainnet-like" else {}
    for block in executed(load(kind, {"deploy": deploy, **sizes})):
        for transaction, run in zip(block.transactions, block.runs, strict=True):
            assert run.result.succeeded, run.result.failure
            function = transaction.transaction.data[:4] if transaction.to else b"create"
            used[function].append((run.result.gas_used, transaction.gas_limit))
    assert used
    for function, rows in used.items():
        dearest, limit = max(rows)
        least = 0.5 if function == b"create" else 0.8
        assert least * limit <= dearest <= limit, (function.hex(), dearest, limit)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("compute", {"rounds": 1}),
        ("compute", {"rounds": 30_000}),
        ("storage", {"slots": 1}),
        ("storage", {"slots": 600}),
        ("storage", {"slots": 5, "fresh": False}),
    ],
)
def test_the_limit_follows_the_size(kind: str, options: dict[str, object]) -> None:
    transactions = [
        (run.result, transaction.gas_limit)
        for block in executed(load(kind, {**options, "rate": 0.5, "accounts": 2}))
        for transaction, run in zip(block.transactions, block.runs, strict=True)
    ]
    assert all(result.succeeded for result, _ in transactions)
    assert max(result.gas_used / limit for result, limit in transactions) > 0.8


def test_tokens_are_moved_and_none_are_lost() -> None:
    workload = load("erc20", {"receivers": 3})
    token = workload.contracts[0].address
    state = executed(workload)[-1].state
    balances = load_artifact("Token").slot("balanceOf")
    held = [state.slot(token, mapping_slot(balances, address)) for address, _ in workload.alloc]
    assert sum(held) == state.slot(token, load_artifact("Token").slot("totalSupply"))
    assert len(set(held)) > 30
    assert sum(amount > HOLDING for amount in held) <= 3


def test_a_mix_is_as_independent_in_storage_as_mainnet() -> None:
    """60 to 80 % of transactions touch disjoint storage, says EIP-7928's rationale."""
    workload = load("mainnet-like", {"accounts": 1_000, "rate": 100.0})
    touched = [_storage_only(block.accesses) for block in executed(workload)]
    graphs = [build_graph(accesses) for accesses in touched if len(accesses) == 200]
    shares = [shape(graph, [1] * 200).independent / 200 for graph in graphs]
    assert 0.6 <= sum(shares) / len(shares) <= 0.8


def _storage_only(accesses: Sequence[AccessSet]) -> list[AccessSet]:
    return [
        AccessSet(
            tuple(key for key in each.reads if len(key) == SLOT_KEY_BYTES),
            tuple(key for key in each.writes if len(key) == SLOT_KEY_BYTES),
        )
        for each in accesses
    ]
