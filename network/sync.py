"""Block exchange: announce adopted blocks, fetch certified blocks, serve both.

A follower learns every block this way. A validator does when it fell behind or has just started,
because consensus forgets what a stable checkpoint covers. A block carries its certificate, so
any peer may serve it: a lie costs the liar its place in the queue and the node one round trip.

One request is open at a time, and nothing is asked for while the node checks what came in: the
blocks of one answer depend on one another, and a peer that lies is noticed before the next is
asked. The window is `blocks_per_request` blocks.

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
from network.sync_state import BlockRequest, SyncConfig, SyncState, SyncTimer
from network.trace import SyncFinished, SyncStarted
from primitives.ids import Hash32, Instant, NodeId
from primitives.machine import NOTHING, CancelTimer, Effect, Emit, Send, SetTimer, Work


class BlockSource(Protocol):
    """Where sync finds the blocks that a peer asks for."""

    def certified_block(self, height: int) -> CertifiedBlock | None:
        """Return the adopted block of a height from 1 upward, or None when there is none."""
        ...

    def head(self) -> tuple[int, Hash32]:
        """Return height and digest of the last adopted block."""
        ...


class BlocksFetched(Effect, frozen=True, gc=False):
    """Consecutive blocks have come; node checks and adopts them in order."""

    peer: NodeId
    first: int
    blocks: tuple[CertifiedBlock, ...]


ANSWERED = CancelTimer(SyncTimer.REQUEST)
"""Ends the wait for the answer to a request."""


class Sync:
    """The sync core of one node.

    Args:
        config: limits and delays.
        source: finds blocks to serve.
        height: height of the node's head at the start.
    """

    __slots__ = ("_config", "_source", "state")

    def __init__(self, config: SyncConfig, source: BlockSource, height: int) -> None:
        self._config = config
        self._source = source
        self.state = SyncState(head=height)

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

    def adopted(self, height: int) -> Sequence[Effect]:
        """Note that the node's head moved, by sync or by consensus."""
        state = self.state
        state.head = height
        if state.started_at is None or any(known > height for known in state.heights.values()):
            return NOTHING
        state.started_at = None
        return (Emit(SyncFinished(height)),)

    def checked(self, now: Instant, offence: str = "") -> Sequence[Effect]:
        """Go on after the blocks of the last answer were adopted, or refused for `offence`."""
        state = self.state
        peer = state.checking
        state.checking = None
        if offence and peer is not None:
            state.liars[peer] = None
            self._distrust(peer, offence)
        return self._pursue(catching_up=state.started_at is not None)

    def fell_behind(self, now: Instant, peer: NodeId, height: int) -> Sequence[Effect]:
        """Catch up with `height`, which `peer` is said to hold."""
        heights = self.state.heights
        if peer not in self.state.liars:
            heights[peer] = max(height, heights.get(peer, 0))
        return self._pursue(catching_up=True)

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
            state.request is not None
            or state.checking is not None
            or height <= state.head + self._config.follow_gap
        ):
            return NOTHING
        return self._pursue(catching_up=height > state.head + self._config.catch_up_gap)

    def on_get_status(self, now: Instant, sender: NodeId, message: GetStatus) -> Sequence[Effect]:
        """Tell the head."""
        return (Send(sender, Status(*self._source.head())),)

    def on_status(self, now: Instant, sender: NodeId, message: Status) -> Sequence[Effect]:
        """Catch up if the peer is ahead."""
        state = self.state
        if sender in state.liars:
            return NOTHING
        state.heights[sender] = message.height
        if message.height <= state.head:
            return NOTHING
        return self._pursue(catching_up=True)

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
        return Work(SERVED, total), Send(sender, CertifiedBlocks(message.request, tuple(found)))

    def on_certified_blocks(
        self, now: Instant, sender: NodeId, message: CertifiedBlocks
    ) -> Sequence[Effect]:
        """Hand over what was asked for."""
        state = self.state
        request = state.request
        if request is None or request.number != message.request or request.peer != sender:
            state.count_offence(sender, "an answer that was not asked for")
            return NOTHING
        state.request = None
        if not message.blocks or len(message.blocks) > request.count:
            self._distrust(sender, "an answer without the blocks it claimed to hold")
            return [ANSWERED, *self._pursue(catching_up=state.started_at is not None)]
        state.checking = sender
        return (ANSWERED, BlocksFetched(sender, request.first, message.blocks))

    def on_request_timeout(self, now: Instant) -> Sequence[Effect]:
        """Ask another peer if the one asked kept silent."""
        state = self.state
        request = state.request
        if request is None:
            return NOTHING
        state.request = None
        self._distrust(request.peer, "no answer in time")
        again = self._pursue(catching_up=state.started_at is not None)
        return again or self.probe(self._config.status_fanout)

    def on_poll_timeout(self, now: Instant) -> Sequence[Effect]:
        """Ask a peer for its height if the head stood still since the last firing."""
        state = self.state
        effects: list[Effect] = []
        if state.head == state.head_polled:
            effects += self.probe(1)
        state.head_polled = state.head
        effects.append(SetTimer(SyncTimer.POLL, self._config.poll_interval))
        return effects

    def _distrust(self, peer: NodeId, offence: str) -> None:
        self.state.count_offence(peer, offence)
        self.state.heights.pop(peer, None)

    def _pursue(self, *, catching_up: bool) -> list[Effect]:
        """Ask the most reliable peer that is ahead for the next blocks, unless busy."""
        state = self.state
        if state.request is not None or state.checking is not None:
            return []
        head = state.head
        peer = self._most_reliable_ahead(head)
        if peer is None:
            return self._finish()
        count = min(state.heights[peer] - head, self._config.blocks_per_request)
        state.request_last += 1
        state.request = BlockRequest(state.request_last, peer, head + 1, count)
        effects: list[Effect] = []
        if catching_up and state.started_at is None:
            state.started_at = head
            effects.append(Emit(SyncStarted(head, state.heights[peer])))
        effects.append(Send(peer, GetBlocks(state.request_last, head + 1, count)))
        effects.append(SetTimer(SyncTimer.REQUEST, self._config.request_timeout))
        return effects

    def _most_reliable_ahead(self, head: int) -> NodeId | None:
        """Return the peer with the fewest failures above `head`, the first heard of at a tie."""
        failures = self.state.failures
        best, fewest = None, 0
        for peer, height in self.state.heights.items():
            if height > head:
                failed = failures.get(peer, 0) if failures else 0
                if best is None or failed < fewest:
                    best, fewest = peer, failed
        return best

    def _finish(self) -> list[Effect]:
        """End a catch-up whose goal is reached, or turned out to be a lie."""
        if self.state.started_at is None:
            return []
        self.state.started_at = None
        return [Emit(SyncFinished(self.state.head))]
