"""How a node goes on from what its store holds, in whichever form that is."""

from node.config import Environment, NodeConfig
from node.restore_runs import restore_runs
from node.restoring import Restored
from storage.store import Store


def restore(store: Store, config: NodeConfig, environment: Environment) -> Restored:
    """Rebuild the chain and its state."""
    return restore_runs(store, config, environment)
