"""Fetching the state after some block, in chunks from several peers.

Three steps. A few peers are asked what they can give (`GetSnapshot`); the node verifies the
certificates of what they offer, and the highest block that is proven is taken. Then all accounts
are asked for, by the first nibbles of their hashed addresses, of all peers at a time; where there
are too many for one chunk a peer says so, and the sixteen longer prefixes are asked for instead.
An account that has too many slots by itself comes without them, and they are asked for in the same
way, by the first nibbles of their hashes. Each chunk proves itself against the state root that the
certified header names, or the storage root that an account has under it, so the first bad one
shows who lies, and nothing else that came is lost. When nothing is missing any more the node puts
the state together.

Who lies is never asked again; who is silent, only when nobody else is left. The network moves on
meanwhile and servers forget what is old: when nobody holds the state any more, a newer one is
asked for, and chunks whose subtree is the same in it are not sent twice. The state that is
reached in the end may be old; the blocks above it are fetched as ever.

That a peer splits what would have fitted costs sixteen requests, and shows as soon as those are
answered, when the accounts below that prefix are counted: the end might never come.

What peers say of their height calls a transfer up, and they may lie. So a state that turns out to
be no further ahead than blocks lead is left alone; if the blocks do not come, the next attempt
from the same head takes it.
"""

from collections.abc import Callable, Sequence

from network.messages import (
    CHUNK_ACCOUNTS,
    PREFIX_NIBBLES_MAX,
    Chunk,
    Content,
    GetChunk,
    GetSnapshot,
    SnapshotOffer,
)
from network.offences import Offence
from network.sync_state import SyncConfig, SyncState, SyncTimer
from network.trace import ChunkRefused, SnapshotStarted
from network.transfer_state import Asked, TransferState, split_part, storage_part
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import NOTHING, CancelTimer, Effect, Emit, Send, SetTimer

MICROSECOND = 1_000
"""In ns."""


BRIDGED_MIN = 64
"""Blocks for which heights are not believed again, once there was no state to go with them."""


class OfferFetched(Effect, frozen=True, gc=False):
    """A peer offers a state; node verifies what proves it and answers `offer_checked`."""

    request: int
    height: int
    digest: Hash32
    manifest: bytes


class ChunkFetched(Effect, frozen=True, gc=False):
    """A chunk has come; node verifies it against the state root and answers `chunk_checked`."""

    request: int
    digest: Hash32
    prefix: str
    chunk: Chunk


class ChunksWhole(Effect, frozen=True, gc=False):
    """All accounts are there and verified; node adopts the state and answers `ended`."""

    digest: Hash32


class Transfer:
    """The part of the sync core of one node that fetches a state.

    Args:
        config: limits and delays.
        peers: what sync knows about peers; shared with it.
        go_on: goes on with blocks where no state is needed.
    """

    __slots__ = (
        "_bridged_at",
        "_bridged_until",
        "_config",
        "_go_on",
        "_peers",
        "_refused_at",
        "is_active",
        "state",
    )

    def __init__(
        self, config: SyncConfig, peers: SyncState, go_on: Callable[[Instant], list[Effect]]
    ) -> None:
        self._bridged_at = self._bridged_until = -1
        self._config = config
        self._go_on = go_on
        self._peers = peers
        self._refused_at = -1
        self.is_active = False
        """Whether a state is being fetched; no blocks are asked for meanwhile."""
        self.state = TransferState()

    def may_start(self) -> bool:
        """Whether an attempt from this head has not failed yet."""
        return self._peers.head > self._refused_at

    def may_leap(self) -> bool:
        """Whether heights alone are a reason: no state near the head was found lately."""
        return self._peers.head >= self._bridged_until

    def retry(self) -> None:
        """Let a failed attempt be repeated: time has passed."""
        self._refused_at = -1

    def configure(self, config: SyncConfig) -> None:
        """Go on with other limits."""
        self._config = config

    def start(self, now: Instant) -> list[Effect]:
        """Ask peers that are ahead, and were not asked lately, what they can give."""
        self.is_active = True
        # A chunk does not say what it is a chunk of: none may be taken for one that an earlier
        # life of this node had asked for, so numbers of requests are not those of before.
        self._peers.request_last = max(self._peers.request_last, now // MICROSECOND)
        old, self.state = self.state, TransferState()
        self.state.alarm, self.state.held = old.alarm, old.held
        self.state.questioned = old.questioned
        peers = self._peers
        ahead = [
            peer
            for peer, height in peers.heights.items()
            if height > peers.head and peer not in old.questioned
        ]
        ahead = peers.book.ranked(now, ahead)
        effects: list[Effect] = []
        for peer in ahead[: self._config.offers_max]:
            number = self._number()
            self.state.questioned[peer] = None
            self.state.offers[number] = self._asked(now, peer)
            effects.append(Send(peer, GetSnapshot(number, peers.epoch)))
        if not effects:
            return self.ended(failed=True)
        return effects + self._alarm(now)

    # ---------------------------------------------------------------- offers

    def on_snapshot_offer(
        self, now: Instant, sender: NodeId, message: SnapshotOffer
    ) -> Sequence[Effect]:
        """Have an offer verified that leads further than the node's head."""
        asked = self.state.offers.get(message.request)
        if asked is None or asked.peer != sender:
            return self._peers.book.count(now, sender, Offence.UNASKED)
        del self.state.offers[message.request]
        if message.height <= self._peers.head:
            return self._choose(now)
        self.state.verifying[message.request] = sender
        digest = Hash32(message.digest)
        fetched = OfferFetched(message.request, message.height, digest, message.manifest)
        return [fetched, *self._alarm(now)]

    def offer_checked(
        self, now: Instant, request: int, height: int, digest: Hash32, offence: str = ""
    ) -> Sequence[Effect]:
        """Take note of a proven offer, or of a lie."""
        peer = self.state.verifying.pop(request, None)
        if peer is None:
            return NOTHING
        effects: list[Effect] = []
        if offence:
            effects += self._peers.convict(now, peer, Offence.FALSE_OFFER)
            effects.append(Emit(ChunkRefused(peer, "offer", offence)))
        else:
            self.state.proven[peer] = (height, digest)
        return [*effects, *self._choose(now)]

    def _choose(self, now: Instant) -> list[Effect]:
        """Begin with the highest offer once all peers have answered or had their time."""
        state = self.state
        if state.offers or state.verifying or state.digest is not None:
            return self._alarm(now)
        above = [offer for offer in state.proven.values() if offer[0] > self._peers.head]
        if not above:
            return self.start(now)
        if self._is_bridged(max(above)[0]):
            self._bridged_at = self._peers.head
            self._bridged_until = max(max(above)[0], self._bridged_at + BRIDGED_MIN)
            return [*self.ended(), *self._go_on(now)]
        state.questioned = {}
        state.height, state.digest = max(above)
        state.wanted = [""]
        started = Emit(SnapshotStarted(self._peers.head, state.height, state.digest))
        return [started, *self._ask(now)]

    def _is_bridged(self, height: int) -> bool:
        """Tell whether blocks lead to a height, as far as was not tried from this head already."""
        peers = self._peers
        near = height - peers.head <= self._config.snapshot_gap
        return near and peers.head > self._bridged_at and peers.is_held(peers.head + 1)

    # ---------------------------------------------------------------- chunks

    def on_chunk(self, now: Instant, sender: NodeId, message: Chunk) -> Sequence[Effect]:
        """Have a chunk verified, or split it, or look elsewhere."""
        state = self.state
        asked = state.chunks.get(message.request)
        if asked is None or asked.peer != sender or state.digest is None:
            return self._peers.book.count(now, sender, Offence.UNASKED)
        del state.chunks[message.request]
        if message.content is Content.GONE:
            state.gone[sender] = None
            state.wanted.append(asked.prefix)
            return self._ask(now)
        if message.content is Content.SPLIT:
            return self._split(now, asked)
        state.checking[message.request] = asked
        fetched = ChunkFetched(message.request, state.digest, asked.prefix, message)
        return [fetched, *self._ask(now)]

    def chunk_checked(
        self,
        now: Instant,
        request: int,
        count: int,
        reference: bytes,
        offence: str = "",
        storages: Sequence[bytes] = (),
    ) -> Sequence[Effect]:
        """Take note of a verified chunk, or of a lie.

        Args:
            now: the time of the turn.
            request: as `ChunkFetched` had it.
            count: its weight.
            reference: of the subtree that it is.
            offence: what is wrong with it; empty if nothing is.
            storages: hashed addresses of accounts in it whose slots are to be asked for.
        """
        state = self.state
        asked = state.checking.pop(request, None)
        if asked is None:
            return NOTHING
        if not offence:
            state.held[asked.prefix] = reference
            for part in map(storage_part, reversed(storages)):
                state.wanted.append(part)
                state.deferred[part] = asked.peer
            return [*self._counted(now, asked.prefix, count), *self._ask(now)]
        scored = self._convict(now, asked.peer, Offence.FALSE_CHUNK)
        state.wanted.append(asked.prefix)
        refused = Emit(ChunkRefused(asked.peer, asked.prefix, offence))
        return [*scored, refused, *self._ask(now)]

    def _convict(self, now: Instant, peer: NodeId, offence: Offence) -> list[Effect]:
        """Never ask a peer again, and ask others for what it was asked for."""
        state = self.state
        for number in [n for n, asked in state.chunks.items() if asked.peer == peer]:
            state.wanted.append(state.chunks.pop(number).prefix)
        return [*self._peers.convict(now, peer, offence)]

    def _counted(self, now: Instant, prefix: str, count: int) -> list[Effect]:
        """Note what a part weighs; convict who has split or put off what would have fitted.

        All nodes that hold a state split the same prefixes of it, so no accident explains it.
        """
        state = self.state
        state.counts[prefix] = count
        effects: list[Effect] = []
        while prefix and (parent := prefix[:-1]) in state.splits:
            below = [state.counts.get(f"{parent}{nibble:x}") for nibble in range(16)]
            known = [number for number in below if number is not None]
            if len(known) < len(below):
                break
            prefix, count = parent, sum(known)
            state.counts[prefix] = count
            if count <= CHUNK_ACCOUNTS:
                effects += self._convict(now, state.splits[prefix], Offence.NEEDLESS_SPLIT)
        if count <= CHUNK_ACCOUNTS and prefix in state.deferred:
            effects += self._convict(now, state.deferred[prefix], Offence.NEEDLESS_SPLIT)
        return effects

    def _split(self, now: Instant, asked: Asked) -> list[Effect]:
        state = self.state
        if len(split_part(asked.prefix)[1]) >= PREFIX_NIBBLES_MAX:
            scored = self._convict(now, asked.peer, Offence.ENDLESS_SPLIT)
            state.wanted.append(asked.prefix)
            return [*scored, *self._ask(now)]
        state.splits[asked.prefix] = asked.peer
        state.wanted += [f"{asked.prefix}{nibble:x}" for nibble in reversed(range(16))]
        return self._ask(now)

    def _ask(self, now: Instant) -> list[Effect]:
        """Ask for what is missing, of whoever has the least to do and failed least."""
        state, config = self.state, self._config
        effects: list[Effect] = []
        while state.wanted and len(state.chunks) < config.chunks_max:
            servers = self._servers()
            if not servers and not state.chunks and not state.checking:
                # Nobody holds this state any more: a newer one is asked for.
                return [*effects, *self.start(now)]
            busy: dict[NodeId, int] = {}
            for open_request in state.chunks.values():
                busy[open_request.peer] = busy.get(open_request.peer, 0) + 1
            free = [peer for peer in servers if busy.get(peer, 0) < config.chunks_per_peer]
            if not free:
                break
            book = self._peers.book
            peer = min(free, key=lambda p: (-book.score(now, p), busy.get(p, 0)))
            number, prefix = self._number(), state.wanted.pop()
            state.chunks[number] = self._asked(now, peer, prefix)
            assert state.digest is not None, "chunks are asked for once a state is chosen"
            account, below = split_part(prefix)
            nibbles = bytes([int(nibble, 16) for nibble in below])
            held = state.held.get(prefix, b"")
            effects.append(Send(peer, GetChunk(number, state.digest, nibbles, held, account)))
        if not state.wanted and not state.chunks and not state.checking:
            assert state.digest is not None, "a state is chosen before it can be whole"
            effects.append(ChunksWhole(state.digest))
        return effects + self._alarm(now)

    def _servers(self) -> list[NodeId]:
        """Return the peers that may hold the state."""
        state, peers = self.state, self._peers
        return [
            peer
            for peer, height in peers.heights.items()
            if height >= state.height and peer not in state.gone
        ]

    # ---------------------------------------------------------------- time and end

    def on_transfer_timeout(self, now: Instant) -> Sequence[Effect]:
        """Look elsewhere for what silent peers were asked for."""
        state = self.state
        state.alarm = None
        if not self.is_active:
            return NOTHING
        effects: list[Effect] = []
        for number in [n for n, asked in state.offers.items() if asked.due <= now]:
            effects += self._peers.distrust(now, state.offers.pop(number).peer, Offence.SILENCE)
        if state.digest is None:
            return [*effects, *self._choose(now)]
        for number in [n for n, asked in state.chunks.items() if asked.due <= now]:
            asked = state.chunks.pop(number)
            effects += self._peers.book.count(now, asked.peer, Offence.SILENCE)
            state.gone[asked.peer] = None
            state.wanted.append(asked.prefix)
        return [*effects, *self._ask(now)]

    def ended(self, *, failed: bool = False) -> list[Effect]:
        """Forget the transfer: the state is adopted or of no use, or nobody could give one."""
        self.is_active = False
        if failed:
            self._refused_at = self._peers.head
            self._bridged_until = self._peers.head + BRIDGED_MIN
        armed = self.state.alarm is not None
        self.state = TransferState()
        return [CancelTimer(SyncTimer.TRANSFER)] if armed else []

    def overtaken(self, height: int) -> list[Effect]:
        """End it if the node has reached the height of the state by itself."""
        if not self.is_active or self.state.digest is None or height < self.state.height:
            return []
        return self.ended()

    def _number(self) -> int:
        self._peers.request_last += 1
        return self._peers.request_last

    def _asked(self, now: Instant, peer: NodeId, prefix: str = "") -> Asked:
        return Asked(peer, Instant(now + self._config.request_timeout), prefix)

    def _alarm(self, now: Instant) -> list[Effect]:
        """Set the timer to when the first of the open requests is due."""
        state = self.state
        open_requests = (*state.offers.values(), *state.chunks.values())
        due = min((asked.due for asked in open_requests), default=None)
        if due == state.alarm:
            return []
        state.alarm = due
        if due is None:
            return [CancelTimer(SyncTimer.TRANSFER)]
        return [SetTimer(SyncTimer.TRANSFER, Duration(max(0, due - now)))]
