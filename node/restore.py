"""How a node goes on from what its store holds, in whichever form that is.

Where that is damaged so far that there is nothing to go on from, the rows of chain and state are
discarded and the node begins with genesis, as one that is new: peers give it the blocks, or a
state. Nothing that was damaged is used or served. This breaks no promise of a validator. Those are
in the consensus log, which is another table and stays: what a replica has accepted and prepared is
there until the block is final and far below, and it never claims less than it did (`consensus.log`
and ADR 9). A node that has lost its blocks and kept its log votes as one that fell behind.

**The log itself** cannot be fetched. A validator without it might vote twice for one place. So if
a row of it is damaged the node does not start (`DamagedLog`). Whoever runs it can add a new node in
its place, with keys of its own. A log that is missing as a whole is the same accident, but looks
like that of a validator which has never voted, or whose epoch has just begun: it is not noticed.
Tables of one store are written by the same disk, so it does not happen by itself.
"""

from collections.abc import Callable

from node.config import Environment, NodeConfig
from node.durable_runs import LATEST, RUNS, SNAPSHOT
from node.flat_rows import CHAIN, EPOCH, HEADERS, RECEIPTS
from node.ledger import BLOCKS, CERTIFICATES
from node.restore_flat import restore_flat
from node.restore_runs import restore_runs
from node.restoring import Restored
from node.storage_config import StateForm
from node.trace import StoreDiscarded
from node.transaction_index import HEIGHTS, TRANSACTIONS
from primitives.errors import InvalidEncoding, InvalidInput
from primitives.machine import Emit
from storage.flat import ACCOUNTS, CODE, HEAD, HISTORY, INDEX, STORAGE, NoFlatState, StateNotKept
from storage.store import DamagedStore, SnapshotStore, Store
from storage.stored_trie import TABLE as TRIE

DAMAGE = (DamagedStore, InvalidEncoding, NoFlatState, StateNotKept)
"""What reading a store raises where its rows cannot be used."""

TABLES = (
    HEAD, ACCOUNTS, STORAGE, CODE, TRIE, HISTORY, INDEX,
    RUNS, BLOCKS, CERTIFICATES, HEADERS, RECEIPTS, HEIGHTS, TRANSACTIONS, CHAIN,
)  # fmt: skip
"""Tables of chain and state. Without the first one, a crash while they are discarded leaves what
cannot be taken for a state; by the last one a store's form is known as long as anything is there.
"""


class WrongForm(InvalidInput):
    """The store was written in another form than the node is to use."""


class DamagedLog(DamagedStore):
    """What a validator has promised cannot be read, so it does not start.

    Args:
        table: that of the consensus log.
        reason: what reading it has raised.
    """

    def __init__(self, table: str, reason: object) -> None:
        self.table, self.reason = table, str(reason)
        expected = "the log of this validator's votes; without it, it might vote twice"
        super().__init__(table, expected, self.reason)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.table, self.reason)


def restore(store: Store, config: NodeConfig, environment: Environment) -> Restored:
    """Rebuild the chain and its state.

    Raises:
        WrongForm: the store was written in another form.
        InvalidInput: the form asks more of a store than this one can do.
    """
    form = config.storage.form
    try:
        found = _form(store)
    except DAMAGE:
        found = None
    if found is not None and found is not form:
        where = "storage.form"
        raise WrongForm(where, f"{found.value}, as the store has been written", form.value)
    begin = _begin_flat if form is StateForm.FLAT else restore_runs
    try:
        return begin(store, config, environment)
    except DAMAGE as error:
        return _begin_anew(begin, store, config, environment, error)


def _begin_anew(
    begin: Callable[[Store, NodeConfig, Environment], Restored],
    store: Store,
    config: NodeConfig,
    environment: Environment,
    error: Exception,
) -> Restored:
    """Discard chain and state and begin with genesis."""
    _require(store).discard(TABLES)
    fresh = begin(store, config, environment)
    told = Emit(StoreDiscarded(str(error)))
    return Restored(fresh.ledger, (told, *fresh.work))


def _begin_flat(store: Store, config: NodeConfig, environment: Environment) -> Restored:
    return restore_flat(_require(store), config, environment)


def _require(store: Store) -> SnapshotStore:
    """Return the store, which must be one that can be looked at and begun anew.

    Raises:
        InvalidInput: it is not.
    """
    if not isinstance(store, SnapshotStore):
        expected = "one with snapshots, whose tables can be discarded (SnapshotStore)"
        raise InvalidInput("store", expected, type(store).__name__)
    return store


def _form(store: Store) -> StateForm | None:
    """Return in which form a store has been written; None if it holds nothing of a chain."""
    if store.get(CHAIN, EPOCH) is not None or next(store.scan(HEAD), None) is not None:
        return StateForm.FLAT
    if store.get(SNAPSHOT, LATEST) is not None or next(store.scan(BLOCKS), None) is not None:
        return StateForm.RUNS
    return None
