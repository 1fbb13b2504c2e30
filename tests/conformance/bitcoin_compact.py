"""Bitcoin's own form of compact blocks, blocks and transactions: for comparison only.

Reading is strict: integers in their shortest form, nothing left over, indexes within the block.

Reference: BIP 152; BIP 144 for transactions with witnesses.
"""

import struct
from hashlib import sha256
from typing import NamedTuple

from network.compact.form import BlockParts
from network.compact.indexes import from_differences, to_differences
from network.compact.messages import TRANSACTIONS_MAX, CompactForm
from network.compact.short_ids import NONCE_BYTES, SHORT_ID_BYTES
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32

HEADER_BYTES = 80
ROOT = slice(36, 68)
"""Where the header has the Merkle root."""
HASH_BYTES = 32


class Reader:
    """Takes bytes from the front."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        if len(self.data) - self.at < count:
            raise InvalidEncoding("bitcoin", f"{count} bytes", f"{len(self.data) - self.at}")
        self.at += count
        return self.data[self.at - count : self.at]

    def compact_size(self) -> int:
        first = self.take(1)[0]
        if first < 0xFD:
            return first
        width = 1 << (first - 0xFC)
        value = int.from_bytes(self.take(width), "little")
        if value < 0xFD or (width > 2 and value < 1 << 4 * width):
            raise InvalidEncoding("bitcoin.compact_size", "the shortest form", value)
        return value

    def text(self) -> bytes:
        return self.take(self.compact_size())

    def transaction(self) -> bytes:
        start = self.at
        self.take(4)
        inputs, has_witness = self.compact_size(), False
        if inputs == 0:
            has_witness = self.take(1) == b"\x01"
            inputs = self.compact_size()
        for _ in range(inputs):
            self.take(HASH_BYTES + 4)
            self.text()
            self.take(4)
        for _ in range(self.compact_size()):
            self.take(8)
            self.text()
        if has_witness:
            for _ in range(inputs):
                for _ in range(self.compact_size()):
                    self.text()
        self.take(4)
        return self.data[start : self.at]

    def end(self) -> None:
        if self.at != len(self.data):
            raise InvalidEncoding("bitcoin", "the end", f"{len(self.data) - self.at} more bytes")


def compact_size(value: int) -> bytes:
    if value < 0xFD:
        return bytes([value])
    if value <= 0xFFFF:
        return b"\xfd" + struct.pack("<H", value)
    return b"\xfe" + struct.pack("<I", value)


def double_sha256(data: bytes) -> Hash32:
    return Hash32(sha256(sha256(data).digest()).digest())


def wtxid(transaction: bytes) -> Hash32:
    return double_sha256(transaction)


def txid(transaction: bytes) -> Hash32:
    """Return the hash without the witness."""
    if transaction[4:6] != b"\x00\x01":
        return double_sha256(transaction)
    reader = Reader(transaction)
    version, _ = reader.take(4), reader.take(2)
    start, inputs = reader.at, reader.compact_size()
    for _ in range(inputs):
        reader.take(HASH_BYTES + 4)
        reader.text()
        reader.take(4)
    for _ in range(reader.compact_size()):
        reader.take(8)
        reader.text()
    return double_sha256(version + transaction[start : reader.at] + transaction[-4:])


def merkle_root(hashes: list[Hash32]) -> bytes:
    level: list[bytes] = list(hashes)
    while len(level) > 1:
        level += level[-1:] * (len(level) % 2)
        level = [double_sha256(a + b) for a, b in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def decode_block(data: bytes) -> BlockParts:
    reader = Reader(data)
    header = reader.take(HEADER_BYTES)
    parts = BlockParts(header, tuple(reader.transaction() for _ in range(reader.compact_size())))
    reader.end()
    return parts


def encode_block(parts: BlockParts) -> bytes:
    return parts.header + compact_size(len(parts.transactions)) + b"".join(parts.transactions)


def decode_compact(data: bytes) -> CompactForm:
    """Read `HeaderAndShortIDs`."""
    reader = Reader(data)
    header, nonce = reader.take(HEADER_BYTES), reader.take(NONCE_BYTES)
    count = reader.compact_size()
    ids = reader.take(SHORT_ID_BYTES * count)
    prefilled = [
        (reader.compact_size(), reader.transaction()) for _ in range(reader.compact_size())
    ]
    reader.end()
    total = min(count + len(prefilled), TRANSACTIONS_MAX)
    from_differences([difference for difference, _ in prefilled], total, "bitcoin.prefilled")
    return CompactForm(header, nonce, ids, tuple(prefilled), b"")


def encode_compact(form: CompactForm) -> bytes:
    parts = [form.header, form.nonce, compact_size(len(form.ids) // SHORT_ID_BYTES), form.ids]
    parts.append(compact_size(len(form.prefilled)))
    parts += [compact_size(difference) + raw for difference, raw in form.prefilled]
    return b"".join(parts)


class BlockTransactionsRequest(NamedTuple):
    """`getblocktxn`."""

    digest: bytes
    places: list[int]


def decode_request(data: bytes) -> BlockTransactionsRequest:
    reader = Reader(data)
    digest = reader.take(HASH_BYTES)
    differences = [reader.compact_size() for _ in range(reader.compact_size())]
    reader.end()
    places = from_differences(differences, TRANSACTIONS_MAX, "bitcoin.indexes")
    return BlockTransactionsRequest(digest, places)


def encode_request(request: BlockTransactionsRequest) -> bytes:
    differences = to_differences(request.places)
    numbers = [len(differences), *differences]
    return request.digest + b"".join([compact_size(number) for number in numbers])


class BitcoinLayout:
    """A `network.compact.BlockLayout`. Version 1 names transactions by txid, 2 by wtxid."""

    def __init__(self, version: int) -> None:
        self.transaction_hash = {1: txid, 2: wtxid}[version]

    def split(self, payload: bytes) -> BlockParts:
        return decode_block(payload)

    def join(self, parts: BlockParts) -> bytes:
        return encode_block(parts)

    def digest(self, header: bytes) -> Hash32:
        if len(header) != HEADER_BYTES:
            raise InvalidEncoding("bitcoin.header", f"{HEADER_BYTES} bytes", len(header))
        return double_sha256(header)

    def commits(self, parts: BlockParts) -> bool:
        hashes = [txid(raw) for raw in parts.transactions]
        return not parts.rest and bool(hashes) and merkle_root(hashes) == parts.header[ROOT]
