"""Transaction gossip: announce hashes, fetch bodies, once from one peer.

Sending every transaction to every neighbour costs degree times its size. Announcing costs 40
bytes a neighbour, and the body crosses each node's downlink once. The price is a round trip, and
that a peer who announces and then keeps silent can delay a transaction: so every announcer is
remembered, and a request that is not answered in time goes to the next one.

The core holds three bounded tables:

- **known**: hashes that need no fetch any more (pooled, refused, included), oldest forgotten first;
- **wanted**: hashes announced but not here yet, each with the peers that announced it;
- **requests**: what was asked of whom, and until when.

It owns no transactions: `TransactionSource` finds bodies to serve, `TransactionsFetched` hands
over what came in, and node reports back by `admitted` and `note_known`.

Reference: devp2p `eth/68`, transaction exchange.
"""

from collections.abc import Callable, Collection, Sequence
from itertools import islice
from typing import Protocol

from network.announcements import Entry, announcements
from network.costs import ANNOUNCED, HASHED, SERVED
from network.gossip_state import (
    GossipConfig,
    GossipState,
    GossipTimer,
    KnownHashes,
    Request,
    WaitingTransaction,
    Wanted,
)
from network.messages import AnnounceTransactions, GetTransactions, PooledTransactions
from network.offences import Offence, PeerBook
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import NOTHING, Broadcast, Effect, Send, SetTimer, Work


class TransactionSource(Protocol):
    """Where gossip finds the body of a transaction that a peer asks for."""

    def get(self, transaction: Hash32) -> bytes | None:
        """Return its encoding, or None when it is not held."""
        ...


class Announcer(Protocol):
    """Tells neighbours of transactions in another way than all of them at once."""

    def announce(self, now: Instant, entries: Sequence[Entry]) -> Sequence[Effect]:
        """Tell of what is new here."""
        ...

    def repeat(self, now: Instant, entries: Sequence[Entry]) -> Sequence[Effect]:
        """Tell again of what waits for too long."""
        ...

    def heard(self, peer: NodeId, transactions: Sequence[bytes]) -> None:
        """Note that a peer has these: it need not be told."""
        ...


class TransactionsFetched(Effect, frozen=True, gc=False):
    """Bodies that were asked for have come; node translates this into their validation."""

    peer: NodeId
    hashes: tuple[Hash32, ...]
    transactions: tuple[bytes, ...]


class Gossip:
    """The gossip core of one node.

    Args:
        config: limits and delays.
        source: finds bodies to serve.
        digest: keccak-256 of a transaction's encoding.
        book: notes what peers do wrong, and says whom to prefer.
    """

    __slots__ = ("_book", "_config", "_digest", "_source", "announcer", "state")

    def __init__(
        self,
        config: GossipConfig,
        source: TransactionSource,
        digest: Callable[[bytes], Hash32],
        book: PeerBook,
    ) -> None:
        self._config = config
        self._source = source
        self._digest = digest
        self._book = book
        self.state = GossipState(KnownHashes(config.known_max))
        self.announcer: Announcer | None = None
        """Announces; all neighbours are told at once if None."""

    def admitted(
        self,
        now: Instant,
        transactions: Sequence[tuple[Hash32, int, int]],
        *,
        own: bool,
        told: bool = False,
    ) -> Sequence[Effect]:
        """Announce newly pooled transactions, given as (hash, type, size in bytes), in a while.

        Announcements wait `announce_delay` so that one message carries many. Those that a client
        gave to this node are its `own`: it announces them again and again until they are gone;
        others more rarely, for their origin may have died. Those that were `told` to all in
        another way are announced only then.
        """
        state = self.state
        quiet, idle = not state.unannounced, not (state.own or state.relayed)
        waiting = state.own if own else state.relayed
        unannounced, most = state.unannounced, self._config.relayed_max
        self.note_known([transaction for transaction, _, _ in transactions])
        for transaction, kind, size in transactions:
            if not told:
                unannounced[transaction] = (kind, size)
            if own or len(waiting) < most:
                waiting[transaction] = WaitingTransaction(kind, size, now)
        effects: list[Effect] = []
        if quiet and state.unannounced:
            effects.append(SetTimer(GossipTimer.ANNOUNCE, self._config.announce_delay))
        if idle and waiting:
            effects.append(SetTimer(GossipTimer.REPEAT, self._config.repeat_interval))
        return effects

    def note_known(self, transactions: Collection[Hash32]) -> None:
        """Never fetch these: they are pooled, refused, or included in a block."""
        self.state.known.update(transactions)
        wanted = self.state.wanted
        if wanted:
            for transaction in transactions:
                wanted.pop(transaction, None)

    def untold(self) -> Collection[Hash32]:
        """Return what is pooled here and was announced to nobody yet, nor by anybody."""
        return self.state.unannounced.keys()

    def waits(self, transaction: Hash32) -> bool:
        """Tell whether a transaction is held here and in no block yet."""
        return self._source.get(transaction) is not None

    def coming(self) -> Collection[Hash32]:
        """Return what others have told of and this node has told nobody of."""
        return [*self.state.wanted, *self.state.unannounced]

    def shown(self, peer: NodeId, transactions: Sequence[Hash32]) -> None:
        """Note that a peer holds some that are coming, as if it had announced them."""
        wanted = self.state.wanted
        self._want([each for each in transactions if each in wanted], peer)
        if self.announcer is not None:
            self.announcer.heard(peer, transactions)

    def on_announce_transactions(
        self, now: Instant, sender: NodeId, message: AnnounceTransactions
    ) -> Sequence[Effect]:
        """Want what is new, and ask for it at once if this peer has a request free."""
        hashes = message.hashes
        state = self.state
        if len(message.types) != len(hashes) or len(message.sizes) != len(hashes):
            return self._book.count(now, sender, Offence.UNEVEN)
        if self.announcer is not None:
            self.announcer.heard(sender, hashes)
        work = Work(ANNOUNCED, len(hashes))
        younger, older = state.known.younger, state.known.older
        unknown = [raw for raw in hashes if raw not in younger and raw not in older]
        if not (unknown and self._want(unknown, sender)):
            return (work,)
        return (work, *self._ask(now, (sender,)))

    def on_get_transactions(
        self, now: Instant, sender: NodeId, message: GetTransactions
    ) -> Sequence[Effect]:
        """Answer with what is held, up to the configured size."""
        found: list[bytes] = []
        total = 0
        for raw in message.hashes[: self._config.hashes_per_request]:
            body = self._source.get(Hash32(raw))
            if body is None:
                continue
            if found and total + len(body) > self._config.response_bytes:
                break
            found.append(body)
            total += len(body)
        answer = PooledTransactions(message.request, tuple(found))
        return Work(SERVED, total), Send(sender, answer)

    def on_pooled_transactions(
        self, now: Instant, sender: NodeId, message: PooledTransactions
    ) -> Sequence[Effect]:
        """Hand over what was asked for; ask again, here or elsewhere, for what is missing."""
        state = self.state
        request = state.requests.get(message.request)
        if request is None or request.peer != sender:
            return self._book.count(now, sender, Offence.UNASKED)
        self._close(message.request, request)
        asked = dict.fromkeys(request.hashes)
        hashes: list[Hash32] = []
        bodies: list[bytes] = []
        effects: list[Effect] = [Work(HASHED, len(message.transactions))]
        for body in message.transactions[: len(request.hashes)]:
            transaction = self._digest(body)
            if transaction not in asked:
                effects += self._book.count(now, sender, Offence.FOREIGN)
                continue
            del asked[transaction]
            if state.wanted.pop(transaction, None) is not None:
                hashes.append(transaction)
                bodies.append(body)
        state.known.update(hashes)
        for transaction in asked:
            self._release(now, transaction, sender, again=bool(bodies))
        if bodies:
            effects.append(TransactionsFetched(sender, tuple(hashes), tuple(bodies)))
        effects += self._ask(now, list(state.queues))
        return effects

    def on_announce_timeout(self, now: Instant) -> Sequence[Effect]:
        """Announce what has gathered."""
        gathered = list(self.state.unannounced.items())
        self.state.unannounced.clear()
        if self.announcer is not None:
            return self.announcer.announce(now, gathered)
        return self._announce(gathered)

    def on_repeat_timeout(self, now: Instant) -> Sequence[Effect]:
        """Announce again what still waits after a whole interval."""
        state = self.state
        held = {name: own for name, own in state.own.items() if self._source.get(name) is not None}
        state.own = held
        overdue: list[Entry] = []
        for transaction, own in held.items():
            if own.announced_at + self._config.repeat_interval <= now:
                own.announced_at = now
                overdue.append((transaction, (own.type, own.size)))
        overdue += self._overdue_relays(now)
        if not held and not state.relayed:
            return NOTHING
        timer = SetTimer(GossipTimer.REPEAT, self._config.repeat_interval)
        if self.announcer is not None:
            return [*self.announcer.repeat(now, overdue), timer]
        return [*self._announce(overdue), timer]

    def _overdue_relays(self, now: Instant) -> list[Entry]:
        """Take from the front of what came from peers: what is gone, and what waits too long."""
        relayed = self.state.relayed
        passed: dict[Hash32, WaitingTransaction] = {}
        overdue: dict[Hash32, WaitingTransaction] = {}
        for transaction, waiting in relayed.items():
            held = self._source.get(transaction) is not None
            if held and waiting.announced_at + self._config.relay_interval > now:
                break
            passed[transaction] = waiting
            if held:
                overdue[transaction] = waiting
                if len(overdue) == self._config.relays_max:
                    break
        for transaction in passed:
            del relayed[transaction]
        for transaction, waiting in overdue.items():
            waiting.announced_at = now
            relayed[transaction] = waiting
        return [(name, (waiting.type, waiting.size)) for name, waiting in overdue.items()]

    def on_fetch_timeout(self, now: Instant) -> Sequence[Effect]:
        """Give up requests that are overdue and ask the next announcers.

        Whatever else was to be asked of a silent peer goes elsewhere too.
        """
        state = self.state
        effects: list[Effect] = []
        for number, request in list(state.requests.items()):
            if request.deadline > now:
                break
            peer = request.peer
            effects += self._book.count(now, peer, Offence.SILENCE)
            self._close(number, request)
            for transaction in (*request.hashes, *state.queues.pop(peer, ())):
                self._release(now, transaction, peer, again=False)
        had_open = bool(state.requests)
        effects += self._ask(now, list(state.queues))
        if had_open:
            oldest = next(iter(state.requests.values()))
            effects.append(SetTimer(GossipTimer.FETCH, Duration(oldest.deadline - now)))
        return effects

    def _announce(self, entries: Sequence[Entry]) -> list[Effect]:
        said = announcements(entries, self._config.hashes_per_announcement)
        return [Broadcast(self._config.group, message) for message in said]

    def _want(self, hashes: Sequence[bytes], peer: NodeId) -> bool:
        """Remember that `peer` has these. False when that changes nothing worth asking for."""
        state, config, held = self.state, self._config, self._source.get
        wanted = state.wanted
        queue = state.queues.setdefault(peer, {})
        fresh = False
        for raw in hashes:
            transaction = Hash32(raw)
            known = wanted.get(transaction)
            if known is not None:
                announcers = known.announcers
                if peer not in announcers and len(announcers) < config.announcers_max:
                    announcers.append(peer)
            elif held(transaction) is None:
                if len(wanted) >= config.wanted_max or len(queue) >= config.queued_per_peer:
                    state.dropped += 1
                    continue
                wanted[transaction] = Wanted([peer])
                queue[transaction] = None
                fresh = True
        if not queue:
            del state.queues[peer]
        return fresh

    def _release(self, now: Instant, transaction: Hash32, peer: NodeId, *, again: bool) -> None:
        """Queue an unanswered transaction at `peer` again, or at its best announcer, or forget it.

        A peer that answered only in part may have more to give; one that gave nothing is done.
        """
        state = self.state
        wanted = state.wanted.get(transaction)
        if wanted is None:
            return
        if not again:
            wanted.announcers.remove(peer)
        if not again and len(wanted.announcers) > 1:
            wanted.announcers = self._book.ranked(now, wanted.announcers)
        if wanted.announcers:
            state.queues.setdefault(wanted.announcers[0], {})[transaction] = None
        else:
            del state.wanted[transaction]

    def _close(self, number: int, request: Request) -> None:
        state = self.state
        del state.requests[number]
        state.in_flight[request.peer] -= 1

    def _ask(self, now: Instant, peers: Sequence[NodeId]) -> list[Effect]:
        """Send requests for what is queued at these peers, as far as their limits allow."""
        state = self.state
        idle = not state.requests
        effects: list[Effect] = []
        for peer in peers:
            queue = state.queues[peer]
            while queue and state.in_flight.get(peer, 0) < self._config.requests_per_peer:
                hashes = self._take(queue)
                if hashes:
                    effects.append(self._request(now, peer, hashes))
            if not queue:
                del state.queues[peer]
        if idle and effects:
            effects.append(SetTimer(GossipTimer.FETCH, self._config.request_timeout))
        return effects

    def _take(self, queue: dict[Hash32, None]) -> tuple[Hash32, ...]:
        """Remove one request's worth of hashes that are still wanted from the front."""
        hashes: list[Hash32] = []
        most = self._config.hashes_per_request
        for transaction in list(islice(queue, most)):
            del queue[transaction]
            if transaction in self.state.wanted:
                hashes.append(transaction)
        return tuple(hashes)

    def _request(self, now: Instant, peer: NodeId, hashes: tuple[Hash32, ...]) -> Effect:
        state = self.state
        state.request_last += 1
        deadline = Instant(now + self._config.request_timeout)
        state.requests[state.request_last] = Request(peer, hashes, deadline)
        state.in_flight[peer] = state.in_flight.get(peer, 0) + 1
        return Send(peer, GetTransactions(state.request_last, hashes))
