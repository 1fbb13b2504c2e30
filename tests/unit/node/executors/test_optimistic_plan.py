"""The optimistic plan looks again at those whose cells have changed, and at nobody else."""

import pytest

from contracts.opcodes import Op
from node.execution import BlockExecution, genesis_executed
from node.executors.executor import accept_in_order
from node.executors.inline import InlineBackend
from node.executors.optimistic_plan import RECHECKS_MAX, OptimisticPlan
from node.executors.plan import run_plan
from node.executors.versions import MultiVersion, View
from node.executors.work import BlockWork
from primitives.genesis import Genesis, GenesisContract
from primitives.ids import Gas, Wei
from primitives.params import ChainParams
from tests.unit.node.transfers import COMMITTEE, ETHER, account, execution_on, stranger, transfer

CONTRACT = stranger(70)
OWN_SLOT = bytes([Op.CALLER, Op.SLOAD, Op.PUSH1, 1, Op.ADD, Op.CALLER, Op.SSTORE])
"""Counts in a slot of the caller's own."""
RECIPIENT = bytes([Op.COINBASE, Op.BALANCE])
"""Looks at the one balance that every transaction changes."""
PARAMS = ChainParams(gas_limit=Gas(60_000_000))


class Counted(MultiVersion):
    """Counts who has looked at it."""

    views = 0

    def view(self, index: int) -> View:
        self.views += 1
        return super().view(index)


def begun(code: bytes, count: int) -> tuple[BlockExecution, BlockWork]:
    """A block in which so many accounts call a contract."""
    calls = tuple([transfer(k, 0, to=CONTRACT, value=0, gas=60_000) for k in range(count)])
    alloc = tuple([(account(index), Wei(ETHER)) for index in range(count)])
    genesis = Genesis(PARAMS, alloc, COMMITTEE, contracts=(GenesisContract(CONTRACT, code),))
    execution = execution_on(genesis_executed(genesis).state)
    execution.begin()
    state = execution.state
    return execution, BlockWork(execution.setting, calls, state, state.changes())


@pytest.mark.parametrize(
    ("code", "most"), [(OWN_SLOT, 2), (RECIPIENT, 2 * (RECHECKS_MAX + 8))], ids=["own", "shared"]
)
def test_what_it_looks_at_grows_with_the_block_and_no_faster(code: bytes, most: int) -> None:
    for count in (40, 160):
        execution, work = begun(code, count)
        versions = Counted(work.base)
        plan = OptimisticPlan(work, versions)
        runs = run_plan(work, plan, versions, InlineBackend(4))
        assert versions.views <= most * count
        rerun = accept_in_order(execution, work.transactions, runs)
        assert rerun == 0 or code == RECIPIENT
