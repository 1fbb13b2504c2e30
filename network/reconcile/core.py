"""Announces transactions by reconciling sets instead of flooding every link.

Flooding sends each hash over every link, some twice: with eight neighbours a node hears of the
same transaction eight times. Here a transaction is announced at once to a few peers only, which
node chooses; for the others it waits, and now and then two ends of a link find out what they do
not share. That costs in proportion to the difference, which is small, since the few peers and
other links have told most of it by then. The price is time: the last nodes hear later.

How node uses it: `connected` with a key that both ends derive from their handshake; `add` for what
is to be announced to peers that it does not tell at once; `heard` for what a peer has announced or
sent. Announcements are those of gossip.

Whatever goes wrong in a round, nothing is lost: what was to be announced stays until a round has
ended, or is announced plainly.

Reference: Naumenko, Maxwell, Wuille, Fedorova, Beschastnikh, "Erlay: Efficient Transaction Relay
for Bitcoin" (CCS 2019); BIP 330.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from network.messages import AnnounceTransactions
from network.offences import Offence, PeerBook
from network.reconcile.messages import WANTED_MAX, AskMore, AskSketch, Differences, SketchOf
from network.reconcile.sketch import (
    CELL_BYTES,
    CELLS_MAX,
    NAME_BYTES,
    PARTS,
    Difference,
    Sketch,
    cells_for,
    decode,
    element_name,
)
from network.reconcile.state import (
    Entries,
    Link,
    ReconcileConfig,
    ReconcileState,
    ReconcileTimer,
    Round,
)
from primitives.ids import Hash32, Instant, NodeId
from primitives.machine import NOTHING, Effect, Send, SetTimer

SPREAD_ONE = 256
SPREAD_MAX = (1 << 16) - 1
ANNOUNCED_BYTES = 38
"""What one transaction takes in an announcement, about."""
SECOND_FACTOR = 2
"""How many times as many cells the second sketch of a round has."""


class Reconciler:
    """The reconciling core of one node.

    Args:
        config: limits and delays.
        book: notes what peers do wrong.
    """

    __slots__ = ("_book", "_config", "state")

    def __init__(self, config: ReconcileConfig, book: PeerBook) -> None:
        self._config = config
        self._book = book
        self.state = ReconcileState()

    def connected(self, peer: NodeId, key: bytes, *, asks: bool) -> Sequence[Effect]:
        """Begin to reconcile with a peer.

        Args:
            peer: that understands it.
            key: 16 bytes that both ends know and nobody else does, of this connection.
            asks: whether this node begins the rounds; true at exactly one end.
        """
        state = self.state
        state.links[peer] = Link(key, asks)
        if not asks or state.armed:
            return NOTHING
        state.armed = True
        return (SetTimer(ReconcileTimer.ROUND, self._config.interval),)

    def disconnected(self, peer: NodeId) -> None:
        """Forget a peer."""
        self.state.links.pop(peer, None)

    def add(
        self, transactions: Iterable[tuple[Hash32, int, int]], peers: Iterable[NodeId]
    ) -> Sequence[Effect]:
        """Let transactions, given as (hash, type, size in bytes), wait for these peers."""
        entries = {name: (kind, size) for name, kind, size in transactions}
        effects: list[Effect] = []
        most = self._config.pending_max
        for peer in peers:
            link = self.state.links.get(peer)
            if link is None:
                effects += self._announce(peer, entries)
                continue
            link.pending |= entries
            if len(link.pending) > most:
                ordered = list(link.pending.items())
                link.pending = dict(ordered[-most:])
                effects += self._announce(peer, dict(ordered[:-most]))
        return effects

    def heard(self, peer: NodeId, transactions: Iterable[bytes]) -> None:
        """Do not tell a peer what it has told this node, or anybody knows that it has."""
        link = self.state.links.get(peer)
        if link is not None and link.pending:
            for transaction in transactions:
                link.pending.pop(Hash32(transaction), None)

    def on_round_timeout(self, now: Instant) -> Sequence[Effect]:
        """Begin a round with the next peer."""
        state = self.state
        peers = [peer for peer, link in state.links.items() if link.asks]
        if not peers:
            state.armed = False
            return NOTHING
        timer = SetTimer(ReconcileTimer.ROUND, self._config.interval)
        peer = peers[state.turn % len(peers)]
        state.turn += 1
        link = state.links[peer]
        if link.asked is not None and link.asked.due > now:
            return (timer,)
        link.round_last += 1
        link.asked = self._begin(now, link, link.round_last)
        ask = AskSketch(link.round_last, len(link.asked.entries), link.spread)
        return Send(peer, ask), timer

    def on_ask_sketch(self, now: Instant, sender: NodeId, message: AskSketch) -> Sequence[Effect]:
        """Answer with a sketch of what is to be announced to the asker."""
        link = self.state.links.get(sender)
        if link is None or link.asks or message.round <= link.round_last or now < link.rest_until:
            return self._book.count(now, sender, Offence.UNASKED)
        link.round_last = message.round
        link.rest_until = Instant(now + self._config.rest)
        link.answered = None
        mine = self._begin(now, link, message.round)
        here, there = len(mine.entries), message.count
        expected = abs(here - there) + min(here, there) * message.spread // SPREAD_ONE
        cells = cells_for(expected)
        if not here or not there or cells * CELL_BYTES >= here * ANNOUNCED_BYTES:
            answer = SketchOf(message.round, here, b"")
            return [Send(sender, answer), *self._tell(sender, link, mine, mine.entries)]
        mine.cells = cells
        link.answered = mine
        return (Send(sender, self._sketch(link, mine)),)

    def on_sketch_of(self, now: Instant, sender: NodeId, message: SketchOf) -> Sequence[Effect]:
        """Find the difference; or ask for more, or give up."""
        link, mine = self._open(sender, message.round)
        if link is None or mine is None:
            return self._book.count(now, sender, Offence.UNASKED)
        mine.peer_count = message.count
        if not message.cells:
            self.state.counts.plain += 1
            self.state.counts.rounds += 1
            link.asked = None
            return self._tell(sender, link, mine, mine.entries)
        cells = len(message.cells) // CELL_BYTES
        if len(message.cells) % (CELL_BYTES * PARTS):
            link.asked = None
            return self._book.count(now, sender, Offence.MALFORMED)
        own = Sketch(_seed(link.key, mine.number, len(mine.sketches)), cells)
        own.add(mine.names)
        mine.sketches.append(own.minus(message.cells))
        found = decode([sketch.copy() for sketch in mine.sketches])
        if found is None and len(mine.sketches) == 1:
            mine.due = Instant(now + self._config.timeout)
            return (Send(sender, AskMore(message.round)),)
        return self._finish(sender, link, mine, found)

    def on_ask_more(self, now: Instant, sender: NodeId, message: AskMore) -> Sequence[Effect]:
        """Answer with a second sketch, once."""
        link = self.state.links.get(sender)
        mine = None if link is None else link.answered
        if link is None or mine is None or mine.number != message.round or mine.parts != 1:
            return self._book.count(now, sender, Offence.UNASKED)
        return (Send(sender, self._sketch(link, mine)),)

    def on_differences(
        self, now: Instant, sender: NodeId, message: Differences
    ) -> Sequence[Effect]:
        """Announce what the asker lacks; all, if it could not find out."""
        link = self.state.links.get(sender)
        mine = None if link is None else link.answered
        if link is None or mine is None or mine.number != message.round:
            return self._book.count(now, sender, Offence.UNASKED)
        link.answered = None
        if not message.found:
            return self._tell(sender, link, mine, mine.entries)
        if len(message.wanted) % NAME_BYTES:
            return self._book.count(now, sender, Offence.MALFORMED)
        wanted = [
            mine.names.get(int.from_bytes(message.wanted[at : at + NAME_BYTES], "little"))
            for at in range(0, len(message.wanted), NAME_BYTES)
        ]
        told = {each: mine.entries[each] for each in wanted if each is not None}
        return self._tell(sender, link, mine, told)

    def _begin(self, now: Instant, link: Link, number: int) -> Round:
        entries = dict(link.pending)
        names = {element_name(link.key, each): each for each in entries}
        return Round(number, entries, names, Instant(now + self._config.timeout))

    def _open(self, peer: NodeId, number: int) -> tuple[Link | None, Round | None]:
        """Return the round that this node has begun with a peer, if it has this number."""
        link = self.state.links.get(peer)
        mine = None if link is None else link.asked
        if mine is None or mine.number != number:
            return link, None
        return link, mine

    def _sketch(self, link: Link, mine: Round) -> SketchOf:
        cells = mine.cells if not mine.parts else min(CELLS_MAX, SECOND_FACTOR * mine.cells)
        sketch = Sketch(_seed(link.key, mine.number, mine.parts), cells)
        sketch.add(mine.names)
        mine.parts += 1
        return SketchOf(mine.number, len(mine.entries), sketch.pack())

    def _finish(
        self, peer: NodeId, link: Link, mine: Round, found: Difference | None
    ) -> Sequence[Effect]:
        """End a round that this node has begun."""
        counts = self.state.counts
        counts.rounds += 1
        counts.extended += len(mine.sketches) > 1
        link.asked = None
        if found is None or len(found.theirs) > WANTED_MAX:
            counts.failed += 1
            link.spread = min(SPREAD_MAX, 2 * link.spread + 1)
            end = Send(peer, Differences(mine.number, found=False, wanted=b""))
            return [end, *self._tell(peer, link, mine, mine.entries)]
        size = len(found.mine) + len(found.theirs)
        counts.differences += size
        link.spread = _spread(link.spread, size, len(mine.entries), mine.peer_count)
        names = [name.to_bytes(NAME_BYTES, "little") for name in found.theirs]
        end = Send(peer, Differences(mine.number, found=True, wanted=b"".join(names)))
        told = {mine.names[name]: mine.entries[mine.names[name]] for name in found.mine}
        return [end, *self._tell(peer, link, mine, told)]

    def _tell(self, peer: NodeId, link: Link, mine: Round, entries: Entries) -> list[Effect]:
        """Announce some of a round's transactions; none of them waits any more."""
        for transaction in mine.entries:
            link.pending.pop(transaction, None)
        return self._announce(peer, entries)

    def _announce(self, peer: NodeId, entries: Entries) -> list[Effect]:
        most = self._config.hashes_per_announcement
        ordered = list(entries.items())
        return [
            Send(peer, _announcement(ordered[start : start + most]))
            for start in range(0, len(ordered), most)
        ]


def _announcement(entries: Sequence[tuple[Hash32, tuple[int, int]]]) -> AnnounceTransactions:
    return AnnounceTransactions(
        types=bytes([kind for _, (kind, _) in entries]),
        sizes=tuple([size for _, (_, size) in entries]),
        hashes=tuple([transaction for transaction, _ in entries]),
    )


def _seed(key: bytes, number: int, part: int) -> bytes:
    """Return what places elements in the cells of one sketch: never the same places twice."""
    return sha256(key + number.to_bytes(8, "little") + bytes([part])).digest()[:16]


def _spread(before: int, difference: int, here: int, there: int) -> int:
    """Return what to expect next: halfway from before to what this round has shown."""
    smaller = min(here, there)
    if not smaller:
        return before
    shown = max(0, difference - abs(here - there)) * SPREAD_ONE // smaller
    return min(SPREAD_MAX, (before + shown + 1) // 2)
