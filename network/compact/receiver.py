"""Gets blocks by their compact forms.

A form comes from a peer that was asked to push, or for the asking after an announcement, or inside
another message, such as a proposal. What the pool does not have is asked of its sender, once. All
else that can go wrong ends in asking for the whole block:

- the body does not match the header, because a transaction of the pool had the short id of
  another. Its sender is asked; it has done nothing wrong;
- the sender is silent, does not hold the block any more, or gives something else. The next one
  that is said to hold the block is asked. It is never asked for places in the block: how many
  there are was the first one's word, and who asks for places that are not there is convicted.

Whoever gives a whole block that its own header does not commit to has lied, and only then.

Reference: BIP 152, "Protocol", "Random notes": no peer is banned for what may be a collision, nor
for the invalid body of a block whose header is valid.
"""

from collections.abc import Container, Sequence

import msgspec

from network.compact.draft import Draft, TransactionPool, start_draft
from network.compact.form import BlockParts, ReadForm, read_form
from network.compact.indexes import to_differences
from network.compact.messages import (
    BlockTransactions,
    CompactBlock,
    CompactForm,
    GetBlockTransactions,
    GetCompactBlock,
    GetWholeBlock,
    WholeBlock,
)
from network.compact.modes import BandwidthModes
from network.compact.state import (
    BlockLayout,
    BlockLost,
    BlockRebuilt,
    CompactConfig,
    CompactState,
    CompactTimer,
    Rebuild,
    Stage,
    Welcome,
)
from network.compact.trace import CompactMismatched, CompactRebuilt
from network.costs import HASHED, MATCHED, REBUILT
from network.offences import Offence, PeerBook
from primitives.errors import InvalidEncoding
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import (
    NOTHING,
    CancelTimer,
    Effect,
    Emit,
    Message,
    Send,
    SetTimer,
    Work,
)


class BlockReceiver:
    """The part of a node that rebuilds blocks.

    Args:
        config: limits and delays.
        layout: takes blocks apart and checks what their headers commit to.
        pool: the transactions that a node holds.
        book: notes what peers do wrong, and says whom to prefer.
        modes: who pushes.
        known: digests of blocks that are here.
        welcome: tells whether a pushed block is worth looking through the pool, the dear part.
    """

    __slots__ = (
        "_book",
        "_config",
        "_known",
        "_layout",
        "_modes",
        "_pool",
        "_welcome",
        "state",
    )

    def __init__(
        self,
        config: CompactConfig,
        layout: BlockLayout,
        pool: TransactionPool,
        book: PeerBook,
        modes: BandwidthModes,
        known: Container[Hash32],
        welcome: Welcome,
    ) -> None:
        self._config = config
        self._layout = layout
        self._pool = pool
        self._book = book
        self._modes = modes
        self._known = known
        self._welcome = welcome
        self.state = CompactState()

    def begin(
        self,
        now: Instant,
        sender: NodeId,
        form: CompactForm,
        certificate: bytes = b"",
        *,
        proposed: bool = False,
        room: int = 0,
    ) -> Sequence[Effect]:
        """Rebuild the block of a form that came inside another message.

        Whoever calls this has found the header worth looking through the pool, by a signature or
        a certificate for its hash.

        Args:
            now: the time of the turn.
            sender: who sent the message.
            form: the compact form.
            certificate: what proves that the block is decided, if it is.
            proposed: whether it came inside a proposal. Then nobody is asked to push blocks for
                having been first with it: nobody else can be.
            room: how many of this sender may be on their way so; 0 for the usual limits.
        """
        try:
            read = read_form(form)
            digest = self._layout.digest(form.header)
        except InvalidEncoding:
            return self._book.count(now, sender, Offence.MALFORMED)
        if digest in self._known:
            return NOTHING
        rebuild = self._open(digest, sender, Stage.TRANSACTIONS, room)
        if rebuild is None:
            return NOTHING
        rebuild.proposed = proposed
        return self._draft(now, rebuild, form, read, certificate)

    def want(self, now: Instant, digest: Hash32, peer: NodeId) -> Sequence[Effect]:
        """Get a block that a peer has announced, or note that this peer, too, has it."""
        if digest in self._known:
            return NOTHING
        rebuild = self._open(digest, peer, Stage.FORM)
        if rebuild is None:
            return NOTHING
        return [*self._ask_anew(now, rebuild, peer), *self._alarm(now)]

    def forget(self, now: Instant, digest: Hash32) -> Sequence[Effect]:
        """Give up a block: it came in another way, or is not wanted any more."""
        rebuild = self.state.rebuilds.get(digest)
        if rebuild is None:
            return NOTHING
        self._close(rebuild)
        return self._alarm(now)

    def disconnected(self, now: Instant, peer: NodeId) -> Sequence[Effect]:
        """Ask others for what this peer was asked for."""
        effects: list[Effect] = []
        for rebuild in list(self.state.rebuilds.values()):
            if peer in rebuild.holders:
                rebuild.holders.remove(peer)
            if rebuild.asked == peer:
                effects += self._next(now, rebuild)
        return [*effects, *self._alarm(now)]

    def on_compact_block(
        self, now: Instant, sender: NodeId, message: CompactBlock
    ) -> Sequence[Effect]:
        """Rebuild a block that was asked for, or that a chosen peer has pushed."""
        if not message.request:
            if sender not in self._modes.chosen:
                return self._book.count(now, sender, Offence.UNASKED)
            if not self._welcome(sender, message.form.header, message.certificate):
                return NOTHING
            return self.begin(now, sender, message.form, message.certificate)
        rebuild = self.state.requested(message.request, sender, (Stage.FORM,))
        if rebuild is None:
            return self._book.count(now, sender, Offence.UNASKED)
        try:
            read = read_form(message.form)
            digest = self._layout.digest(message.form.header)
        except InvalidEncoding:
            return self._failed(now, rebuild, Offence.MALFORMED)
        if digest != rebuild.digest:
            return self._failed(now, rebuild, Offence.OTHER_PARTS)
        return self._draft(now, rebuild, message.form, read, message.certificate)

    def on_block_transactions(
        self, now: Instant, sender: NodeId, message: BlockTransactions
    ) -> Sequence[Effect]:
        """Complete a block by what was asked for."""
        rebuild = self.state.requested(message.request, sender, (Stage.TRANSACTIONS,))
        if rebuild is None or rebuild.draft is None:
            return self._book.count(now, sender, Offence.UNASKED)
        if not message.transactions:
            return self._failed(now, rebuild, Offence.EMPTY)
        work = Work(HASHED, len(message.transactions))
        try:
            rebuild.draft.fill(message.transactions, self._layout.transaction_hash)
        except InvalidEncoding:
            return [work, *self._failed(now, rebuild, Offence.OTHER_PARTS)]
        rebuild.fetched_bytes += sum([len(raw) for raw in message.transactions])
        return [work, *self._complete(now, rebuild, rebuild.draft), *self._alarm(now)]

    def on_whole_block(self, now: Instant, sender: NodeId, message: WholeBlock) -> Sequence[Effect]:
        """Take a whole block, if its header is the right one and commits to it."""
        rebuild = self.state.requested(message.request, sender, (Stage.WHOLE, Stage.FORM))
        if rebuild is None:
            return self._book.count(now, sender, Offence.UNASKED)
        if not message.payload:
            return self._failed(now, rebuild, Offence.EMPTY)
        try:
            parts = self._layout.split(message.payload)
            digest = self._layout.digest(parts.header)
        except InvalidEncoding:
            return self._failed(now, rebuild, Offence.FALSE_BLOCK)
        if digest != rebuild.digest:
            return self._failed(now, rebuild, Offence.OTHER_PARTS)
        work = Work(REBUILT, len(parts.transactions))
        if not self._layout.commits(parts):
            return [work, *self._failed(now, rebuild, Offence.FALSE_BLOCK)]
        # One that another has given may be false.
        own = rebuild.certificate if sender == rebuild.source else b""
        rebuild.certificate = message.certificate or own
        rebuild.fetched_bytes += len(message.payload)
        self.state.savings.whole += 1
        done = self._finish(rebuild, message.payload, len(parts.transactions), None)
        return [work, *done, *self._alarm(now)]

    def on_request_timeout(self, now: Instant) -> Sequence[Effect]:
        """Ask others in place of those that kept silent."""
        self.state.alarm = None
        effects: list[Effect] = []
        for rebuild in list(self.state.rebuilds.values()):
            if rebuild.due <= now:
                effects += self._book.count(now, rebuild.asked, Offence.SILENCE)
                effects += self._next(now, rebuild)
        return [*effects, *self._alarm(now)]

    def _open(self, digest: Hash32, peer: NodeId, stage: Stage, room: int = 0) -> Rebuild | None:
        """Begin with a block; None if there is no room, or if it is on its way already."""
        state = self.state
        known = state.rebuilds.get(digest)
        if known is not None:
            return self._join(known, peer, stage)
        if not self._has_room(peer, room):
            return None
        rebuild = state.rebuilds[digest] = Rebuild(digest, stage, peer, peer, present=room > 0)
        return rebuild

    def _has_room(self, peer: NodeId, room: int) -> bool:
        state, config = self.state, self._config
        if room:
            return state.of_peer(peer, present=True) < room
        others = sum([not rebuild.present for rebuild in state.rebuilds.values()])
        own = state.of_peer(peer, present=False)
        return others < config.rebuilds_max and own < config.rebuilds_per_peer

    def _join(self, rebuild: Rebuild, peer: NodeId, stage: Stage) -> Rebuild | None:
        """Note that one more peer has a block; go on with its form if none is here yet."""
        others = rebuild.holders
        if rebuild.form is None and stage is Stage.TRANSACTIONS:
            if peer in others:
                others.remove(peer)
            if rebuild.asked != peer:
                others.insert(0, rebuild.asked)
            rebuild.asked = rebuild.source = peer
            return rebuild
        if peer not in (rebuild.asked, *others, *rebuild.failed):
            others.append(peer)
            del others[self._config.holders_max :]
        return None

    def _draft(
        self,
        now: Instant,
        rebuild: Rebuild,
        form: CompactForm,
        read: ReadForm,
        certificate: bytes,
    ) -> list[Effect]:
        """Look what the pool has of the block; ask for the remainder, or complete it."""
        rebuild.form = form
        rebuild.certificate = certificate or rebuild.certificate
        draft = rebuild.draft = start_draft(read, self._pool)
        savings = self.state.savings
        savings.ambiguous += draft.ambiguous
        effects: list[Effect] = [Work(MATCHED, len(self._pool))]
        if draft.missing:
            effects += self._ask(now, rebuild, Stage.TRANSACTIONS, rebuild.asked)
        else:
            effects += self._complete(now, rebuild, draft)
        return [*effects, *self._alarm(now)]

    def _complete(self, now: Instant, rebuild: Rebuild, draft: Draft) -> list[Effect]:
        """Hand over the block if its header commits to it; else ask for the whole."""
        form = rebuild.form
        if form is None:
            raise AssertionError("a draft without its form")
        work = Work(REBUILT, draft.form.count)
        parts = BlockParts(form.header, draft.transactions(), form.rest)
        payload = b""
        try:
            if self._layout.commits(parts):
                payload = self._layout.join(parts)
        except InvalidEncoding:
            pass
        if not payload:
            self.state.savings.mismatches += 1
            told = Emit(CompactMismatched(rebuild.digest))
            return [work, told, *self._ask(now, rebuild, Stage.WHOLE, rebuild.asked)]
        if not draft.fetched:
            self.state.savings.at_once += 1
        return [work, *self._finish(rebuild, payload, draft.form.count, draft)]

    def _finish(
        self, rebuild: Rebuild, payload: bytes, count: int, draft: Draft | None
    ) -> list[Effect]:
        """Hand over a block, and count what it has cost. No draft for one that came whole."""
        self._close(rebuild)
        form = rebuild.form
        traced = CompactRebuilt(
            rebuild.digest,
            count,
            draft.matched if draft else 0,
            len(draft.form.prefilled) if draft else 0,
            len(draft.fetched) if draft else 0,
            len(payload),
            len(msgspec.msgpack.encode(form)) if form else 0,
            rebuild.fetched_bytes,
        )
        self.state.savings.note(traced)
        fetched = tuple(draft.fetched) if draft else ()
        rebuilt = BlockRebuilt(rebuild.digest, payload, rebuild.certificate, rebuild.asked, fetched)
        first = NOTHING if rebuild.proposed else self._modes.was_first(rebuild.source)
        return [Emit(traced), rebuilt, *first]

    def _failed(self, now: Instant, rebuild: Rebuild, offence: Offence) -> list[Effect]:
        """Note what the peer that was asked did wrong, and ask the next."""
        noted = self._book.count(now, rebuild.asked, offence)
        return [*noted, *self._next(now, rebuild), *self._alarm(now)]

    def _next(self, now: Instant, rebuild: Rebuild) -> list[Effect]:
        """Ask the best of the other holders for the whole block; give up if there is none."""
        rebuild.failed.append(rebuild.asked)
        if not rebuild.holders:
            self._close(rebuild)
            self.state.savings.lost += 1
            return [BlockLost(rebuild.digest)]
        rebuild.holders = self._book.ranked(now, rebuild.holders)
        peer = rebuild.holders.pop(0)
        if rebuild.form is None:
            return self._ask_anew(now, rebuild, peer)
        return self._ask(now, rebuild, Stage.WHOLE, peer)

    def _ask_anew(self, now: Instant, rebuild: Rebuild, peer: NodeId) -> list[Effect]:
        """Ask for the compact form, or for the whole block if the peer knows no such form."""
        stage = Stage.FORM if peer in self._modes.able else Stage.WHOLE
        rebuild.source = peer
        return self._ask(now, rebuild, stage, peer)

    def _ask(self, now: Instant, rebuild: Rebuild, stage: Stage, peer: NodeId) -> list[Effect]:
        state = self.state
        state.numbers.pop(rebuild.request, None)
        state.request_last += 1
        number = rebuild.request = state.request_last
        state.numbers[number] = rebuild.digest
        rebuild.stage, rebuild.asked = stage, peer
        config, proposer = self._config, rebuild.proposed and peer == rebuild.source
        pause = config.proposal_timeout if proposer else config.request_timeout
        rebuild.due = Instant(now + pause)
        message: Message
        if stage is Stage.TRANSACTIONS and rebuild.draft is not None:
            places = to_differences(rebuild.draft.missing)
            message = GetBlockTransactions(number, rebuild.digest, places)
        elif stage is Stage.FORM:
            message = GetCompactBlock(number, rebuild.digest)
        else:
            message = GetWholeBlock(number, rebuild.digest)
        return [Send(peer, message)]

    def _close(self, rebuild: Rebuild) -> None:
        self.state.numbers.pop(rebuild.request, None)
        del self.state.rebuilds[rebuild.digest]

    def _alarm(self, now: Instant) -> list[Effect]:
        """Set the timer to when the first of the open requests is due."""
        state = self.state
        due = min([rebuild.due for rebuild in state.rebuilds.values()], default=None)
        if due == state.alarm:
            return []
        state.alarm = due
        if due is None:
            return [CancelTimer(CompactTimer.REQUEST)]
        return [SetTimer(CompactTimer.REQUEST, Duration(max(0, due - now)))]
