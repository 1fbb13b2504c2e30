"""What is timed for the kinds of node: the way of a transfer from its bytes into the state."""

from consensus.batching.policy import BatchLimits
from network.gossip import Gossip
from network.gossip_state import GossipConfig
from node.config import NodeConfig, Role
from node.costs import (
    ADMIT,
    BODY_ROOTS,
    DECODE,
    EXECUTE,
    INCLUDE,
    RECOVER,
    SELECT,
    STATE_ROOT,
    STORE_ROW,
)
from node.execution import BlockExecution
from node.execution_setting import ExecutionEngine, block_setting
from node.flat_rows import Rows, block_rows
from node.intake import Arrival, CheckPurpose, Intake, PoolSource
from node.peer_scores import PeerScores
from node.requests import Requests
from node.shared import ComputeCache
from primitives.block import transactions_root
from primitives.ids import Address, Hash32, NodeId
from primitives.machine import Effect
from primitives.transaction import (
    check_static,
    decode_transaction,
    recover_sender,
    transaction_hash,
)
from sim.calibrate.material import BLOCK_TRANSACTIONS, NOW, Material, filled_pool
from sim.calibrate.sampling import Probe, Trial, Work

KECCAK = ("safe-pysha3",)
CURVE = ("coincurve", *KECCAK)


def decode(material: Material) -> Trial:
    """Do what `check_transaction` does, but for the recovery, which is a kind of its own."""
    params = material.params
    raws = [transfer.raw for transfer in material.transfers]

    def work() -> list[Hash32]:
        hashes = []
        for raw in raws:
            transaction = decode_transaction(raw, params.fork)
            check_static(transaction, params.chain_id, params.fork, params.max_transaction_gas)
            hashes.append(transaction_hash(raw))
        return hashes

    return Trial(len(raws), lambda: work)


def recover(material: Material) -> Trial:
    """Find out who has signed."""
    fork = material.params.fork
    pairs = [(transfer.transaction, transfer.raw) for transfer in material.transfers[:128]]

    def work() -> list[Address]:
        return [recover_sender(transaction, raw, fork) for transaction, raw in pairs]

    return Trial(len(pairs), lambda: work)


def admit(material: Material) -> Trial:
    """Take checked batches into a pool that grows to two blocks' worth."""
    transfers = material.transfers
    config = NodeConfig(NodeId(0), Role.VALIDATOR)
    purposes = []
    for start in range(0, len(transfers), config.intake_batch):
        batch = transfers[start : start + config.intake_batch]
        arrivals = tuple(Arrival(transfer.raw, transfer.hash, local=True) for transfer in batch)
        purposes.append((CheckPurpose(arrivals), batch))

    def prepare() -> Work:
        pool = filled_pool(material.params, material.genesis, material.base_fee)
        gossip = Gossip(GossipConfig(), PoolSource(pool), transaction_hash, PeerScores())
        intake = Intake(config, ComputeCache(material.params), pool, gossip, Requests())

        def work() -> list[list[Effect]]:
            return [intake.checked(NOW, purpose, batch) for purpose, batch in purposes]

        return work

    return Trial(len(transfers), prepare)


def include(material: Material) -> Trial:
    """Move a pool of two blocks' worth past one block, and tell gossip of it."""
    block = material.block

    def prepare() -> Work:
        pool = filled_pool(material.params, material.genesis, material.base_fee, material.transfers)
        gossip = Gossip(GossipConfig(), PoolSource(pool), transaction_hash, PeerScores())

        def work() -> tuple[Hash32, ...]:
            gossip.note_known([transaction.hash for transaction in block.transactions])
            return pool.advance(NOW, block.state, material.base_fee, block.state.changes)

        return work

    return Trial(len(block.transactions), prepare)


def select(material: Material) -> Trial:
    """Choose a block out of a pool of two blocks' worth; looks at every sender in the pool."""
    pool = filled_pool(material.params, material.genesis, material.base_fee, material.transfers)
    state, gas_limit = material.genesis.state, material.params.gas_limit
    limits = BatchLimits(BLOCK_TRANSACTIONS)
    return Trial(
        BLOCK_TRANSACTIONS,
        lambda: lambda: pool.select(state, material.base_fee, gas_limit, limits),
    )


def begun_block(material: Material) -> BlockExecution:
    """Return the execution of a block before its first transaction."""
    genesis, params = material.genesis, material.params
    header = material.block.block.header
    setting = block_setting(header, genesis.child_ancestors(), params, ExecutionEngine())
    execution = BlockExecution(genesis.state, genesis.epoch, setting)
    execution.begin()
    return execution


def executed_block(material: Material) -> BlockExecution:
    """Return the execution of a block after its last transaction."""
    execution = begun_block(material)
    for transaction in material.block.transactions:
        execution.execute(transaction)
    execution.finish()
    return execution


def execute(material: Material) -> Trial:
    """Execute the transfers of a block."""
    transactions = material.block.transactions

    def prepare() -> Work:
        execution = begun_block(material)

        def work() -> int:
            for transaction in transactions:
                execution.execute(transaction)
            return execution.gas_used

        return work

    return Trial(len(transactions), prepare)


def body_roots(material: Material) -> Trial:
    """Compute what a header says of a block's transactions and receipts."""
    raws = material.block.block.transactions
    execution = executed_block(material)

    def work() -> tuple[Hash32, Hash32, bytes]:
        return transactions_root(raws), execution.receipts_root(), execution.logs_bloom()

    return Trial(len(raws), lambda: work)


def state_root(material: Material) -> Trial:
    """Put the changes of a block on the state, and compute its root."""

    def prepare() -> Work:
        execution = executed_block(material)
        return lambda: execution.commit().root()

    return Trial(len(material.block.state.changes), prepare)


def store_rows(material: Material) -> Trial:
    """Make the rows of a block of transfers: receipts, state, what leads back, and the trie."""
    genesis, block = material.genesis, material.block
    for state in (genesis.state, block.state):
        state.root()

    def work() -> Rows:
        return block_rows(genesis, block, archive=False)

    return Trial(len(work()), lambda: work)


PROBES = (
    Probe(DECODE, decode, KECCAK),
    Probe(RECOVER, recover, CURVE),
    Probe(ADMIT, admit),
    Probe(INCLUDE, include),
    Probe(SELECT, select),
    Probe(EXECUTE, execute),
    Probe(BODY_ROOTS, body_roots, KECCAK),
    Probe(STATE_ROOT, state_root, KECCAK),
    Probe(STORE_ROW, store_rows),
)
