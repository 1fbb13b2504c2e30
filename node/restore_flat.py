"""How a node goes on from a flat state: with the last durable block, executing nothing.

The state is either read from the store while the node runs, or loaded into memory, where the nodes
of a process share it. Neither is charged: what the nodes of a run do is the first, and the second
is how a simulation can afford many of them. The states of the last two checkpoints come back by
undoing the blocks above them.

**What a crash leaves.** The batch of a block is whole or not there. The consensus log is another
core's and has batches of its own. It may be ahead of the chain: then it has what was accepted and
prepared above the head, and consensus goes on from there, as after any restart (`consensus.log`).
It is behind only with what it had no need to write: a block becomes final by a certificate, which
is in the chain's own rows.

**What damage leaves.** Rows that cannot be used are named in a trace event, and nothing of them is
used. If it is but the rows of old blocks or states, those are given up. If the head, its state or
its trie is damaged, all of chain and state is discarded, and the node fetches it from its peers as
a new one does (`node.restore`).
"""

from collections.abc import Sequence

from msgspec import structs

from node.checkpoints import Checkpoint, Checkpoints
from node.config import Environment, NodeConfig
from node.costs import STATE_ROOT, STORAGE_ROOT
from node.durable_flat import DurableFlat
from node.execution import ExecutedBlock
from node.flat_reading import StoredChain, raise_unless, read_chain
from node.flat_state import load_state, state_at
from node.ledger import CHAIN_CORE, Ledger
from node.rebase import Rebase
from node.restoring import Restored, epoch_of, restore_below
from node.snapshot import anchor
from node.storage_config import SERVED_MAX
from node.trace import RowsGivenUp
from node.transaction_index import adapting_rows, marker_row
from primitives.block import decode_block
from primitives.epoch import first_epoch
from primitives.header import Header, decode_header
from primitives.ids import Token
from primitives.machine import Effect, Emit, Persist, Record, Work
from storage.flat import DiskState, StateNotKept, adapt_records
from storage.state import StateLayer
from storage.store import DamagedStore, SnapshotStore


def restore_flat(store: SnapshotStore, config: NodeConfig, environment: Environment) -> Restored:
    """Go on from the head row of a store, or begin with genesis.

    Raises:
        DamagedStore: the head, its state or its trie cannot be used.
        InvalidInput: likewise.
    """
    found = read_chain(store, environment.genesis, environment.certificates)
    checkpoints = Checkpoints(environment.genesis.params.checkpoint_interval)
    kept = config.storage.kept(checkpoints.interval)
    if found is None:
        genesis = environment.genesis_block
        rebase = _rebase(store, config, environment, 0, None)
        ledger = _ledger(genesis, checkpoints, kept, rebase, config, environment)
        first = environment.flat.first(genesis, archive=kept is None)
        if config.index_transactions:
            first = (*first, marker_row())
        return Restored(ledger, (Persist(CHAIN_CORE, Token(0), first),))
    state = load_state(store, found.head, config.storage, environment)
    base = _newest(found, state)
    served, work, damage = _served(store, found, base, environment)
    checkpoints.restored(served, found.closings)
    rebase = _rebase(store, config, environment, base.number, state)
    ledger = _ledger(base, checkpoints, kept, rebase, config, environment)
    restore_below(ledger, found.blocks, environment.certificates, environment.consensus.reach)
    if not found.below:
        ledger.note_certificate(found.certificate)
    given_up = [each for each in (found.damage, damage) if each]
    indexes, is_cut = config.index_transactions, bool(found.given_up)
    places = adapting_rows(store, found.blocks, base.number, indexes=indexes, is_cut=is_cut)
    records = (*found.given_up, *adapt_records(store, kept), *places)
    return Restored(ledger, (*work, *_told(given_up), *_written(records, base.number)))


def _ledger(
    base: ExecutedBlock,
    checkpoints: Checkpoints,
    kept: int | None,
    rebase: Rebase | None,
    config: NodeConfig,
    environment: Environment,
) -> Ledger:
    """Return the ledger of a node that goes on from `base`."""
    indexes = config.index_transactions
    durable = DurableFlat(checkpoints, environment.flat, base, kept, rebase, indexes=indexes)
    recent = environment.consensus.reach
    return Ledger(base, recent, durable, config.history, keeps_unsettled=indexes)


def _rebase(
    store: SnapshotStore,
    config: NodeConfig,
    environment: Environment,
    height: int,
    state: StateLayer | None,
) -> Rebase | None:
    """Return what lets go of states in memory, where they are not shared there."""
    if not environment.reads_store:
        return None
    base = None if state is None else state.below
    assert base is None or isinstance(base, DiskState)
    storage = config.storage
    lock = environment.state_lock
    return Rebase(store, storage.rebase_blocks, height, base, storage.caches, lock)


def _newest(found: StoredChain, state: StateLayer) -> ExecutedBlock:
    """Return the head as far as a child needs to know it."""
    head = anchor(found.header, state, found.epoch)
    if not found.payload:
        return head
    return structs.replace(head, block=decode_block(found.payload), payload=found.payload)


def _served(
    store: SnapshotStore, found: StoredChain, head: ExecutedBlock, environment: Environment
) -> tuple[tuple[Checkpoint, ...], tuple[Effect, ...], str]:
    """Return the last checkpoints, what it took to make their states, and what is damaged."""
    interval = environment.genesis.params.checkpoint_interval
    newest = head.number - head.number % interval
    heights = [newest - interval * step for step in range(SERVED_MAX)]
    served: list[Checkpoint] = []
    accounts = slots = 0
    for height in heights:
        proven = _proof(found, height)
        if proven is None:
            break
        header, certificate = proven
        closings = tuple(c for c in found.closings if decode_header(c.header).number <= height)
        block = head
        if height != head.number:
            try:
                state, undone = state_at(store, height, head)
                raise_unless(
                    state.root() == header.state_root, f"state.history: the state after {height}",
                    header.state_root.hex(), state.root().hex(),
                )  # fmt: skip
            except (DamagedStore, StateNotKept) as error:
                return tuple(reversed(served)), _work(accounts, slots), str(error)
            accounts += len(undone.accounts)
            slots += sum([len(values) for values in undone.slots.values()])
            epoch = epoch_of(first_epoch(environment.genesis.committee), closings)
            block = anchor(header, state, epoch)
        served.append(Checkpoint(block, certificate, closings))
    return tuple(reversed(served)), _work(accounts, slots), ""


def _proof(found: StoredChain, height: int) -> tuple[Header, bytes] | None:
    """Return header and certificate of a block, if they are kept."""
    if height <= 0:
        return None
    place = found.head.height - height
    if place < len(found.below):
        block = found.below[place]
        return decode_header(block.header), block.certificate
    if found.anchor is not None:
        header = decode_header(found.anchor.header)
        if header.number == height:
            return header, found.anchor.certificate
    return None


def _work(accounts: int, slots: int) -> tuple[Effect, ...]:
    units = {STATE_ROOT: accounts, STORAGE_ROOT: slots}
    return tuple(Work(kind, count) for kind, count in units.items() if count)


def _told(given_up: Sequence[str]) -> tuple[Effect, ...]:
    return tuple(Emit(RowsGivenUp(each)) for each in given_up)


def _written(records: tuple[Record, ...], height: int) -> tuple[Effect, ...]:
    return (Persist(CHAIN_CORE, Token(height), records),) if records else ()
