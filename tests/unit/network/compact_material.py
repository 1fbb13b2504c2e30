"""Blocks, pools and a layout for tests of compact blocks, with a pair of names that collide."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

import msgspec

from network.compact.form import BlockParts, make_form
from network.compact.messages import CompactForm
from network.compact.relay import CompactRelay
from network.compact.state import CompactConfig
from primitives.errors import InvalidEncoding
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import Effect, Message, Send
from tests.unit.network.books import Book

ALICE, BOB, CAROL, DAVE = NodeId(1), NodeId(2), NodeId(3), NodeId(4)
NOW = Instant(0)
SECOND = 1_000_000_000
NONCE = bytes(8)
HEADER = b"a header"
CONFIG = CompactConfig(request_timeout=Duration(SECOND))


def transaction(number: int) -> bytes:
    return b"transaction %d" % number


def transaction_hash(raw: bytes) -> Hash32:
    return Hash32(sha256(raw).digest())


def hashes(transactions: Iterable[bytes]) -> list[Hash32]:
    return [transaction_hash(raw) for raw in transactions]


class Layout:
    """Headers of any form; each is said beforehand to commit to some body."""

    def __init__(self, *blocks: BlockParts) -> None:
        self.bodies = {block.header: (block.transactions, block.rest) for block in blocks}

    def split(self, payload: bytes) -> BlockParts:
        try:
            return msgspec.msgpack.decode(payload, type=BlockParts)
        except msgspec.DecodeError as error:
            raise InvalidEncoding("block", "a block", payload) from error

    def join(self, parts: BlockParts) -> bytes:
        return msgspec.msgpack.encode(parts)

    def digest(self, header: bytes) -> Hash32:
        if not header:
            raise InvalidEncoding("header", "a header", "nothing")
        return Hash32(sha256(header).digest())

    def commits(self, parts: BlockParts) -> bool:
        return self.bodies.get(parts.header) == (parts.transactions, parts.rest)

    def transaction_hash(self, raw: bytes) -> Hash32:
        return transaction_hash(raw)


class Pool:
    """A `TransactionPool`."""

    def __init__(self, transactions: Iterable[bytes] = ()) -> None:
        self.held = {transaction_hash(raw): raw for raw in transactions}

    def __len__(self) -> int:
        return len(self.held)

    def hashes(self) -> Iterable[Hash32]:
        return self.held.keys()

    def get(self, transaction: Hash32) -> bytes | None:
        return self.held.get(transaction)


def block(numbers: Iterable[int], header: bytes = HEADER, rest: bytes = b"rest") -> BlockParts:
    return BlockParts(header, tuple(transaction(number) for number in numbers), rest)


def payload(parts: BlockParts) -> bytes:
    return msgspec.msgpack.encode(parts)


def digest(parts: BlockParts) -> Hash32:
    return Hash32(sha256(parts.header).digest())


def form(parts: BlockParts, *lacking: int, nonce: bytes = NONCE) -> CompactForm:
    missing = set(hashes(transaction(number) for number in lacking))
    return make_form(parts, hashes(parts.transactions), nonce, missing)


def relay(
    parts: BlockParts,
    pool: Iterable[bytes] = (),
    config: CompactConfig = CONFIG,
    book: Book | None = None,
) -> CompactRelay:
    """Return the core of a node whose layout knows the body of one block."""
    return CompactRelay(config, Layout(parts), Pool(pool), book or Book(), lambda *_: True)


def publish(core: CompactRelay, parts: BlockParts, *, certificate: bytes = b"") -> Sequence[Effect]:
    names = hashes(parts.transactions)
    return core.publish(NOW, digest(parts), parts, payload(parts), names, NONCE, certificate)


def sent(effects: Sequence[Effect]) -> list[tuple[NodeId, Message]]:
    return [(effect.to, effect.message) for effect in effects if isinstance(effect, Send)]


def message_to(effects: Sequence[Effect], peer: NodeId) -> Message:
    (message,) = [message for to, message in sent(effects) if to == peer]
    return message
