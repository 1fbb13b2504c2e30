"""In which form a store keeps its state."""

from node.durable_runs import LATEST, SNAPSHOT
from node.flat_rows import CHAIN, EPOCH
from node.ledger import BLOCKS
from node.storage_config import StateForm
from storage.flat import read_head
from storage.store import Store


def form_of(store: Store) -> StateForm | None:
    """Return the form of a store; None if it holds no chain yet.

    Before its first checkpoint a store of form `runs` has blocks only.

    Raises:
        MalformedRow: the row of the flat state's head is none.
    """
    if store.get(CHAIN, EPOCH) is not None or read_head(store) is not None:
        return StateForm.FLAT
    if store.get(SNAPSHOT, LATEST) is not None or any(True for _ in store.scan(BLOCKS)):
        return StateForm.RUNS
    return None
