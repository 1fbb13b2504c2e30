"""What virtual time charges for executing a block is what executing it takes on this machine.

The prices are measured here, beside what they are compared with, in processor time: a busy machine
slows both. The calibration measures each price by itself; here they have to add up for load that it
has not seen.
"""

import time
from collections.abc import Callable

import pytest

from node.builder import BuildContext, build_block
from node.costs import ACCEPT, ACCESS, CALL, COMPUTE_GAS, EXECUTE
from node.execution import BlockExecution, ExecutedBlock, execute_serially, genesis_executed
from node.execution_setting import ExecutionEngine, block_setting
from node.executors.executor import accept_in_order
from node.tally import tally
from node.validation import check_transaction
from primitives.account_key import AccountKey
from primitives.genesis import Genesis
from primitives.ids import Gas, Wei
from primitives.params import ChainParams
from primitives.transaction import DynamicFeeTransaction, encode_transaction, sign_transaction
from sim.calibrate.material import FEE_RECIPIENT, Material, make_material
from sim.calibrate.probes import PROBES
from sim.calibrate.sampling import collector_off, take_sample
from sim.randomness import generator
from sim.workload.accounts import account_secret, equal_alloc
from sim.workload.calls import CallSource
from sim.workload.mix import mainnet_like
from sim.workload.options_contracts import MainnetLikeOptions
from sim.workload.setting import Setting
from sim.workload.site import Site
from sim.workload.swaps import Swaps
from sim.workload.tokens import TokenTransfers

COUNT, SAMPLES, SAMPLE_NS = 200, 7, 5_000_000
PARAMS = ChainParams()
GWEI = 10**9
LOADS: dict[str, Callable[[Setting], CallSource]] = {
    "erc20": lambda setting: TokenTransfers(setting, 1, 0, None, 0),
    "amm": lambda setting: Swaps(setting, 4, 1.0),
    "mainnet-like": lambda setting: mainnet_like(MainnetLikeOptions(), setting),
}


@pytest.fixture(scope="module", name="material")
def fixture_material() -> Material:
    return make_material()


@pytest.fixture(scope="module", name="prices")
def fixture_prices(material: Material) -> dict[str, int]:
    """Picoseconds of a unit, as they are on this machine in its best moments."""
    wanted = (EXECUTE, CALL, COMPUTE_GAS, ACCESS, ACCEPT)
    prices = {}
    with collector_off():
        for probe in PROBES:
            if probe.kind in wanted:
                trial = probe.set_up(material)
                trial.prepare()()
                samples = [take_sample(trial, SAMPLE_NS) for _ in range(SAMPLES)]
                prices[probe.kind] = min(samples)
    return prices


def block_of(load: str, material: Material) -> tuple[ExecutedBlock, ExecutedBlock]:
    """Genesis, and a block on it in which each account calls once."""
    secrets = [account_secret(0, index) for index in range(COUNT)]
    addresses = [AccountKey(secret).address for secret in secrets]
    setting = Setting(addresses, generator(0, load), Site(None))
    source = LOADS[load](setting)
    alloc = equal_alloc(addresses, Wei(10**24))
    contracts = setting.site.contracts
    genesis = genesis_executed(Genesis(PARAMS, alloc, material.committee, contracts=contracts))
    chosen = []
    for index, secret in enumerate(secrets):
        call = source.call(index)
        fees = Wei(GWEI), Wei(10 * GWEI), Gas(call.gas_limit)
        unsigned = DynamicFeeTransaction(
            PARAMS.chain_id, 0, *fees, call.to, Wei(call.value), call.data
        )
        raw = encode_transaction(sign_transaction(unsigned, secret))
        chosen.append(check_transaction(raw, PARAMS))
    return genesis, build_block(genesis, chosen, BuildContext(FEE_RECIPIENT, 1), PARAMS)


@pytest.mark.slow
@pytest.mark.parametrize("load", LOADS)
def test_charges_add_up_to_what_execution_takes(
    load: str, material: Material, prices: dict[str, int]
) -> None:
    genesis, block = block_of(load, material)
    header, transactions = block.block.header, block.transactions
    setting = block_setting(header, genesis.child_ancestors(), PARAMS, ExecutionEngine())

    def picoseconds(work: Callable[[BlockExecution], object]) -> int:
        taken = []
        for _ in range(SAMPLES):
            execution = BlockExecution(genesis.state, genesis.epoch, setting)
            execution.begin()
            start = time.thread_time_ns()
            work(execution)
            taken.append(1_000 * (time.thread_time_ns() - start))
        return min(taken)

    with collector_off():
        executing = picoseconds(lambda execution: execute_serially(execution, transactions))
        accepting = picoseconds(lambda each: accept_in_order(each, transactions, block.runs))
    counted = tally(block)
    cells = prices[ACCESS] * sum(counted.cells)
    charged = prices[EXECUTE] * COUNT + cells
    charged += prices[CALL] * sum(counted.calls) + prices[COMPUTE_GAS] * sum(counted.computed)
    assert 1 / 1.5 < charged / executing < 1.5
    assert 0.5 < (prices[ACCEPT] * COUNT + cells) / accepting < 2
