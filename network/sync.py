"""Block exchange: announce adopted blocks, fetch certified blocks, serve both.

A follower learns every block this way. A validator does when it fell behind or has just started,
because consensus forgets what a stable checkpoint covers. A block carries its certificate, so
any peer may serve it: a lie costs the liar its place in the queue and the node one round trip.

A few requests are open at a time, each to another peer and for other heights. What comes too
early waits; the node checks one answer after another from the head upward, since each block is
executed on the one before. Whoever is silent or lies loses its turn, and others are asked for
its heights. A node that is so far behind that its peers do not hold the next block any more, or
that executing all of them would take too long, fetches a state instead (`network.transfer`).

The core keeps no blocks. `BlockSource` finds those to serve; `BlocksFetched` hands over what
came in; the node answers with `adopted` for each block and with `checked` for the whole answer.
"""

from collections.abc import Sequence
from typing import Protocol

from network.costs import SERVED
from network.messages import (
    BLOCKS_PER_REQUEST,
    AnnounceBlock,
    CertifiedBlock,
    CertifiedBlocks,
    GetBlocks,
    GetStatus,
    Status,
)
from network.offences import Offence, PeerBook
from network.sync_state import Answer, BlockRequest, SyncConfig, SyncState, SyncTimer
from network.trace import SyncFinished, SyncStarted
from network.transfer import Transfer
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import NOTHING, CancelTimer, Effect, Emit, Send, SetTimer, Work


class BlockSource(Protocol):
    """Where sync finds the blocks that a peer asks for."""

    def certified_block(self, height: int) -> CertifiedBlock | None:
        """Return the adopted block of a height from 1 upward, or None when there is none."""
        ...

    def head(self) -> tuple[int, Hash32]:
        """Return height and digest of the last adopted block."""
        ...

    @property
    def lowest(self) -> int:
        """The first height whose block is held; one above the head if none is."""
        ...


class BlocksFetched(Effect, frozen=True, gc=False):
    """Consecutive blocks have come; node checks and adopts them in order."""

    peer: NodeId
    first: int
    blocks: tuple[CertifiedBlock, ...]


class Sync:
    """The sync core of one node.

    Args:
        config: limits and delays.
        source: finds blocks to serve.
        book: notes what peers do wrong, and says whom to prefer.
        height: height of the node's head at the start.
        epoch: number of the epoch that the block after it belongs to.
    """

    __slots__ = ("_config", "_source", "state", "transfer")

    def __init__(
        self,
        config: SyncConfig,
        source: BlockSource,
        book: PeerBook,
        height: int,
        epoch: int = 0,
    ) -> None:
        self._config = config
        self._source = source
        self.state = SyncState(book, head=height, epoch=epoch)
        self.transfer = Transfer(config, self.state, self._go_on)
        """Fetches a state when blocks do not do."""

    def configure(self, config: SyncConfig) -> None:
        """Go on with other limits, delays and peers."""
        self._config = config
        self.transfer.configure(config)

    def start(self, now: Instant) -> list[Effect]:
        """Begin to poll. A node that starts late, or again, asks for heights at once."""
        effects: list[Effect] = []
        if now > 0:
            effects += self.probe(self._config.status_fanout)
        if self._config.poll_interval and self._config.peers:
            effects.append(SetTimer(SyncTimer.POLL, self._config.poll_interval))
        return effects

    def probe(self, fanout: int) -> list[Effect]:
        """Ask the next `fanout` peers of the list for their height."""
        peers = self._config.peers
        state = self.state
        asked = [
            peers[(state.status_next + step) % len(peers)]
            for step in range(min(fanout, len(peers)))
        ]
        state.status_next += len(asked)
        return [Send(peer, GetStatus()) for peer in asked]

    def meet(self, peer: NodeId) -> Sequence[Send]:
        """Ask a peer that is connected anew for its height, if it is one of those that are asked.

        It may have gone on while this node was cut off, and have nothing to say of that.
        """
        return (Send(peer, GetStatus()),) if peer in self._config.peers else ()

    def adopted(self, height: int, epoch: int = 0) -> Sequence[Effect]:
        """Note that the node's head moved, by sync or by consensus.

        Args:
            height: of the new head.
            epoch: number of the epoch that the block after it belongs to.
        """
        state = self.state
        state.head, state.epoch = height, epoch
        if state.ready:
            state.ready = [answer for answer in state.ready if answer.last > height]
        ended = self.transfer.overtaken(height)
        if state.started_at is None or state.is_ahead(height):
            return ended
        state.started_at = None
        return [*ended, Emit(SyncFinished(height))]

    def checked(self, now: Instant, offence: Offence | None = None) -> Sequence[Effect]:
        """Go on after the blocks of the last answer were adopted, or refused for `offence`.

        Blocks of another height may have been meant for this node's life before: numbers of
        requests begin anew with each. Who gives them is not believed, and not convicted. Nor is
        who offers a block of which others may have given parts, or the certificate.
        """
        state = self.state
        answer = state.checking
        state.checking = None
        if offence is None or answer is None:
            return self._go_on(now)
        mild = offence is Offence.MISPLACED or answer.offered
        judge = state.distrust if mild else state.convict
        return [*judge(now, answer.peer, offence), *self._go_on(now)]

    def would_follow(self, height: int) -> bool:
        """Tell whether a node that follows lacks this block, and nothing brings it yet."""
        state = self.state
        lacks = height > state.top() and not state.is_coming(height)
        return lacks and self._config.follow_gap == 0 and not self.transfer.is_active

    def is_liar(self, peer: NodeId) -> bool:
        """Tell whether a peer has given what no accident makes; nothing is asked of it again."""
        return peer in self.state.liars

    def offered(
        self, now: Instant, peer: NodeId, height: int, block: CertifiedBlock, *, alone: bool = False
    ) -> Sequence[Effect]:
        """Take a block that came without being asked for; it is checked when its turn comes.

        Args:
            now: the time of the turn.
            peer: who gave it.
            height: of the block.
            block: with its certificate.
            alone: whether that peer, and no other, has named the block and given its certificate.
                Then it is convicted where that is not valid.
        """
        state = self.state
        if peer in state.liars or not self.would_follow(height):
            return NOTHING
        state.heights[peer] = max(height, state.heights.get(peer, 0))
        state.ready.append(Answer(peer, height, (block,), offered=not alone))
        state.ready.sort(key=lambda answer: answer.first)
        return self._go_on(now)

    def transferred(self, now: Instant) -> Sequence[Effect]:
        """Go on with blocks: the state that was fetched is adopted, or of no use any more."""
        return [*self.transfer.ended(), *self._go_on(now)]

    def fell_behind(self, now: Instant, peer: NodeId, height: int) -> Sequence[Effect]:
        """Catch up with `height`, which `peer` is said to hold."""
        heights = self.state.heights
        if peer not in self.state.liars:
            heights[peer] = max(height, heights.get(peer, 0))
        return self._pursue(now, catching_up=True)

    def on_announce_block(
        self, now: Instant, sender: NodeId, message: AnnounceBlock
    ) -> Sequence[Effect]:
        """Fetch the block if the node does not reach it by itself."""
        state = self.state
        height = message.height
        if sender in state.liars:
            return NOTHING
        state.heights[sender] = height
        if (
            state.requests
            or state.checking is not None
            or self.transfer.is_active
            or height <= state.head + self._config.follow_gap
        ):
            return NOTHING
        return self._pursue(now, catching_up=height > state.head + self._config.catch_up_gap)

    def on_get_status(self, now: Instant, sender: NodeId, message: GetStatus) -> Sequence[Effect]:
        """Tell the head."""
        return (Send(sender, Status(*self._source.head(), self._source.lowest)),)

    def on_status(self, now: Instant, sender: NodeId, message: Status) -> Sequence[Effect]:
        """Catch up if the peer is ahead."""
        state = self.state
        if sender in state.liars:
            return NOTHING
        state.heights[sender] = message.height
        state.lowest[sender] = message.lowest
        if message.height <= state.head:
            return NOTHING
        return self._pursue(now, catching_up=True)

    def on_get_blocks(self, now: Instant, sender: NodeId, message: GetBlocks) -> Sequence[Effect]:
        """Answer with what is held, up to the configured size."""
        found: list[CertifiedBlock] = []
        total = 0
        for height in range(message.first, message.first + min(message.count, BLOCKS_PER_REQUEST)):
            block = self._source.certified_block(height)
            if block is None:
                break
            total += len(block.payload) + len(block.certificate)
            if found and total > self._config.response_bytes:
                break
            found.append(block)
        answer = CertifiedBlocks(message.request, tuple(found), self._source.lowest)
        return Work(SERVED, total), Send(sender, answer)

    def on_certified_blocks(
        self, now: Instant, sender: NodeId, message: CertifiedBlocks
    ) -> Sequence[Effect]:
        """Hand over what was asked for, or keep it until what is below it has been checked."""
        state = self.state
        request = state.requests.get(message.request)
        if request is None or request.peer != sender:
            return state.book.count(now, sender, Offence.UNASKED)
        del state.requests[message.request]
        if not message.blocks and message.lowest > request.first:
            state.lowest[sender] = message.lowest
        elif not message.blocks or len(message.blocks) > request.count:
            offence = Offence.EXCESS if message.blocks else Offence.EMPTY
            return [*state.distrust(now, sender, offence), *self._go_on(now)]
        else:
            state.ready.append(Answer(sender, request.first, message.blocks))
            state.ready.sort(key=lambda answer: answer.first)
        return self._go_on(now)

    def on_request_timeout(self, now: Instant) -> Sequence[Effect]:
        """Ask other peers if those asked kept silent."""
        state = self.state
        state.alarm = None
        late = [number for number, request in state.requests.items() if request.due <= now]
        again: list[Effect] = []
        for number in late:
            again += state.distrust(now, state.requests.pop(number).peer, Offence.SILENCE)
        again += self._go_on(now)
        if not late or state.requests or state.checking is not None or self.transfer.is_active:
            return again
        return [*again, *self.probe(self._config.status_fanout)]

    def on_poll_timeout(self, now: Instant) -> Sequence[Effect]:
        """Ask a peer for its height if the head stood still since the last firing."""
        state = self.state
        effects: list[Effect] = []
        if state.head == state.head_polled:
            self.transfer.retry()
            effects += self.probe(1)
        state.head_polled = state.head
        effects.append(SetTimer(SyncTimer.POLL, self._config.poll_interval))
        return effects

    def _go_on(self, now: Instant) -> list[Effect]:
        """Let the node check the next answer, and ask for more meanwhile."""
        state = self.state
        effects: list[Effect] = []
        if state.checking is None and state.ready and state.ready[0].first <= state.head + 1:
            answer = state.checking = state.ready.pop(0)
            effects.append(BlocksFetched(answer.peer, answer.first, answer.blocks))
        return effects + self._pursue(now, catching_up=state.started_at is not None)

    def _pursue(self, now: Instant, *, catching_up: bool) -> list[Effect]:
        """Ask peers that are ahead for the next blocks, as far as the limits allow."""
        state = self.state
        if self.transfer.is_active:
            return self._alarm(now)
        effects: list[Effect] = []
        goal = max(state.heights.values(), default=0)
        if goal > state.top():
            if self._needs_state():
                effects += self._begin(catching_up=True)
                return [*effects, *self.transfer.start(now), *self._alarm(now)]
            effects += self._ask(now, goal, catching_up=catching_up)
        if not state.requests and state.checking is None:
            effects += self._finish()
        return effects + self._alarm(now)

    def _ask(self, now: Instant, goal: int, *, catching_up: bool) -> list[Effect]:
        """Ask for blocks up to `goal` that are neither here nor asked for."""
        state, config = self.state, self._config
        effects: list[Effect] = []
        reach = config.requests_max * config.blocks_per_request
        busy = dict.fromkeys([request.peer for request in state.requests.values()])
        while len(state.requests) < config.requests_max:
            wanted = state.next_range(config.blocks_per_request, reach)
            if wanted is None or wanted[0] > goal:
                break
            first, count = wanted
            peer = next((peer for peer in state.holders(now, first) if peer not in busy), None)
            if peer is None:
                break
            busy[peer] = None
            count = min(state.heights[peer] - first + 1, count)
            state.request_last += 1
            due = Instant(now + config.request_timeout)
            state.requests[state.request_last] = BlockRequest(peer, first, count, due)
            effects += self._begin(catching_up=catching_up)
            effects.append(Send(peer, GetBlocks(state.request_last, first, count)))
            if first + count > goal:
                break
        return effects

    def _needs_state(self) -> bool:
        """Whether the next block is out of reach: no peer holds it, or too many are missing."""
        state = self.state
        if state.checking is not None or state.is_coming(state.head + 1):
            return False
        if not state.is_ahead(state.head) or not self.transfer.may_start():
            return False
        if not state.is_held(state.head + 1):
            return True
        gap = max(state.heights.values()) - state.head
        far = gap > self._config.snapshot_gap and self.transfer.may_leap()
        return far and not state.requests

    def _begin(self, *, catching_up: bool) -> list[Effect]:
        """Note the start of a catch-up."""
        state = self.state
        if not catching_up or state.started_at is not None:
            return []
        state.started_at = state.head
        return [Emit(SyncStarted(state.head, max(state.heights.values())))]

    def _alarm(self, now: Instant) -> list[Effect]:
        """Set the timer to when the first of the open requests is due."""
        state = self.state
        if not state.requests and state.alarm is None:
            return []
        due = min([request.due for request in state.requests.values()], default=None)
        if due == state.alarm:
            return []
        state.alarm = due
        if due is None:
            return [CancelTimer(SyncTimer.REQUEST)]
        return [SetTimer(SyncTimer.REQUEST, Duration(due - now))]

    def _finish(self) -> list[Effect]:
        """End a catch-up whose goal is reached, or turned out to be a lie."""
        if self.state.started_at is None:
            return []
        self.state.started_at = None
        return [Emit(SyncFinished(self.state.head))]
