"""What the parts of a world hold in memory, as probes of an accounting.

Bytes are those of contents: of rows, encodings, hashes. What Python adds to each object is not
among them, nor is it known who else holds the same object, so the sum is not the process's
memory. It is what grows if something leaks.
"""

from collections.abc import Iterator, Sequence

from node.node import Node
from primitives.accounting import Accounting
from sim.hosts.volatile import VolatileStore
from sim.kernel.host import Host
from sim.world import World
from storage.memory import MemoryStore


def account_for(world: World) -> Accounting:
    """Return an accounting of a world's memory.

    Subsystems: `stores` (rows of nodes that keep them in memory; a row that several nodes share
    counts for each), `interned` (rows remembered for sharing), `pools`, `gossip` (tables of known
    hashes), `executions` and `transactions` (of the shared cache), `blocks` (kept for reports).
    """
    accounting = Accounting()
    cache, index = world.environment.cache, world.blocks
    hosts = world.kernel.hosts
    accounting.probe("stores", lambda: sum(_row_bytes(host) for host in hosts))
    accounting.probe("interned", lambda: _interned_bytes(hosts))
    accounting.probe("pools", lambda: sum(node.pool.byte_count for node in _nodes(world)))
    accounting.probe(
        "gossip",
        lambda: sum(node.parts.gossip.state.known.byte_count() for node in _nodes(world)),
    )
    accounting.probe("transactions", lambda: cache.transaction_bytes)
    accounting.probe("executions", lambda: cache.block_bytes)
    accounting.probe("blocks", index.byte_count)
    return accounting


def _nodes(world: World) -> Iterator[Node]:
    return (machine for machine in world.nodes if isinstance(machine, Node))


def _row_bytes(host: Host) -> int:
    """Return the bytes of a node's rows, if they are in memory."""
    if host.medium is not None:
        return 0 if host.medium.drive is not None else host.medium.held()[1]
    store = _plain(host)
    return 0 if store is None else store.byte_count()


def _interned_bytes(hosts: Sequence[Host]) -> int:
    stores = [store for host in hosts if (store := _plain(host)) is not None]
    shared = next((each.interning for each in stores if each.interning is not None), None)
    return 0 if shared is None else shared.statistics().held_bytes


def _plain(host: Host) -> MemoryStore | None:
    """Return a node's rows, if nothing stands around them but a disk that lies."""
    store = host.store.store if isinstance(host.store, VolatileStore) else host.store
    return store if isinstance(store, MemoryStore) else None
