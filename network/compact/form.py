"""Makes a block compact, and reads a compact form with all that can be wrong about it.

What a peer surely lacks is sent at once, because asking for it costs a round trip: transactions
that this node itself had to fetch, or has told nobody of yet. But whatever is sent needlessly is
sent to everybody, so no more than `PREFILL_BYTES` are.

Two transactions of one block may have the same short id. The sender is the one who can see that
without asking anybody: it sends both in full, if there is room.

Reference: BIP 152, "Implementation Notes".
"""

from collections.abc import Container, Sequence

import msgspec

from network.compact.indexes import from_differences, to_differences
from network.compact.messages import TRANSACTIONS_MAX, CompactForm
from network.compact.short_ids import (
    SHORT_ID_BYTES,
    pack_ids,
    short_id_key,
    short_ids,
    unpack_ids,
)
from primitives.errors import InvalidEncoding, InvalidInput

PREFILL_BYTES = 10_000
"""Most bytes of prefilled transactions that a sender puts into a compact block."""

NOBODY_LACKS: frozenset[bytes] = frozenset()


class BlockParts(msgspec.Struct, frozen=True, gc=False):
    """A block as network sees it."""

    header: bytes
    transactions: tuple[bytes, ...]
    """Canonical encodings, in the order of the block."""
    rest: bytes = b""
    """Whatever else belongs to the block."""


class ReadForm(msgspec.Struct, frozen=True, gc=False):
    """A compact form that keeps all rules."""

    key: bytes
    """Of its short ids."""
    count: int
    """Transactions of the block."""
    ids: dict[int, int]
    """Short id by place, in ascending order, of what is not prefilled."""
    prefilled: dict[int, bytes]
    """Transaction by place."""


def make_form(
    parts: BlockParts,
    hashes: Sequence[bytes],
    nonce: bytes,
    lacking: Container[bytes] = NOBODY_LACKS,
    prefill_bytes: int = PREFILL_BYTES,
) -> CompactForm:
    """Return the compact form of a block.

    Args:
        parts: the block.
        hashes: of its transactions, in their order.
        nonce: `NONCE_BYTES`; drawn for this block, the same for all peers. With the nonce of
            another block its sender would tell how to search for collisions beforehand.
        lacking: hashes of transactions that peers probably do not hold.
        prefill_bytes: most bytes of transactions to prefill.

    Raises:
        InvalidInput: more than `TRANSACTIONS_MAX` transactions.
    """
    count = len(parts.transactions)
    if count > TRANSACTIONS_MAX:
        expected = f"at most {TRANSACTIONS_MAX} transactions"
        raise InvalidInput("compact.transactions", expected, count)
    ids = short_ids(short_id_key(parts.header, nonce), hashes)
    sizes = [len(transaction) for transaction in parts.transactions]
    chosen = choose_prefilled(sizes, ids, hashes, lacking, prefill_bytes)
    inside = frozenset(chosen)
    return CompactForm(
        parts.header,
        nonce,
        pack_ids([each for place, each in enumerate(ids) if place not in inside]),
        tuple(
            [
                (difference, parts.transactions[place])
                for difference, place in zip(to_differences(chosen), chosen, strict=True)
            ]
        ),
        parts.rest,
    )


def choose_prefilled(
    sizes: Sequence[int],
    ids: Sequence[int],
    hashes: Sequence[bytes],
    lacking: Container[bytes],
    bytes_max: int = PREFILL_BYTES,
) -> list[int]:
    """Return the places of the transactions to send in full, ascending.

    Those with the same short id come first, then what peers probably lack, in the order of the
    block; what does not fit any more is passed over.

    Args:
        sizes: of the transactions in bytes.
        ids: their short ids.
        hashes: their hashes.
        lacking: hashes of those that peers probably do not hold.
        bytes_max: most bytes of all that is chosen.
    """
    first: dict[int, int] = {}
    doubled: dict[int, None] = {}
    for place, short in enumerate(ids):
        if first.setdefault(short, place) != place:
            doubled |= {first[short]: None, place: None}
    wished = [*doubled, *(place for place, each in enumerate(hashes) if each in lacking)]
    chosen: dict[int, None] = {}
    room = bytes_max
    for place in wished:
        if place not in chosen and sizes[place] <= room:
            chosen[place] = None
            room -= sizes[place]
    return sorted(chosen)


def read_form(form: CompactForm) -> ReadForm:
    """Return what a compact form says.

    Raises:
        InvalidEncoding: ids that are cut off, more transactions than an index can name, or a
            prefilled transaction beyond the block or without content.
    """
    if len(form.ids) % SHORT_ID_BYTES:
        expected = f"a multiple of {SHORT_ID_BYTES} bytes"
        raise InvalidEncoding("compact.ids", expected, f"{len(form.ids)} bytes")
    ids = unpack_ids(form.ids)
    count = len(ids) + len(form.prefilled)
    if count > TRANSACTIONS_MAX:
        expected = f"at most {TRANSACTIONS_MAX} transactions"
        raise InvalidEncoding("compact.transactions", expected, count)
    differences = [difference for difference, _ in form.prefilled]
    places = from_differences(differences, count, "compact.prefilled")
    prefilled = dict(zip(places, [raw for _, raw in form.prefilled], strict=True))
    if not all(prefilled.values()):
        raise InvalidEncoding("compact.prefilled", "transactions", "one without content")
    vacant = [place for place in range(count) if place not in prefilled]
    key = short_id_key(form.header, form.nonce)
    return ReadForm(key, count, dict(zip(vacant, ids, strict=True)), prefilled)
