"""How a transaction gets into the pool: from a client or a peer, checked in batches.

While one batch is being checked, the next gathers; so the batch grows with the load and a lonely
transaction does not wait. Checking is a computation on the host's cores. Admission needs the
state at the head, so it happens in the turn that the result arrives in.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from enum import Enum

import msgspec

from network.gossip import Gossip, TransactionsFetched
from network.gossip_state import KnownHashes
from node.config import NodeConfig
from node.costs import ADMIT
from node.demand import transaction_demand
from node.events import BatchChecked, OwnTransactions, PoolChanged, TransactionsRefused
from node.mempool import Mempool
from node.mempool_errors import AlreadyKnown, PooledTransactionTooLarge
from node.mempool_types import Refused
from node.requests import Purpose, Requests
from node.shared import ComputeCache
from node.shared_jobs import CheckTransactions
from node.trace import TransactionRejected, TransactionsPooled, TransactionSubmitted
from node.validation import PooledTransaction
from primitives.ids import Hash32, Instant, NodeId
from primitives.machine import NOTHING, Compute, Effect, Emit, Work
from primitives.transaction import InvalidTransaction, transaction_hash

LEGACY_LIST_PREFIX = 0xC0
"""First byte from which on an encoding is an RLP list, hence a legacy transaction."""


class Route(Enum):
    """How a transaction has come."""

    CLIENT = 0
    PEER = 1
    MESH = 2


class QueueOverflow(InvalidTransaction):
    """More transactions wait to be checked than the node holds."""

    code = "intake_full"


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A transaction that waits to be checked."""

    raw: bytes
    hash: Hash32
    local: bool
    """Whether a client handed it over; a client is told what becomes of it."""
    gateway: NodeId | None = None
    """Who has sent it on behalf of a client and wants to know if it is refused."""
    identity: bytes = b""
    """Of the message of a mesh that has brought it."""


class ClientsAnswered(Effect, frozen=True, gc=False):
    """What has become of transactions that clients have handed over; for the driver to pass on."""

    outcomes: tuple[tuple[Hash32, str], ...]
    """(transaction, code of the error); an empty code if it is in the pool."""


class _Meshed(msgspec.Struct, gc=False):
    """A message of a mesh whose transactions are being checked."""

    waiting: int
    """How many are not."""
    wanted: bool
    invalid: bool = False


class CheckPurpose(Purpose, frozen=True, gc=False):
    """A batch is being checked."""

    batch: tuple[Arrival, ...]


class PoolSource:
    """The pool as gossip sees it."""

    __slots__ = ("_pool",)

    def __init__(self, pool: Mempool) -> None:
        self._pool = pool

    def get(self, transaction: Hash32) -> bytes | None:
        """Return a pooled transaction's encoding, or None."""
        pooled = self._pool.get(transaction)
        return None if pooled is None else pooled.raw


class Intake:
    """The way into the pool of one node."""

    __slots__ = (
        "_busy",
        "_cache",
        "_config",
        "_gossip",
        "_meshed",
        "_meshes",
        "_pool",
        "_queue",
        "_requests",
        "recovered",
    )

    def __init__(
        self,
        config: NodeConfig,
        cache: ComputeCache,
        pool: Mempool,
        gossip: Gossip,
        requests: Requests,
    ) -> None:
        self._config = config
        self._cache = cache
        self._pool = pool
        self._gossip = gossip
        self._requests = requests
        self._queue: deque[Arrival] = deque()
        self._busy = False
        self._meshes = config.spread is not None and config.spread.gossip == "mesh"
        self._meshed: dict[bytes, _Meshed] = {}
        """By identity; the mesh bounds how many messages wait for a verdict."""
        self.recovered = KnownHashes(2 * config.mempool.count)
        """Hashes of transactions whose sender this node has recovered; a block that contains them
        costs it no second recovery. Not their encodings, which strangers choose the size of."""

    def submit(self, raw: bytes) -> list[Effect]:
        """Take a transaction from a client."""
        name = transaction_hash(raw)
        effects: list[Effect] = [Emit(TransactionSubmitted(name))]
        refusal = self._refusal(raw)
        if refusal is not None:
            effects.append(Emit(TransactionRejected(name, refusal.code)))
            if self._config.answers_clients:
                effects.append(ClientsAnswered(((name, refusal.code),)))
            return effects
        self._queue.append(Arrival(raw, name, local=True))
        return effects + self._start()

    def offer(self, transactions: Iterable[tuple[Hash32, bytes]], gateway: NodeId) -> list[Effect]:
        """Take transactions, each with its hash, from a gateway, which is told of refusals."""
        refused: list[tuple[NodeId, Hash32, str]] = []
        for name, raw in transactions:
            refusal = self._refusal(raw)
            if refusal is None:
                self._queue.append(Arrival(raw, name, local=False, gateway=gateway))
            else:
                refused.append((gateway, name, refusal.code))
        effects = self._start()
        if refused:
            effects.append(TransactionsRefused(tuple(refused)))
        return effects

    def fetched(self, now: Instant, effect: TransactionsFetched) -> list[Effect]:
        """Take transactions from a peer; what is too large or finds no room is dropped."""
        for raw, name in zip(effect.transactions, effect.hashes, strict=True):
            if len(self._queue) >= self._config.intake_queue:
                break
            if not self._is_too_large(raw):
                self._queue.append(Arrival(raw, name, local=False))
        return self._start()

    def meshed(
        self, identity: bytes, transactions: Sequence[tuple[Hash32, bytes]], *, held: bool
    ) -> list[Effect]:
        """Take transactions of a message of a mesh, and say what it is worth when all are checked.

        Args:
            identity: of the message.
            transactions: with their hashes; what is too large or finds no room is dropped.
            held: whether others of the message wait here already.
        """
        room = max(0, self._config.intake_queue - len(self._queue))
        taken = [each for each in transactions[:room] if not self._is_too_large(each[1])]
        if not taken:
            return [BatchChecked(identity, held, invalid=False)]
        self._meshed[identity] = _Meshed(len(taken), held)
        for name, raw in taken:
            self._queue.append(Arrival(raw, name, local=False, identity=identity))
        return self._start()

    def checked(
        self,
        now: Instant,
        purpose: CheckPurpose,
        results: tuple[PooledTransaction | InvalidTransaction, ...],
    ) -> list[Effect]:
        """Admit what has passed the checks, announce it, and go on with what has gathered."""
        self._busy = False
        effects: list[Effect] = [Work(ADMIT, len(results))]
        admitted: dict[Route, list[tuple[Hash32, int, int]]] = {each: [] for each in Route}
        refused: list[tuple[NodeId, Hash32, str]] = []
        recovered: list[Hash32] = []
        answered: list[tuple[Hash32, str]] = []
        for arrival, result in zip(purpose.batch, results, strict=True):
            if isinstance(result, InvalidTransaction):
                error: InvalidTransaction | None = result
            else:
                recovered.append(arrival.hash)
                outcome = self._pool.add(now, result)
                error = outcome.error if outcome.__class__ is Refused else None
            if arrival.local:
                answered.append((arrival.hash, "" if error is None else error.code))
            if error is None:
                raw = arrival.raw
                first = raw[0]
                kind = 0 if first >= LEGACY_LIST_PREFIX else first
                admitted[_route(arrival)].append((arrival.hash, kind, len(raw)))
            elif arrival.local:
                effects.append(Emit(TransactionRejected(arrival.hash, error.code)))
            elif arrival.gateway is not None and not isinstance(error, AlreadyKnown):
                refused.append((arrival.gateway, arrival.hash, error.code))
            if arrival.identity:
                invalid = isinstance(result, InvalidTransaction)
                effects += self._count(arrival.identity, error is None, invalid=invalid)
        self.recovered.update(recovered)
        effects += self._spread(now, admitted)
        if refused:
            effects.append(TransactionsRefused(tuple(refused)))
        if self._config.answers_clients:
            pooled = [name for entries in admitted.values() for name, _, _ in entries]
            effects += self._news(pooled, answered)
        return effects + self._start()

    def _spread(
        self, now: Instant, admitted: dict[Route, list[tuple[Hash32, int, int]]]
    ) -> list[Effect]:
        """Let others know of what is in the pool now."""
        effects: list[Effect] = []
        for route, entries in admitted.items():
            if entries:
                local = route is Route.CLIENT
                told = route is Route.MESH or (local and self._meshes)
                effects += self._gossip.admitted(now, entries, own=local, told=told)
                effects.append(PoolChanged(news=False))
        if self._meshes and admitted[Route.CLIENT]:
            own = [self._pool.get(name) for name, _, _ in admitted[Route.CLIENT]]
            raws = [pooled.raw for pooled in own if pooled is not None]
            effects.append(OwnTransactions(tuple(raws)))
        return effects

    def _count(self, identity: bytes, wanted: bool, *, invalid: bool) -> Sequence[Effect]:
        """Count a transaction of a message of a mesh; tell of the message after the last one."""
        batch = self._meshed[identity]
        batch.waiting -= 1
        batch.wanted |= wanted
        batch.invalid |= invalid
        if batch.waiting:
            return NOTHING
        del self._meshed[identity]
        return (BatchChecked(identity, batch.wanted, batch.invalid),)

    @staticmethod
    def _news(pooled: list[Hash32], answered: list[tuple[Hash32, str]]) -> list[Effect]:
        """Tell those who serve clients what has become of a batch."""
        news: list[Effect] = []
        if pooled:
            news.append(Emit(TransactionsPooled(tuple(pooled))))
        if answered:
            news.append(ClientsAnswered(tuple(answered)))
        return news

    def _refusal(self, raw: bytes) -> type[InvalidTransaction] | None:
        """Return why a transaction may not even wait to be checked, if so."""
        if self._is_too_large(raw):
            return PooledTransactionTooLarge
        return QueueOverflow if len(self._queue) >= self._config.intake_queue else None

    def _is_too_large(self, raw: bytes) -> bool:
        """Whether the pool would refuse it for its size: then it need not wait, nor be read."""
        return len(raw) > self._config.mempool.transaction_bytes

    def _start(self) -> list[Effect]:
        """Begin to check the next batch, unless one is under way."""
        if self._busy or not self._queue:
            return []
        self._busy = True
        count = min(len(self._queue), self._config.intake_batch)
        batch = tuple([self._queue.popleft() for _ in range(count)])
        request = self._requests.open(CheckPurpose(batch))
        raws = tuple([arrival.raw for arrival in batch])
        job = CheckTransactions(raws, self._cache, self._pool.rules)
        return [Compute(request, transaction_demand(count), job)]


def _route(arrival: Arrival) -> Route:
    if arrival.local:
        return Route.CLIENT
    return Route.MESH if arrival.identity else Route.PEER
