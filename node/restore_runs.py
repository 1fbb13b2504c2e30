"""How a node goes on from stored runs, and what it costs to get back to work.

It begins with the snapshot of its last checkpoint and executes the blocks above it again;
execution says whether a stored block is whole. Without a snapshot, or with one whose accounts do
not make the state root of its header, it begins with genesis. What is lost at the end, because a
crash came before it was durable, is fetched from peers afterwards.
"""

from collections.abc import Iterator, Sequence

from node.checkpoints import Checkpoint
from node.config import Environment, NodeConfig
from node.costs import STATE_ROOT
from node.demand import SERIAL, execution_demand, transaction_demand
from node.durable_runs import DurableRuns, stored_snapshot, stored_state
from node.execution import ExecutedBlock
from node.ledger import Ledger, stored_blocks
from node.restoring import Restored, epoch_of, read_certificate, restore_below
from node.snapshot import anchor
from node.validation_errors import InvalidBlock
from primitives.epoch import first_epoch
from primitives.errors import InvalidEncoding
from primitives.header import decode_header
from primitives.machine import Demand, Effect, Serial, TaskGraph, Tasks, Work
from storage.store import Store


def restore_runs(store: Store, config: NodeConfig, environment: Environment) -> Restored:
    """Rebuild the chain and its state from the stored snapshot and blocks.

    Certificates are not verified again: they are the node's own.
    """
    recent = environment.consensus.reach
    interval = environment.genesis.params.checkpoint_interval
    durable = DurableRuns(interval, environment.snapshots, environment.genesis_block.state)
    base = _restore_snapshot(store, environment, durable)
    accounts = len(base.state.accounts()) if base.number else 0
    ledger = Ledger(base, recent, durable, config.history)
    below, above = stored_blocks(store, base.number)
    restore_below(ledger, below, environment.certificates, recent)
    served = durable.checkpoints.served
    if not below and served:
        ledger.note_certificate(environment.certificates.read(served[0].certificate))
    taken: list[Demand] = []
    for stored in above:
        block = environment.cache.execute(ledger.tip, stored.payload)
        certificate = read_certificate(stored, environment.certificates)
        if isinstance(block, InvalidBlock) or certificate is None:
            break
        if certificate.digest != block.digest:
            break
        ledger.append(block, stored.certificate, certificate)
        taken += transaction_demand(len(block.transactions))
        taken += execution_demand(environment.tallies.of(block), SERIAL)
    durable.note_stored(store)
    return Restored(ledger, _work(accounts, taken))


def _restore_snapshot(
    store: Store, environment: Environment, durable: DurableRuns
) -> ExecutedBlock:
    """Return the block that the stored snapshot belongs to, or genesis."""
    genesis = environment.genesis_block
    found = stored_snapshot(store)
    if found is None:
        return genesis
    state = stored_state(store, found, genesis.state, environment.snapshots)
    try:
        header = decode_header(found.manifest.header)
        epoch = epoch_of(first_epoch(environment.genesis.committee), found.manifest.closings)
    except InvalidEncoding:
        return genesis
    if state is None or state.root() != header.state_root:
        return genesis
    base = anchor(header, state, epoch)
    manifest = found.manifest
    checkpoint = Checkpoint(base, manifest.certificate, manifest.closings)
    durable.restored(checkpoint, found, store)
    return base


def _work(accounts: int, taken: Sequence[Demand]) -> tuple[Effect, ...]:
    """Return all that as work of the protocol thread, which has nothing else to do yet.

    Args:
        accounts: of the snapshot, whose root was computed.
        taken: what the blocks above it took.
    """
    units: dict[str, int] = {STATE_ROOT: accounts}
    for demand in taken:
        for kind, count in _units(demand):
            units[kind] = units.get(kind, 0) + count
    return tuple(Work(kind, count) for kind, count in units.items() if count)


def _units(demand: Demand) -> Iterator[tuple[str, int]]:
    if isinstance(demand, Serial):
        yield demand.kind, demand.units
    if isinstance(demand, Tasks | TaskGraph):
        yield demand.kind, sum(demand.units)
    if isinstance(demand, TaskGraph):
        yield from [(kind, sum(units)) for kind, units in demand.more]
