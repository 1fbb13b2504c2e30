"""What is timed for executing contracts: computing, accesses, planning, taking over, roots."""

from collections.abc import Mapping

from node.costs import ACCEPT, ACCESS, CALL, COMPUTE_GAS, SCHEDULE, STORAGE_ROOT, SYSTEM
from node.execution import BlockExecution
from node.execution_setting import ExecutionEngine, block_setting
from node.execution_transaction import run_transaction
from node.hints import Hints
from node.schedule import RAW, TaskNet, build_graph, scheduler_named
from node.schedule.hint import decode_hint
from node.tally import tally
from primitives.ids import Address, Hash32
from sim.calibrate.material import Material
from sim.calibrate.probes_node import begun_block
from sim.calibrate.sampling import Probe, Trial, Work
from sim.contracts import load_artifact, mapping_slot
from storage.account import Account
from storage.changes import StateChanges
from storage.journal import Journal
from storage.state import StateLayer, StateOverlay

CELLS = 250
"""Slots that are looked at, and then changed."""
SLOTS = 500
"""Slots of the contract whose storage trie is updated."""


def compute_gas(material: Material) -> Trial:
    """Run calls of arithmetic and hashing."""
    block = material.computing
    transactions, state = block.transactions, material.genesis.state
    ancestors = material.genesis.child_ancestors()
    setting = block_setting(block.block.header, ancestors, material.params, ExecutionEngine())

    def work() -> list[bool]:
        return [run_transaction(each, state, setting).result.succeeded for each in transactions]

    return Trial(sum(tally(block).computed), lambda: work)


def holder_slots(material: Material, count: int) -> tuple[int, ...]:
    """Return where the token keeps the balances of some accounts."""
    slot = load_artifact("Token").slot("balanceOf")
    holders = [transfer.sender for transfer in material.transfers]
    return tuple([mapping_slot(slot, holder) for holder in dict.fromkeys(holders)][:count])


def call_contract(material: Material) -> Trial:
    """Run calls that do next to nothing, and write an event about it."""
    block = material.calling
    transactions, state = block.transactions, material.genesis.state
    ancestors = material.genesis.child_ancestors()
    setting = block_setting(block.block.header, ancestors, material.params, ExecutionEngine())

    def work() -> list[bytes]:
        return [run_transaction(each, state, setting).bloom for each in transactions]

    return Trial(len(transactions), lambda: work)


def access_cells(material: Material) -> Trial:
    """Look at slots and change each, as instructions do, up to the block's state."""
    state, token = material.genesis.state, material.token
    slots = holder_slots(material, CELLS)

    def prepare() -> Work:
        overlay = StateOverlay(state)

        def work() -> int:
            journal = Journal(overlay)
            for slot in slots:
                journal.warm_slot(token, slot)
                value = journal.load(token, slot)
                journal.warm_slot(token, slot)
                journal.original(token, slot)
                journal.store(token, slot, value + 1)
            overlay.apply(journal.finish())
            return overlay.slot(token, slots[0])

        return work

    return Trial(2 * len(slots), prepare)


def system_calls(material: Material) -> Trial:
    """Begin and end a block without transactions."""
    genesis, header = material.genesis, material.block.block.header
    setting = block_setting(header, genesis.child_ancestors(), material.params, ExecutionEngine())

    def work() -> StateChanges:
        execution = BlockExecution(genesis.state, genesis.epoch, setting)
        execution.begin()
        execution.finish()
        return execution.state.changes()

    return Trial(1, lambda: work)


def schedule(material: Material) -> Trial:
    """Read a block's hint, build its graph and plan it."""
    block = material.block
    hint, gas = Hints().make(block), tally(block).gas
    count = len(block.transactions)
    scheduler = scheduler_named("critical-path")

    def work() -> list[int]:
        graph = build_graph(decode_hint(hint, count).accesses, kinds=RAW)
        net = TaskNet(gas, graph.sources, graph.targets)
        return scheduler.plan(net, (0, 0, 0, 0), 0).ends

    return Trial(tally(block).access_count, lambda: work)


def accept(material: Material) -> Trial:
    """Take over what the transfers of a block did elsewhere."""
    block = material.block
    pairs = list(zip(block.transactions, block.runs, strict=True))

    def prepare() -> Work:
        execution = begun_block(material)

        def work() -> list[bool]:
            return [execution.accept(transaction, run) for transaction, run in pairs]

        return work

    return Trial(len(pairs), prepare)


def storage_root(material: Material) -> Trial:
    """Change slots of one contract, and compute the state's root."""
    state, token = material.genesis.state, material.token
    slots = holder_slots(material, SLOTS)
    account = state.account(token)
    accounts: Mapping[Address, Account | None] = {token: account}
    changes = StateChanges(accounts, {token: {slot: 1 + slot % 1_000 for slot in slots}})

    def prepare() -> Work:
        def work() -> Hash32:
            return StateLayer(state, changes).root()

        return work

    return Trial(len(slots), prepare)


PROBES = (
    Probe(CALL, call_contract),
    Probe(COMPUTE_GAS, compute_gas),
    Probe(ACCESS, access_cells),
    Probe(SYSTEM, system_calls),
    Probe(SCHEDULE, schedule),
    Probe(ACCEPT, accept),
    Probe(STORAGE_ROOT, storage_root, ("safe-pysha3",)),
)
