"""What nodes say to one another about transactions and certified blocks.

Consensus has messages of its own. The ones here carry opaque bytes: transactions in their
canonical (EIP-2718) encoding, blocks as payloads, certificates as their canonical encoding.
Network never looks inside; node hands in what must be known about them.

A request carries a number that its answer repeats. An answer that nobody asked for is then
recognised without remembering what was sent long ago.

A body of many tiny elements becomes objects of up to seventeen times its length. So where bodies
may be long, the number of elements is limited too, and a decoder refuses it before it makes any.

Reference: devp2p `eth/68` (announcement with types and sizes, request ids).
"""

from enum import IntEnum
from typing import Annotated

import msgspec

from primitives.errors import InvalidEncoding
from primitives.machine import Message

HASHES_PER_ANNOUNCEMENT = 4096
"""Most transactions in one `AnnounceTransactions`; eth's soft limit."""

HASHES_PER_REQUEST = 256
"""Most transactions in one `GetTransactions`; eth's limit."""

BLOCKS_PER_REQUEST = 64
"""Most blocks in one `GetBlocks`."""

PREFIX_NIBBLES_MAX = 64
"""Longest prefix of a `GetChunk`: a whole hash. Two heavy accounts, or very many slots, may share
any shorter one, because somebody has searched for such a pair; then it has to be split."""

CHUNK_ACCOUNTS = 1_024
"""Greatest weight of a chunk (`node.snapshot_chunks`): an account or a slot weighs 1, its code by
its length. More is split, less never: it is part of the protocol. An account with more slots than
that comes without them, one with fewer never. Only a single account may weigh more, by its code."""

Digest = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
"""A 32-byte hash, checked when a message is decoded."""

Natural = Annotated[int, msgspec.Meta(ge=0, le=(1 << 53) - 1)]
"""A height, count, size or request number, exact in every reader; checked when decoded."""


class AnnounceTransactions(Message, frozen=True, gc=False):
    """The sender holds these transactions and will give them away for some time.

    The three fields describe the same transactions, position by position.
    """

    core = "gossip"

    types: bytes
    """One byte for each: its EIP-2718 type, 0 for legacy."""
    sizes: Annotated[tuple[Natural, ...], msgspec.Meta(max_length=HASHES_PER_ANNOUNCEMENT)]
    """Length of each encoding in bytes."""
    hashes: Annotated[tuple[Digest, ...], msgspec.Meta(max_length=HASHES_PER_ANNOUNCEMENT)]
    """keccak-256 of each encoding."""


class GetTransactions(Message, frozen=True, gc=False):
    """Asks for the bodies of announced transactions."""

    core = "gossip"

    request: Natural
    hashes: Annotated[tuple[Digest, ...], msgspec.Meta(max_length=HASHES_PER_REQUEST)]


class PooledTransactions(Message, frozen=True, gc=False):
    """Answers `GetTransactions`: those that the sender still holds, in the order asked for.

    The sender may stop early to keep the answer small. It then sends at least one.
    """

    core = "gossip"

    request: Natural
    transactions: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=HASHES_PER_REQUEST)]


class AnnounceBlock(Message, frozen=True, gc=False):
    """The sender has adopted the block `digest` of this height, and holds all below it."""

    core = "sync"

    height: Natural
    digest: Digest


class GetBlocks(Message, frozen=True, gc=False):
    """Asks for certified blocks of consecutive heights, from `first` upward."""

    core = "sync"

    request: Natural
    first: Natural
    count: Natural


class CertifiedBlock(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A decided block and what proves it."""

    payload: bytes
    """The block as consensus carried it."""
    certificate: bytes
    """Canonical encoding of its commit certificate."""


class CertifiedBlocks(Message, frozen=True, gc=False):
    """Answers `GetBlocks`: consecutive heights from the first one asked for, maybe fewer.

    Empty when the sender does not hold the first.
    """

    core = "sync"

    request: Natural
    blocks: Annotated[tuple[CertifiedBlock, ...], msgspec.Meta(max_length=BLOCKS_PER_REQUEST)]
    lowest: Natural = 1
    """First height whose block the sender still holds."""


class GetStatus(Message, frozen=True, gc=False):
    """Asks a peer for the highest block that it has adopted."""

    core = "sync"


class Status(Message, frozen=True, gc=False):
    """Answers `GetStatus`."""

    core = "sync"

    height: Natural
    digest: Digest
    lowest: Natural = 1
    """First height whose block the sender still holds."""


class GetSnapshot(Message, frozen=True, gc=False):
    """Asks which state the receiver can give away."""

    core = "sync"

    request: Natural
    epoch: Natural
    """The last epoch whose committee the asker knows."""


class SnapshotOffer(Message, frozen=True, gc=False):
    """Answers `GetSnapshot` with the sender's newest; height 0 when it has none."""

    core = "sync"

    request: Natural
    height: Natural
    digest: Digest
    """Of the block after which the state is."""
    manifest: bytes
    """What proves it, in the form that nodes agree on."""


class GetChunk(Message, frozen=True, gc=False):
    """Asks for the accounts of a snapshot whose hashed address begins with some nibbles.

    Or for the slots of one account, if it has too many to stand beside it, whose hash does.
    """

    core = "sync"

    request: Natural
    digest: Digest
    """Of the snapshot's block."""
    prefix: Annotated[bytes, msgspec.Meta(max_length=PREFIX_NIBBLES_MAX)]
    """One nibble in each byte."""
    held: Annotated[bytes, msgspec.Meta(max_length=33)]
    """Reference of this part of an older snapshot, which need not be sent again if it is still
    the same; empty for none."""
    account: Annotated[bytes, msgspec.Meta(max_length=32)] = b""
    """Hash of the address whose slots are meant; empty for accounts."""


_UP_TO_A_CHUNK = msgspec.Meta(max_length=CHUNK_ACCOUNTS)


class Content(IntEnum):
    """What a `Chunk` holds."""

    GONE = 0
    """Nothing: the sender does not hold this snapshot, or not any more."""
    WHOLE = 1
    """All accounts below the prefix."""
    SPLIT = 2
    """Nothing: they are too much for one chunk. Longer prefixes are to be asked for."""
    UNCHANGED = 3
    """The proof only: the accounts are those that the asker holds."""


class Chunk(Message, frozen=True, gc=False):
    """Answers `GetChunk`."""

    core = "sync"

    request: Natural
    content: Content
    accounts: Annotated[tuple[tuple[bytes, bytes], ...], _UP_TO_A_CHUNK]
    """(address, slim account), by ascending hashed address."""
    way: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=PREFIX_NIBBLES_MAX + 1)]
    """Encoded nodes of the trie, of accounts or of slots, from the root to the prefix."""
    contracts: Annotated[
        tuple[tuple[bytes, bytes, tuple[tuple[bytes, bytes], ...]], ...], _UP_TO_A_CHUNK
    ] = ()
    """(address, code, ((slot, value), ...)) of those accounts that have code or storage, in their
    order. An account with too many slots is here without them; they are to be asked for."""
    slots: Annotated[tuple[tuple[bytes, bytes], ...], _UP_TO_A_CHUNK] = ()
    """(slot, value) of the account that was asked for."""

    def __post_init__(self) -> None:
        """Refuse more slots beside accounts than a chunk may have: each is small, and costs.

        Raises:
            InvalidEncoding: there are more.
        """
        beside = sum([len(rows) for _, _, rows in self.contracts])
        if beside > CHUNK_ACCOUNTS:
            raise InvalidEncoding("Chunk.contracts", f"at most {CHUNK_ACCOUNTS} slots", beside)


LIMITS: dict[type[Message], int] = {
    AnnounceTransactions: 192 * 1024,
    GetTransactions: 16 * 1024,
    PooledTransactions: 9 * 1024 * 1024,
    AnnounceBlock: 128,
    GetBlocks: 128,
    CertifiedBlocks: 12 * 1024 * 1024,
    GetStatus: 128,
    Status: 128,
    GetSnapshot: 32,
    SnapshotOffer: 4 * 1024 * 1024,
    GetChunk: 256,
    Chunk: 4 * 1024 * 1024,
}
"""Longest body of each kind in bytes; a frame that claims more is refused unread."""
