"""What waits in the nodes' pools, for those who look at a run from outside."""

from node.execution_base_fee import next_base_fee
from node.node import Node
from primitives.ids import Hash32, NodeId
from sim.world import World


class Pools:
    """Looks into the pools of a world's running nodes.

    Args:
        world: whose nodes.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def may_wait(self, node: NodeId, transaction: Hash32) -> bool:
        """Whether the node holds a transaction that no primary could include now.

        Either the pool lacks a lower nonce of its sender, or it or one below cannot pay the base
        fee of the next block. A transaction that is not in the pool has no such excuse; a node
        that is down, or that is a liar, is not asked.
        """
        machine = self._world.nodes[node]
        if not isinstance(machine, Node):
            return True
        pool = machine.pool
        wanted = pool.get(transaction)
        if wanted is None:
            return False
        head = machine.ledger.tip
        base_fee = next_base_fee(head.block.header, self._world.environment.genesis.params)
        pooled = (pool.get(name) for name in pool.hashes())
        payable = {
            entry.nonce
            for entry in pooled
            if entry is not None
            and entry.sender == wanted.sender
            and entry.max_fee_per_gas >= base_fee
        }
        account = head.state.account(wanted.sender)
        first = 0 if account is None else account.nonce
        return any(nonce not in payable for nonce in range(first, wanted.nonce + 1))
