"""Announces transactions by reconciling sets instead of flooding every link.

Flooding sends each hash over every link, some twice: with eight neighbours a node hears of the
same transaction eight times. Here a transaction is announced at once to a few peers only, which
`network.reconcile.announcer` chooses; for the others it waits, and now and then two ends of a link
find out what they do not share. That costs in proportion to the difference, which is small, since
the few peers and other links have told most of it by then. The price is time: the last nodes hear
later.

Whatever goes wrong in a round, nothing is lost: what was to be announced stays until a round has
ended, or is announced plainly. A sketch that tells nothing is no offence, for two sets may always
differ by more than was thought; but a peer with which rounds fail again and again, or do not come
at all, is told plainly for a while, so that neither work nor time is spent on it for nothing.

Reference: Naumenko, Maxwell, Wuille, Fedorova, Beschastnikh, "Erlay: Efficient Transaction Relay
for Bitcoin" (CCS 2019); BIP 330.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from network.announcements import announcements
from network.costs import MATCHED, SKETCH_CELL, SKETCHED
from network.draws import Draws
from network.offences import Offence, PeerBook
from network.reconcile.messages import (
    SALT_BYTES,
    WANTED_MAX,
    AskMore,
    AskSketch,
    Differences,
    SketchOf,
)
from network.reconcile.rounds import (
    NAMES,
    SPREAD_MAX,
    cells_between,
    is_free,
    key_of,
    name_all,
    next_spread,
    owed_of,
)
from network.reconcile.sketch import (
    CELL_BYTES,
    CELLS_MAX,
    NAME_BYTES,
    PARTS,
    Difference,
    Sketch,
    decode,
    element_name,
)
from network.reconcile.state import (
    GONE_MAX,
    Entries,
    Link,
    ReconcileConfig,
    ReconcileState,
    ReconcileTimer,
    Round,
)
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import NOTHING, Effect, Message, Send, SetTimer, Work

SECOND_FACTOR = 2
"""How many times as many cells the second sketch of a round has."""
NUMBERS = 1 << 16
"""Rounds begin to count at one of these."""


class LocalTransactions(Protocol):
    """What a node knows of transactions; its gossip core does."""

    def waits(self, transaction: Hash32) -> bool:
        """Tell whether a transaction is held here and in no block yet."""
        ...

    def coming(self) -> Collection[Hash32]:
        """Return what others have told of and this node has told nobody of."""
        ...

    def shown(self, peer: NodeId, transactions: Sequence[Hash32]) -> None:
        """Note that a peer holds some that are coming, as if it had announced them."""
        ...


class Reconciler:
    """The reconciling core of one node.

    Args:
        config: limits and delays.
        book: notes what peers do wrong.
        local: knows what the node holds and fetches.
        draws: of salts.
    """

    __slots__ = ("_book", "_config", "_draws", "_local", "state")

    def __init__(
        self, config: ReconcileConfig, book: PeerBook, local: LocalTransactions, draws: Draws
    ) -> None:
        self._config = config
        self._book = book
        self._local = local
        self._draws = draws
        self.state = ReconcileState()

    def connected(self, now: Instant, peer: NodeId, *, asks: bool) -> Sequence[Effect]:
        """Begin to reconcile with a peer, or begin anew: what waits for it goes on waiting.

        Args:
            now: the time.
            peer: that understands it.
            asks: whether this node begins the rounds; true at exactly one end.
        """
        state = self.state
        before, waiting = state.links.get(peer), state.gone.pop(peer, {})
        first = int(self._draws.integers(NUMBERS))
        link = state.links[peer] = Link(asks, now, first)
        link.pending = waiting if before is None else before.pending
        if state.armed:
            return NOTHING
        state.armed = True
        return (SetTimer(ReconcileTimer.ROUND, self._config.interval),)

    def disconnected(self, peer: NodeId) -> None:
        """Do without a peer, and keep what waits for it if it should be back."""
        link, gone = self.state.links.pop(peer, None), self.state.gone
        if link is None or not link.pending:
            return
        gone[peer] = link.pending
        if len(gone) > GONE_MAX:
            del gone[next(iter(gone))]

    def add(
        self, now: Instant, peer: NodeId, entries: Mapping[Hash32, tuple[int, int]]
    ) -> Sequence[Effect]:
        """Let transactions wait for a peer; a peer that no rounds are held with is told."""
        link = self.state.links.get(peer)
        if link is None or link.plain_until > now:
            return self._announce(peer, entries)
        pending = link.pending
        pending.update(entries)
        if len(pending) <= self._config.pending_max:
            return NOTHING
        link.pending = pending = self._waiting(link)
        excess = list(pending)[: max(0, len(pending) - self._config.pending_max)]
        return self._announce(peer, {each: pending.pop(each) for each in excess})

    def heard(self, peer: NodeId, transactions: Iterable[bytes]) -> None:
        """Do not tell a peer what it has told this node, or anybody knows that it has."""
        link = self.state.links.get(peer)
        if link is not None and (link.pending or link.owed):
            for transaction in transactions:
                link.pending.pop(Hash32(transaction), None)
                link.owed = max(0, link.owed - 1)

    def on_round_timeout(self, now: Instant) -> Sequence[Effect]:
        """Begin a round with the peer whose last one is longest ago; tell whom nobody serves."""
        state = self.state
        if not state.links:
            state.armed = False
            return NOTHING
        effects = self._tell_unserved(now)
        free = [peer for peer, link in state.links.items() if is_free(now, link)]
        if free:
            peer = min(free, key=lambda each: state.links[each].asked_at)
            link = state.links[peer]
            link.round_last += 1
            link.asked_at = now
            link.asked = mine = self._begin(
                now, link, link.round_last, self._draws.bytes(SALT_BYTES)
            )
            ask = AskSketch(mine.number, mine.salt, len(mine.entries), link.spread)
            effects.append(Send(peer, ask))
        return [*effects, SetTimer(ReconcileTimer.ROUND, self._config.interval)]

    def on_message(self, now: Instant, sender: NodeId, message: Message) -> Sequence[Effect]:
        """Take whatever is in `LIMITS`."""
        match message:
            case AskSketch():
                return self.on_ask_sketch(now, sender, message)
            case SketchOf():
                return self.on_sketch_of(now, sender, message)
            case AskMore():
                return self.on_ask_more(now, sender, message)
            case Differences():
                return self.on_differences(now, sender, message)
            case _:
                return NOTHING

    def on_ask_sketch(self, now: Instant, sender: NodeId, message: AskSketch) -> Sequence[Effect]:
        """Answer with a sketch of what is to be announced to the asker."""
        link = self.state.links.get(sender)
        if link is None:
            # It takes this node for a neighbour: then it learns that it has to announce plainly.
            return (Send(sender, SketchOf(message.round, 0, b"")),)
        if link.asks or now < link.rest_until:
            return self._book.count(now, sender, Offence.UNASKED)
        link.rest_until = Instant(now + self._config.rest)
        effects: list[Effect] = []
        if link.answered is not None:
            effects += self._failed(now, sender, link)
        mine = self._begin(now, link, message.round, message.salt)
        cells = cells_between(len(mine.entries), message.count, message.spread)
        if not cells:
            answer = SketchOf(message.round, len(mine.entries), b"")
            link.answered, link.served_at = None, now
            return [*effects, Send(sender, answer), *self._tell(sender, link, mine, mine.entries)]
        name_all(mine)
        mine.cells = cells
        link.answered = mine
        return [*effects, *self._sketch(sender, mine)]

    def on_sketch_of(self, now: Instant, sender: NodeId, message: SketchOf) -> Sequence[Effect]:
        """Find the difference; or ask for more, or give up."""
        link, mine = self._open(sender, message.round)
        if link is None or mine is None:
            return self._book.count(now, sender, Offence.UNASKED)
        mine.peer_count = message.count
        if not message.cells:
            self.state.counts.plain += 1
            self.state.counts.rounds += 1
            link.asked, link.served_at = None, now
            return self._tell(sender, link, mine, mine.entries)
        cells = len(message.cells) // CELL_BYTES
        if len(message.cells) % (CELL_BYTES * PARTS):
            link.asked = None
            return [
                *self._book.count(now, sender, Offence.CUT_OFF),
                *self._failed(now, sender, link),
            ]
        if not mine.sketches:
            name_all(mine)
        own = Sketch(key_of(mine.salt, len(mine.sketches)), cells)
        own.add(mine.names)
        mine.sketches.append(own.minus(message.cells))
        found = decode([sketch.copy() for sketch in mine.sketches])
        taken_apart = sum(len(sketch) for sketch in mine.sketches)
        work = [Work(SKETCHED, len(mine.names)), Work(SKETCH_CELL, taken_apart)]
        if found is None and len(mine.sketches) == 1:
            mine.due = Instant(now + self._config.timeout)
            return [*work, Send(sender, AskMore(message.round))]
        return [*work, *self._finish(now, sender, link, mine, found)]

    def on_ask_more(self, now: Instant, sender: NodeId, message: AskMore) -> Sequence[Effect]:
        """Answer with a second sketch, once."""
        link = self.state.links.get(sender)
        mine = None if link is None else link.answered
        if link is None or mine is None or mine.number != message.round or mine.parts != 1:
            return self._book.count(now, sender, Offence.UNASKED)
        return self._sketch(sender, mine)

    def on_differences(
        self, now: Instant, sender: NodeId, message: Differences
    ) -> Sequence[Effect]:
        """Announce what the asker lacks; all, if it could not find out."""
        link = self.state.links.get(sender)
        mine = None if link is None else link.answered
        if link is None or mine is None or mine.number != message.round:
            return self._book.count(now, sender, Offence.UNASKED)
        link.answered = None
        if len(message.wanted) % NAME_BYTES:
            return [
                *self._book.count(now, sender, Offence.CUT_OFF),
                *self._failed(now, sender, link),
            ]
        link.served_at = now
        if not message.found:
            told = self._tell(sender, link, mine, mine.entries)
            return [*told, *self._failed(now, sender, link)]
        link.failures = 0
        wanted = [
            mine.names.get(int.from_bytes(message.wanted[at : at + NAME_BYTES], "little"))
            for at in range(0, len(message.wanted), NAME_BYTES)
        ]
        lacking = {each: mine.entries[each] for each in wanted if each is not None}
        return self._tell(sender, link, mine, lacking)

    # ---------------------------------------------------------------- within

    def _waiting(self, link: Link) -> Entries:
        """Return what waits for a peer and is not in a block by now, or gone."""
        waits = self._local.waits
        return {each: what for each, what in link.pending.items() if waits(each)}

    def _begin(self, now: Instant, link: Link, number: int, salt: bytes) -> Round:
        link.pending = self._waiting(link)
        return Round(number, salt, dict(link.pending), Instant(now + self._config.timeout))

    def _open(self, peer: NodeId, number: int) -> tuple[Link | None, Round | None]:
        """Return the round that this node has begun with a peer, if it has this number."""
        link = self.state.links.get(peer)
        mine = None if link is None else link.asked
        if mine is None or mine.number != number:
            return link, None
        return link, mine

    def _sketch(self, peer: NodeId, mine: Round) -> Sequence[Effect]:
        cells = mine.cells if not mine.parts else min(CELLS_MAX, SECOND_FACTOR * mine.cells)
        sketch = Sketch(key_of(mine.salt, mine.parts), cells)
        sketch.add(mine.names)
        mine.parts += 1
        answer = SketchOf(mine.number, len(mine.entries), sketch.pack())
        return Work(SKETCHED, len(mine.names)), Send(peer, answer)

    def _finish(
        self, now: Instant, peer: NodeId, link: Link, mine: Round, found: Difference | None
    ) -> Sequence[Effect]:
        """End a round that this node has begun."""
        counts = self.state.counts
        counts.rounds += 1
        counts.extended += len(mine.sketches) > 1
        link.asked, link.served_at = None, now
        if found is None or len(found.theirs) > WANTED_MAX:
            counts.failed += 1
            link.spread = min(SPREAD_MAX, 2 * link.spread + 1)
            end = Send(peer, Differences(mine.number, found=False, wanted=b""))
            told = self._tell(peer, link, mine, mine.entries)
            return [end, *told, *self._failed(now, peer, link)]
        # Names of nothing cost this node more to find than garbage does, and the peer no more.
        told = self._failed(now, peer, link) if link.owed else []
        if not link.owed:
            link.failures = 0
        size = len(found.mine) + len(found.theirs)
        counts.differences += size
        link.spread = next_spread(link.spread, size, len(mine.entries), mine.peer_count)
        work, lacking = self._not_coming(peer, mine, found.theirs)
        link.owed = owed_of(len(lacking))
        wanted = b"".join([name.to_bytes(NAME_BYTES, "little") for name in lacking])
        end = Send(peer, Differences(mine.number, found=True, wanted=wanted))
        surplus = {mine.names[name]: mine.entries[mine.names[name]] for name in found.mine}
        return [*work, end, *self._tell(peer, link, mine, surplus), *told]

    def _not_coming(
        self, peer: NodeId, mine: Round, theirs: Sequence[int]
    ) -> tuple[Sequence[Effect], Sequence[int]]:
        """Return names of what this node has not heard of; the peer has the others as well."""
        if not theirs:
            return NOTHING, theirs
        key = key_of(mine.salt, NAMES)
        coming = {element_name(key, each): each for each in self._local.coming()}
        self._local.shown(peer, [coming[name] for name in theirs if name in coming])
        lacking = [name for name in theirs if name not in coming]
        return (Work(MATCHED, len(coming)),) if coming else NOTHING, lacking

    def _tell(self, peer: NodeId, link: Link, mine: Round, entries: Entries) -> list[Effect]:
        """Announce some of a round's transactions; none of them waits any more."""
        pending = link.pending
        # What the peer has told of meanwhile does not wait for it any more.
        told = {each: what for each, what in entries.items() if each in pending}
        for transaction in mine.entries:
            pending.pop(transaction, None)
        return self._announce(peer, told)

    def _failed(self, now: Instant, peer: NodeId, link: Link) -> list[Effect]:
        """Count a round that has told nothing; after some in a row, do without for a while."""
        link.failures += 1
        if link.failures < self._config.failures_max:
            return []
        link.failures = 0
        link.plain_until = Instant(now + self._config.plain_time)
        told = self._flush(now, peer, link)
        link.served_at = link.plain_until
        return told

    def _tell_unserved(self, now: Instant) -> list[Effect]:
        """Announce plainly what waits for peers with which no round was held for long."""
        config, links = self._config, self.state.links
        turns = config.turns_missed * config.interval * len(links)
        longest = Duration(max(config.patience, turns))
        return [
            effect
            for peer, link in links.items()
            if link.pending and now - link.served_at > longest
            for effect in self._flush(now, peer, link)
        ]

    def _flush(self, now: Instant, peer: NodeId, link: Link) -> list[Effect]:
        waiting = self._waiting(link)
        self.state.counts.flushed += len(waiting)
        link.pending, link.served_at = {}, now
        return self._announce(peer, waiting)

    def _announce(self, peer: NodeId, entries: Mapping[Hash32, tuple[int, int]]) -> list[Effect]:
        said = announcements(list(entries.items()), self._config.hashes_per_announcement)
        return [Send(peer, message) for message in said]
