"""What waits in the nodes' pools, for those who look at a run from outside."""

from collections.abc import Sequence

from node.execution_base_fee import next_base_fee
from node.fairness import Shelf
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

    def is_outbid(self, node: NodeId, transaction: Hash32, blocks: Sequence[Hash32]) -> bool:
        """Whether the node holds a transaction that none of the last blocks has passed over.

        A block passes nothing of a sender over if it is full of transactions that pay at least as
        much as the sender's next one, or includes something of that sender and is full
        (`node.fairness`). Blocks before that are no matter: another one was the next. Where there
        are no blocks, nobody is outbid.

        Args:
            node: whose pool; one that is down, or a liar's, is not asked.
            transaction: that waits.
            blocks: the last final ones, ascending.

        Raises:
            KeyError: nobody has executed such a block, or it is too long ago.
        """
        machine = self._world.nodes[node]
        if not isinstance(machine, Node):
            return True
        wanted = machine.pool.get(transaction)
        if wanted is None or not blocks:
            return False
        executed = [self._world.block(digest) for digest in blocks]
        account = executed[-1].state.account(wanted.sender)
        following = (wanted.sender, 0 if account is None else account.nonce)
        pooled = (machine.pool.get(name) for name in machine.pool.hashes())
        head = next((e for e in pooled if e and (e.sender, e.nonce) == following), None)
        environment = self._world.environment
        params, limits = environment.genesis.params, environment.consensus.batch_limits
        if head is None:
            return False
        for block in reversed(executed):
            shelf = Shelf(block, params, limits)
            if wanted.sender in block.senders:
                return not shelf.has_room(head)
            if shelf.had_room(head):
                return False
        return True
