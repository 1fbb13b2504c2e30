"""What nodes say to one another about blocks whose transactions the other may hold.

Network never looks inside a block. It knows three parts of one: a header, which commits to all;
the transactions; and the rest, which is short.

Indexes are differential (`network.compact.indexes`). A body is the one canonical encoding of its
message (`network.codec`), so every integer is in its shortest form.

Reference: BIP 152. Differences from it: the header is as long as it is; ids are of the hash that
Ethereum gives a transaction; requests carry numbers, as the other messages of this package do;
and an answer says plainly that the block is not held any more.
"""

from typing import Annotated

import msgspec

from network.compact.short_ids import NONCE_BYTES, SHORT_ID_BYTES
from network.messages import Digest, Natural
from primitives.machine import Message

COMPACT_VERSION = 1
"""Of the short ids and of the messages here."""

TRANSACTIONS_MAX = 1 << 16
"""Most transactions of a block that is sent compact: an index has 16 bits, as in BIP 152."""

Index = Annotated[int, msgspec.Meta(ge=0, le=TRANSACTIONS_MAX - 1)]
"""A place in a block, or the distance between two."""


class CompactForm(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A block, with short ids in place of most of its transactions.

    `network.compact.form.read_form` checks what the types here cannot say.
    """

    header: bytes
    """As its hash is taken of."""
    nonce: Annotated[bytes, msgspec.Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]
    ids: Annotated[bytes, msgspec.Meta(max_length=SHORT_ID_BYTES * TRANSACTIONS_MAX)]
    """One short id after another for the transactions that are not prefilled, in their order."""
    prefilled: Annotated[tuple[tuple[Index, bytes], ...], msgspec.Meta(max_length=TRANSACTIONS_MAX)]
    """(differential index, encoding) of each transaction that stands here as it is."""
    rest: bytes
    """What else the block consists of, as node encodes it."""


class SendCompact(Message, frozen=True, gc=False):
    """The sender understands compact blocks of `version`, and says how it likes to get them."""

    core = "compact"

    high: bool
    """Unasked, as soon as the receiver has a block (high bandwidth); or after an announcement,
    for the asking (low bandwidth)."""
    version: Natural = COMPACT_VERSION


class GetCompactBlock(Message, frozen=True, gc=False):
    """Asks for an announced block in its compact form."""

    core = "compact"

    request: Natural
    digest: Digest


class CompactBlock(Message, frozen=True, gc=False):
    """A block in its compact form, pushed or asked for."""

    core = "compact"

    request: Natural
    """Of the `GetCompactBlock` that this answers; 0 for a block that is pushed."""
    form: CompactForm
    certificate: bytes = b""
    """What proves that the block is decided, if it is; opaque here."""


class GetBlockTransactions(Message, frozen=True, gc=False):
    """Asks for transactions of a block by their places in it."""

    core = "compact"

    request: Natural
    digest: Digest
    indexes: Annotated[tuple[Index, ...], msgspec.Meta(min_length=1, max_length=TRANSACTIONS_MAX)]
    """Differential."""


class BlockTransactions(Message, frozen=True, gc=False):
    """Answers `GetBlockTransactions`: exactly those asked for, in the order of the block.

    Empty when the sender does not hold the block any more.
    """

    core = "compact"

    request: Natural
    transactions: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=TRANSACTIONS_MAX)]


class GetWholeBlock(Message, frozen=True, gc=False):
    """Asks for a block as it is."""

    core = "compact"

    request: Natural
    digest: Digest


class WholeBlock(Message, frozen=True, gc=False):
    """Answers `GetWholeBlock`; also `GetCompactBlock`, for a block with too many transactions.

    Empty when the sender does not hold the block any more.
    """

    core = "compact"

    request: Natural
    payload: bytes
    certificate: bytes = b""


LIMITS: dict[type[Message], int] = {
    SendCompact: 32,
    GetCompactBlock: 128,
    CompactBlock: 1024 * 1024,
    GetBlockTransactions: 3 * TRANSACTIONS_MAX // 2,
    BlockTransactions: 9 * 1024 * 1024,
    GetWholeBlock: 128,
    WholeBlock: 12 * 1024 * 1024,
}
"""Longest body of each kind in bytes; a frame that claims more is refused unread."""
