"""Passes blocks on in compact form, and gets those that peers announce or push.

Validators send their proposals that way (`node.compact_proposals`). Who only follows is told of
each decided block by its neighbours; what it has of the block already need not come again. The
core that does the work is `network.compact`. Here is what it cannot know: which blocks are
wanted, what proves them, and what becomes of a block that is whole again.

A block that somebody pushed is believed no more than one that was fetched: it goes to the sync
core, as an answer that came without a question, and takes its turn to be verified and executed.
Only then this node passes it on. Whatever does not come in compact form, sync fetches.
"""

from collections.abc import Callable, Container, Iterable, Sequence

import msgspec

from consensus.params import ConsensusParams
from network.compact import BlockLost, BlockRebuilt, CompactConfig, CompactRelay
from network.compact.form import NOBODY_LACKS
from network.compact.messages import CompactForm, SendCompact
from network.compact.short_ids import NONCE_BYTES
from network.messages import AnnounceBlock, CertifiedBlock
from network.offences import PeerBook
from network.sync import Sync
from network.sync_state import SyncConfig
from node.certificates import CertificateReader
from node.config import Environment
from node.events import PeerConnected, PeerGone
from node.execution import ExecutedBlock
from node.ledger import Ledger
from node.mempool import Mempool
from node.outlines import Outlines
from node.relay_config import RelayConfig
from primitives.errors import InvalidEncoding
from primitives.header import decode_header, header_hash
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import NOTHING, Broadcast, Effect

AHEAD_MAX = 8
"""How far above the head a block may be that comes in compact form; sync bridges more."""
COMING_MAX = 64
"""Blocks remembered as wanted, or as rebuilt and not yet passed on."""


class PoolBodies:
    """A `network.compact.TransactionPool`: what waits in a node's pool."""

    __slots__ = ("_pool",)

    def __init__(self, pool: Mempool) -> None:
        self._pool = pool

    def __len__(self) -> int:
        return len(self._pool)

    def hashes(self) -> Iterable[Hash32]:
        """Return the hashes of all of them."""
        return self._pool.hashes()

    def get(self, transaction: Hash32) -> bytes | None:
        """Return an encoding, or None when it is not held."""
        pooled = self._pool.get(transaction)
        return None if pooled is None else pooled.raw


class Coming(msgspec.Struct, gc=False):
    """A block that peers have told of, or that is here and not final yet."""

    height: int
    source: NodeId
    """Who told of it; who has brought it, once it is here."""
    lacking: tuple[Hash32, ...] = ()
    """Transactions that this node had to fetch for it."""


class Relay:
    """The part of a node that gives and gets blocks in compact form.

    Args:
        config: its choices.
        environment: what the node shares with its network.
        ledger: its blocks.
        pool: the transactions that it holds.
        sync: verifies what comes, and fetches what does not.
        scores: notes what peers do wrong.

    Raises:
        ValueError: the environment has nothing to draw nonces from.
    """

    __slots__ = (
        "_blocks",
        "_certificates",
        "_coming",
        "_draw_nonce",
        "_group",
        "_ledger",
        "_outlines",
        "_peers",
        "_sync",
        "core",
        "proposes",
    )

    def __init__(
        self,
        config: RelayConfig,
        environment: Environment,
        ledger: Ledger,
        pool: Mempool,
        sync: Sync,
        scores: PeerBook,
    ) -> None:
        if environment.draw_nonce is None:
            raise ValueError("compact blocks need an environment with draw_nonce")
        self._draw_nonce: Callable[[int], bytes] = environment.draw_nonce
        self._blocks = environment.blocks
        self._certificates: CertificateReader = environment.certificates
        self._outlines: Outlines = environment.outlines
        self._ledger = ledger
        self._sync = sync
        self._coming: dict[Hash32, Coming] = {}
        """By digest, oldest first."""
        self.core = CompactRelay(
            _limits(config.compact, environment.consensus),
            self._blocks,
            PoolBodies(pool),
            scores,
            self._is_welcome,
        )
        self._peers = config.peers
        self.proposes = config.proposes
        """Whether this node's own proposals leave in compact form."""
        self._group = SyncConfig().group
        self.core.modes.able.update(dict.fromkeys(config.peers))

    def start(self, now: Instant) -> list[Effect]:
        """Tell the neighbours of simulated links, who are there already, that a node is back.

        Those that were asked to push before it died still think that they are not.
        """
        if now == 0 or not self._peers:
            return []
        return [Broadcast(self._group, SendCompact(high=False))]

    def on_peer_connected(self, now: Instant, event: PeerConnected) -> Sequence[Effect]:
        """Tell a peer that understands compact blocks that this node does."""
        return self.core.connected(event.peer) if event.compact else NOTHING

    def on_peer_gone(self, now: Instant, event: PeerGone) -> Sequence[Effect]:
        """Ask others for what this peer was asked for."""
        return self.core.disconnected(now, event.peer)

    def is_able(self, peer: NodeId) -> bool:
        """Whether a peer understands compact blocks."""
        return peer in self.core.modes.able

    # ---------------------------------------------------------------- what it gives

    def hold(
        self,
        payload: bytes,
        digest: Hash32,
        certificate: bytes = b"",
        lacking: Container[bytes] = NOBODY_LACKS,
    ) -> Sequence[Effect]:
        """Be ready to answer for a block; return the work that it was.

        Raises:
            InvalidEncoding: the payload is no block.
        """
        held = self.core.server.held
        nonce = b"" if digest in held else self._draw_nonce(NONCE_BYTES)
        parts, hashes = self._blocks.split(payload), self._outlines.hashes(payload)
        return self.core.server.hold(digest, parts, payload, hashes, nonce, certificate, lacking)

    def form(self, digest: Hash32) -> CompactForm | None:
        """Return the compact form of a held block; None if there is none."""
        return self.core.server.form(digest)

    def payload(self, digest: Hash32) -> bytes | None:
        """Return a block that is here already, None if it is not."""
        executed = self._ledger.executed(digest)
        if executed is not None:
            return executed.payload
        held = self.core.server.held.get(digest)
        return None if held is None else held.payload

    def committed(self, now: Instant, block: ExecutedBlock, encoded: bytes) -> list[Effect]:
        """Push a block that is final now to the peers that want it so."""
        digest, core = block.digest, self.core
        known = self._coming.pop(digest, None)
        source, lacking = (None, ()) if known is None else (known.source, known.lacking)
        effects = [*core.receiver.forget(now, digest)]
        effects += self.hold(block.payload, digest, encoded, frozenset(lacking))
        peers = [peer for peer in core.modes.pushed_to if peer != source]
        return effects + core.server.push(digest, peers)

    # ---------------------------------------------------------------- what it gets

    def on_announce_block(
        self, now: Instant, sender: NodeId, message: AnnounceBlock
    ) -> Sequence[Effect]:
        """Get an announced block in compact form, if the peer has one; else as sync does."""
        height, digest = message.height, Hash32(message.digest)
        if not self.is_able(sender) or self._sync.is_liar(sender) or not self._is_next(height):
            return self._sync.on_announce_block(now, sender, message)
        if digest not in self._coming:
            self._remember(digest, Coming(height, sender))
        effects = self.core.receiver.want(now, digest, sender)
        if digest in self.core.receiver.state.rebuilds:
            return effects
        self._coming.pop(digest, None)
        return [*effects, *self._sync.on_announce_block(now, sender, message)]

    def on_block_rebuilt(self, now: Instant, effect: BlockRebuilt) -> Sequence[Effect]:
        """Let sync verify a block that is said to be decided."""
        known = self._coming.get(effect.digest)
        if known is None:
            if not effect.certificate:
                return NOTHING
            known = Coming(decode_header(self._header(effect.payload)).number, effect.peer)
            self._remember(effect.digest, known)
        known.source, known.lacking = effect.peer, effect.fetched
        if not effect.certificate:
            return self._fetch(now, effect.digest)
        block = CertifiedBlock(effect.payload, effect.certificate)
        # A certificate comes from whoever gave the form, or the whole of the block.
        return self._sync.offered(now, effect.peer, known.height, block, alone=True)

    def on_block_lost(self, now: Instant, effect: BlockLost) -> Sequence[Effect]:
        """Let sync fetch an announced block that nobody gave in compact form."""
        return self._fetch(now, effect.digest)

    def _fetch(self, now: Instant, digest: Hash32) -> Sequence[Effect]:
        """Do without the compact form of a block."""
        known = self._coming.pop(digest, None)
        if known is None:
            return NOTHING
        return self._sync.on_announce_block(now, known.source, AnnounceBlock(known.height, digest))

    def _is_welcome(self, sender: NodeId, header: bytes, encoded: bytes) -> bool:
        """Tell whether a pushed block is worth a pass over the pool.

        The votes of its certificate are checked later, before it is executed; who has pushed one
        without them costs a pass and a check, once.
        """
        if self._sync.is_liar(sender):
            return False
        try:
            read, certificate = decode_header(header), self._certificates.read(encoded)
        except InvalidEncoding:
            return False
        is_of_it = certificate.sequence == read.number and certificate.digest == header_hash(read)
        return is_of_it and self._is_next(read.number)

    def _is_next(self, height: int) -> bool:
        """Tell whether sync would fetch the block of this height, and few or none below."""
        head = self._ledger.height
        return head < height <= head + AHEAD_MAX and self._sync.would_follow(height)

    def _header(self, payload: bytes) -> bytes:
        return self._blocks.split(payload).header

    def _remember(self, digest: Hash32, coming: Coming) -> None:
        self._coming[digest] = coming
        if len(self._coming) > COMING_MAX:
            del self._coming[next(iter(self._coming))]


def _limits(chosen: CompactConfig, consensus: ConsensusParams) -> CompactConfig:
    """Return limits under which no proposal is given up before consensus gives up its primary.

    Where all that lack transactions of a block turned away from the one node that holds it, as
    too slow, no block would ever be decided: with whole blocks they would only wait for longer.
    """
    longest = consensus.request_timeout << consensus.timeout_doublings
    return msgspec.structs.replace(
        chosen,
        proposal_timeout=Duration(max(chosen.proposal_timeout, longest)),
        held_max=max(chosen.held_max, 2 * consensus.reach),
    )
