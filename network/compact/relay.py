"""The compact block core of one node: receives, rebuilds, and passes blocks on.

How node uses it:

- It hands messages of `LIMITS` to `on_message` and firings of `CompactTimer` to
  `on_request_timeout`, and calls `connected` and `disconnected`.
- A block that it has built, or whose `BlockRebuilt` it has found good, it gives to `publish`: from
  then on peers may ask for parts of it. That comes before the proposal leaves that carries its
  form (`server.form`), and for a rebuilt block `lacking` are the transactions that had to be
  fetched. A header that is worth passing on is enough; BIP 152 lets nodes pass on a block
  before they have executed it.
- A form that came in a proposal it gives to `receiver.begin`, an announcement to `receiver.want`.
- `BlockRebuilt` brings the block, `BlockLost` says that it has to come in another way.

What is executed, certified or adopted is not known here.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from network.compact.draft import TransactionPool
from network.compact.form import NOBODY_LACKS, BlockParts
from network.compact.messages import (
    BlockTransactions,
    CompactBlock,
    GetBlockTransactions,
    GetCompactBlock,
    GetWholeBlock,
    SendCompact,
    WholeBlock,
)
from network.compact.modes import BandwidthModes
from network.compact.receiver import BlockReceiver
from network.compact.server import BlockServer
from network.compact.state import BlockLayout, CompactConfig, Savings, Welcome
from network.offences import PeerBook
from primitives.ids import Hash32, Instant, NodeId
from primitives.machine import Effect, Message

Handler = Callable[[Instant, NodeId, Any], Sequence[Effect]]


class CompactRelay:
    """Receiver, server and bandwidth modes of one node.

    Args:
        config: limits and delays.
        layout: takes blocks apart and checks what their headers commit to.
        pool: the transactions that a node holds.
        book: notes what peers do wrong, and says whom to prefer.
        welcome: tells from sender, header and certificate whether a pushed block is worth the pass
            over the pool that rebuilding takes.
    """

    __slots__ = ("_handlers", "modes", "receiver", "server")

    def __init__(
        self,
        config: CompactConfig,
        layout: BlockLayout,
        pool: TransactionPool,
        book: PeerBook,
        welcome: Welcome,
    ) -> None:
        self.modes = BandwidthModes(config.high_bandwidth_max)
        self.server = BlockServer(config, book)
        self.receiver = BlockReceiver(
            config, layout, pool, book, self.modes, self.server.held, welcome
        )
        handlers: dict[type[Message], Handler] = {
            SendCompact: self.on_send_compact,
            GetCompactBlock: self.server.on_get_compact_block,
            CompactBlock: self.receiver.on_compact_block,
            GetBlockTransactions: self.server.on_get_block_transactions,
            BlockTransactions: self.receiver.on_block_transactions,
            GetWholeBlock: self.server.on_get_whole_block,
            WholeBlock: self.receiver.on_whole_block,
        }
        self._handlers: Mapping[type[Message], Handler] = MappingProxyType(handlers)

    @property
    def savings(self) -> Savings:
        """What compact blocks were good for."""
        return self.receiver.state.savings

    def connected(self, peer: NodeId) -> Sequence[Effect]:
        """Tell a new peer that compact blocks are understood here."""
        return self.modes.connected(peer)

    def disconnected(self, now: Instant, peer: NodeId) -> Sequence[Effect]:
        """Do without a peer that is gone."""
        self.modes.disconnected(peer)
        return self.receiver.disconnected(now, peer)

    def publish(
        self,
        now: Instant,
        digest: Hash32,
        parts: BlockParts,
        payload: bytes,
        hashes: Sequence[bytes],
        nonce: bytes,
        certificate: bytes = b"",
        lacking: Container[bytes] = NOBODY_LACKS,
        source: NodeId | None = None,
    ) -> Sequence[Effect]:
        """Hold a block for whoever asks, and push it to those that want it pushed.

        Args:
            now: the time of the turn.
            digest: names the block.
            parts: of the block.
            payload: the block as it is.
            hashes: of its transactions, in their order.
            nonce: drawn for this block and no other.
            certificate: what proves that it is decided, if that is known already.
            lacking: hashes of transactions that peers probably do not hold.
            source: the peer that the block came from, which needs it no more.
        """
        fresh = digest not in self.server.held
        work = self.server.hold(digest, parts, payload, hashes, nonce, certificate, lacking)
        given_up = self.receiver.forget(now, digest)
        peers = [peer for peer in self.modes.pushed_to if peer != source]
        return [*given_up, *work, *(self.server.push(digest, peers) if fresh else ())]

    def on_message(self, now: Instant, sender: NodeId, message: Message) -> Sequence[Effect]:
        """Take a message of this core's `LIMITS`."""
        return self._handlers[type(message)](now, sender, message)

    def on_send_compact(
        self, now: Instant, sender: NodeId, message: SendCompact
    ) -> Sequence[Effect]:
        """Note how a peer likes to get blocks."""
        return self.modes.on_send_compact(sender, message)

    def on_request_timeout(self, now: Instant) -> Sequence[Effect]:
        """Ask others in place of those that kept silent."""
        return self.receiver.on_request_timeout(now)
