"""Transactions over a mesh: those that clients have given to this node, many in one message.

A message is passed on when its transactions are checked, by everybody who gets it. What is left to
announcements is repair: whoever has a client's transaction announces it again while it waits, so
one that was sent into a partition or over dead links arrives all the same.
"""

from collections.abc import Callable, Sequence

from network.costs import HASHED
from network.gossip import Gossip
from network.mesh import Mesh, MeshArrived, Verdict
from network.mesh.topics import TRANSACTIONS
from network.outbox import BatchConfig, Batcher, BatchReady
from node.events import BatchChecked, OwnTransactions, SpreadTimer
from node.intake import Intake
from node.mempool import Mempool
from primitives.codec import decode_canonical, encode_canonical
from primitives.errors import InvalidEncoding
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import NOTHING, Effect, Work

BATCH_MAX = 256
"""Most transactions of one message."""
BATCH_BYTES = 128 << 10
"""Bytes of transactions with which a message leaves at once."""


class MeshTransactions:
    """What one node spreads and gets.

    Args:
        mesh: the node's.
        own: the node.
        delay: how long a transaction waits for others that leave with it.
        intake: checks what comes.
        pool: what waits here.
        gossip: knows what needs no look.
        digest: keccak-256 of a transaction's encoding.
    """

    __slots__ = ("_batcher", "_digest", "_gossip", "_intake", "_mesh", "_own", "_pool")

    def __init__(
        self,
        mesh: Mesh,
        own: NodeId,
        delay: Duration,
        intake: Intake,
        pool: Mempool,
        gossip: Gossip,
        digest: Callable[[bytes], Hash32],
    ) -> None:
        self._mesh = mesh
        self._own = own
        self._batcher = Batcher(
            BatchConfig(BATCH_MAX, BATCH_BYTES, delay), SpreadTimer.TRANSACTIONS
        )
        self._intake = intake
        self._pool = pool
        self._gossip = gossip
        self._digest = digest

    def on_own_transactions(self, now: Instant, effect: OwnTransactions) -> Sequence[Effect]:
        """Let transactions that clients have given wait for the next message."""
        effects: list[Effect] = []
        for raw in effect.transactions:
            effects += self._sent(now, self._batcher.add(now, self._own, raw, len(raw)))
        return effects

    def on_timeout(self, now: Instant) -> Sequence[Effect]:
        """Send what has waited long enough."""
        return self._sent(now, self._batcher.on_timeout(now))

    def on_arrived(self, now: Instant, arrived: MeshArrived) -> Sequence[Effect]:
        """Have the transactions of a message checked that are not here yet."""
        try:
            bodies = decode_canonical(arrived.payload, tuple[bytes, ...])
        except InvalidEncoding:
            return self._mesh.judged(now, arrived.identity, Verdict.REJECT)
        if not 0 < len(bodies) <= BATCH_MAX:
            return self._mesh.judged(now, arrived.identity, Verdict.REJECT)
        named = [(self._digest(raw), raw) for raw in bodies]
        known = self._gossip.state.known
        held = any(self._pool.get(name) is not None for name, _ in named)
        fresh = [(name, raw) for name, raw in named if name not in known]
        work = Work(HASHED, len(bodies))
        if not fresh:
            verdict = Verdict.ACCEPT if held else Verdict.IGNORE
            return [work, *self._mesh.judged(now, arrived.identity, verdict)]
        self._gossip.note_known([name for name, _ in fresh])
        return [work, *self._intake.meshed(arrived.identity, fresh, held=held)]

    def on_batch_checked(self, now: Instant, effect: BatchChecked) -> Sequence[Effect]:
        """Pass a message on whose transactions are checked, or blame who has passed it on."""
        if effect.invalid:
            verdict = Verdict.REJECT
        else:
            verdict = Verdict.ACCEPT if effect.wanted else Verdict.IGNORE
        return self._mesh.judged(now, effect.identity, verdict)

    def _sent(self, now: Instant, effects: Sequence[Effect]) -> Sequence[Effect]:
        if not effects:
            return NOTHING
        sent: list[Effect] = []
        for effect in effects:
            if isinstance(effect, BatchReady):
                sent += self._mesh.publish(now, TRANSACTIONS, encode_canonical(effect.items))
            else:
                sent.append(effect)
        return sent
