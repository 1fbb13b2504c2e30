"""Receipts: what a transaction did, as the block's receipts root commits to it."""

import msgspec

from primitives import rlp
from primitives.ids import Address, Gas, Hash32
from primitives.rlp import (
    Decoded,
    encode_bytes,
    encode_int,
    encode_list,
    read_bytes,
    read_int,
    read_items,
)


class Log(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An event that a contract wrote."""

    address: Address
    topics: tuple[Hash32, ...]
    data: bytes


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """The outcome of one transaction (EIP-658 form)."""

    tx_type: int
    """The transaction's type; 0 for legacy."""
    status: int
    """1: success, 0: reverted."""
    cumulative_gas_used: Gas
    """Gas used in the block up to and with this transaction."""
    bloom: bytes
    """256 bytes over `logs`."""
    logs: tuple[Log, ...]


def encode_receipt(receipt: Receipt) -> bytes:
    """Return the canonical encoding (EIP-2718), the value that the receipts trie holds."""
    body = encode_list(
        (
            encode_int(receipt.status),
            encode_int(receipt.cumulative_gas_used),
            encode_bytes(receipt.bloom),
            encode_list([_encode_log(log) for log in receipt.logs]),
        )
    )
    return body if receipt.tx_type == 0 else receipt.tx_type.to_bytes(1, "big") + body


def decode_receipt(data: bytes) -> Receipt:
    """Return the receipt that `data` encodes.

    Raises:
        InvalidEncoding: it is none in canonical form.
    """
    tx_type = 0 if data[:1] >= b"\xc0" or not data else data[0]
    fields = read_items(rlp.decode(data if tx_type == 0 else data[1:]), "receipt", 4)
    return Receipt(
        tx_type,
        read_int(fields[0], "receipt.status", 8),
        Gas(read_int(fields[1], "receipt.cumulative_gas_used", 64)),
        read_bytes(fields[2], "receipt.bloom", 256),
        tuple([_decode_log(item) for item in read_items(fields[3], "receipt.logs")]),
    )


def _decode_log(item: Decoded) -> Log:
    address, topics, data = read_items(item, "receipt.log", 3)
    return Log(
        Address(read_bytes(address, "receipt.log.address", 20)),
        tuple(
            [
                Hash32(read_bytes(topic, "receipt.log.topics", 32))
                for topic in read_items(topics, "receipt.log.topics")
            ]
        ),
        read_bytes(data, "receipt.log.data"),
    )


def _encode_log(log: Log) -> bytes:
    topics = encode_list([encode_bytes(topic) for topic in log.topics])
    return encode_list((encode_bytes(log.address), topics, encode_bytes(log.data)))
