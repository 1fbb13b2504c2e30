"""The rows of `orrery bench compact`: real signed transfers in a block, and what a peer must send.

The receiver's pool has a share of the block's transactions and many others. Bytes are those of
whole frames, without compression: the compact form, and the request and answer for what is missing,
against the block as it is. Timed is the pass over the pool for each of its transactions, beside
the bare SipHash, and the whole rebuilding with the root of the body. All of it is processor time.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from statistics import median
from types import MappingProxyType
from typing import Any

from siphashc import siphash

from network.codec import Codec
from network.compact.draft import matches
from network.compact.form import BlockParts, make_form, read_form
from network.compact.messages import LIMITS, BlockTransactions, CompactBlock, WholeBlock
from network.compact.relay import CompactRelay
from network.compact.short_ids import NONCE_BYTES
from network.compact.state import BlockRebuilt, CompactConfig
from node.peer_scores import PeerScores
from primitives.block import Block, decode_block, encode_block, transactions_root
from primitives.header import decode_header, encode_header, header_hash
from primitives.ids import Hash32, Instant, NodeId
from primitives.machine import Effect, Message, Send
from primitives.transaction import transaction_hash
from sim.calibrate.material import make_material

POOLS, SHARES, ROUNDS = (1_000, 10_000, 100_000), (100, 99, 90, 50), 15
SERVER, RECEIVER = NodeId(0), NodeId(1)
NOW = Instant(0)
NANO, MILLI = 1e9, 1e3

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "pool": "pool",
        "held_percent": "held %",
        "full_bytes": "full bytes",
        "compact_bytes": "compact",
        "fetched_bytes": "fetched",
        "saved_percent": "saved %",
        "siphash_ns": "SipHash ns",
        "match_ns": "pool ns/tx",
        "rebuild_ms": "rebuild ms",
    }
)


class TransferBlocks:
    """Blocks without withdrawals or ommers. A `network.compact.BlockLayout`."""

    def split(self, payload: bytes) -> BlockParts:
        """Take a block apart."""
        block = decode_block(payload)
        return BlockParts(encode_header(block.header), block.transactions)

    def join(self, parts: BlockParts) -> bytes:
        """Put it together again."""
        return encode_block(Block(decode_header(parts.header), parts.transactions))

    def digest(self, header: bytes) -> Hash32:
        """Return the block's hash."""
        return header_hash(decode_header(header))

    def commits(self, parts: BlockParts) -> bool:
        """Tell whether the header has the root of the transactions."""
        header = decode_header(parts.header)
        return header.transactions_root == transactions_root(parts.transactions)

    def transaction_hash(self, raw: bytes) -> Hash32:
        """Return a transaction's hash."""
        return transaction_hash(raw)


class NamedPool:
    """Transactions by their hashes. A `network.compact.TransactionPool`."""

    def __init__(self, held: dict[Hash32, bytes]) -> None:
        self._held = held

    def __len__(self) -> int:
        return len(self._held)

    def hashes(self) -> Iterable[Hash32]:
        """Return all hashes."""
        return self._held.keys()

    def get(self, transaction: Hash32) -> bytes | None:
        """Return an encoding."""
        return self._held.get(transaction)


class Exchange:
    """A block that goes from one node to another; `taken` is what that took in bytes."""

    def __init__(self, parts: BlockParts, pool: NamedPool) -> None:
        layout = TransferBlocks()
        self.codec = Codec(LIMITS, LIMITS)
        self.cores = {
            node: CompactRelay(CompactConfig(), layout, held, PeerScores(), lambda *_: True)
            for node, held in ((SERVER, NamedPool({})), (RECEIVER, pool))
        }
        self.digest, self.payload = layout.digest(parts.header), layout.join(parts)
        names = [transaction_hash(raw) for raw in parts.transactions]
        nonce = bytes(NONCE_BYTES)
        self.cores[SERVER].publish(NOW, self.digest, parts, self.payload, names, nonce)
        self.taken: dict[type[Message], int] = {}
        self.rebuilt = b""

    def run(self) -> None:
        """Let the receiver rebuild the block."""
        form = self.cores[SERVER].server.form(self.digest)
        if form is None:
            raise AssertionError("expected a compact form")
        self._count(CompactBlock(0, form))
        self._perform(RECEIVER, self.cores[RECEIVER].receiver.begin(NOW, SERVER, form))
        if self.rebuilt != self.payload:
            raise AssertionError("expected the block that was sent")

    def _perform(self, node: NodeId, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, BlockRebuilt):
                self.rebuilt = effect.payload
            elif isinstance(effect, Send):
                self._count(effect.message)
                answer = self.cores[effect.to].on_message(NOW, node, effect.message)
                self._perform(effect.to, answer)

    def _count(self, message: Message) -> None:
        kind = type(message)
        self.taken[kind] = self.taken.get(kind, 0) + self.codec.size(message)


def cpu_seconds(work: Callable[[], object], rounds: int) -> float:
    """Return the median processor time of some calls."""
    took = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return median(took)


def run(pool: int, held_percent: int, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return one row.

    Args:
        pool: transactions in the receiver's pool.
        held_percent: share of the block's transactions that are among them.
        rounds: timings, of which the median is told.
    """
    block = make_material().block.block
    parts = BlockParts(encode_header(block.header), block.transactions)
    count = len(parts.transactions)
    names = [transaction_hash(raw) for raw in parts.transactions]
    spared = [place for place in range(count) if place * held_percent % 100 < held_percent]
    held = {names[place]: parts.transactions[place] for place in spared}
    strangers = range(pool - len(held))
    held |= {Hash32(sha256(b"%d" % number).digest()): b"" for number in strangers}
    view = NamedPool(held)
    exchange = Exchange(parts, view)
    exchange.run()
    compact = exchange.taken.pop(CompactBlock)
    full = exchange.codec.size(WholeBlock(1, exchange.payload))
    fetched = sum(exchange.taken.values())
    if (BlockTransactions in exchange.taken) != (len(spared) < count):
        raise AssertionError("expected a request for what is missing, and none else")
    read = read_form(make_form(parts, names, bytes(NONCE_BYTES)))
    key, ids, hashes = read.key, read.ids.values(), list(held)
    bare = cpu_seconds(lambda: [siphash(key, each) for each in hashes], rounds)
    match = cpu_seconds(lambda: matches(key, ids, hashes), rounds)
    rebuild = cpu_seconds(lambda: Exchange(parts, view).run(), rounds)
    serve = cpu_seconds(lambda: Exchange(parts, view), rounds)
    return {
        "transactions": count,
        "pool": pool,
        "held_percent": held_percent,
        "full_bytes": full,
        "compact_bytes": compact,
        "fetched_bytes": fetched,
        "saved_percent": round(100 - 100 * (compact + fetched) / full, 2),
        "siphash_ns": round(bare / pool * NANO, 1),
        "match_ns": round(match / pool * NANO, 1),
        "rebuild_ms": round((rebuild - serve) * MILLI, 3),
    }


def bench_compact() -> dict[str, Any]:
    """Blocks of transfers in compact form: bytes saved, and what rebuilding takes."""
    rows = [run(pool, SHARES[0]) for pool in POOLS]
    return {"rows": rows + [run(POOLS[1], share) for share in SHARES[1:]]}
