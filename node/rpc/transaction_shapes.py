"""Transactions, receipts and logs as JSON-RPC shows them.

Reference: execution-apis src/schemas/transaction.yaml, receipt.yaml.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from node.rpc.hexes import data_hex, maybe_data, quantity_hex
from primitives.address import contract_address
from primitives.blob_schedule import GAS_PER_BLOB
from primitives.header import Header
from primitives.ids import Address, Hash32
from primitives.receipt import Log, Receipt
from primitives.transaction import (
    AccessListEntry,
    Authorization,
    BlobTransaction,
    LegacyTransaction,
    Transaction,
    effective_gas_price,
)

ACCESS_LIST_TYPE = 1
DYNAMIC_FEE_TYPE = 2


class Place(msgspec.Struct, frozen=True):
    """Where a transaction stands."""

    header: Header
    """Of its block."""
    digest: Hash32
    """Of its block."""
    index: int


def transaction_shape(
    transaction: Transaction, digest: Hash32, sender: Address, place: Place | None
) -> dict[str, Any]:
    """Return a transaction.

    Args:
        transaction: as it was signed.
        digest: its hash.
        sender: who signed it.
        place: where it stands; None while it waits in the pool.
    """
    shape: dict[str, Any] = {
        "blockHash": None,
        "blockNumber": None,
        "blockTimestamp": None,
        "transactionIndex": None,
        "hash": data_hex(digest),
        "type": quantity_hex(transaction.tx_type),
        "from": data_hex(sender),
        "to": maybe_data(transaction.to),
        "nonce": quantity_hex(transaction.nonce),
        "gas": quantity_hex(transaction.gas_limit),
        "value": quantity_hex(transaction.value),
        "input": data_hex(transaction.data),
        "r": quantity_hex(transaction.r),
        "s": quantity_hex(transaction.s),
    }
    price = int(transaction.max_fee_per_gas)
    if place is not None:
        price = effective_gas_price(transaction, place.header.base_fee_per_gas)
        shape["blockHash"] = data_hex(place.digest)
        shape["blockNumber"] = quantity_hex(place.header.number)
        shape["blockTimestamp"] = quantity_hex(place.header.timestamp)
        shape["transactionIndex"] = quantity_hex(place.index)
    shape["gasPrice"] = quantity_hex(price)
    if isinstance(transaction, LegacyTransaction):
        _add_legacy_fields(shape, transaction)
    else:
        _add_typed_fields(shape, transaction)
    return shape


def receipt_shape(
    transaction: Transaction,
    receipt: Receipt,
    digest: Hash32,
    sender: Address,
    place: Place,
    gas_used: int,
    logs: Sequence[Any],
    blob_base_fee: int,
) -> dict[str, Any]:
    """Return a receipt.

    Args:
        transaction: that it is of.
        receipt: as the block commits to it.
        digest: hash of the transaction.
        sender: who signed it.
        place: where the transaction stands.
        gas_used: by the transaction alone.
        logs: as they are shown.
        blob_base_fee: of the block, in wei per blob gas.
    """
    created = contract_address(sender, transaction.nonce) if transaction.to is None else None
    price = effective_gas_price(transaction, place.header.base_fee_per_gas)
    shape: dict[str, Any] = {
        "blockHash": data_hex(place.digest),
        "blockNumber": quantity_hex(place.header.number),
        "transactionHash": data_hex(digest),
        "transactionIndex": quantity_hex(place.index),
        "type": quantity_hex(receipt.tx_type),
        "status": quantity_hex(receipt.status),
        "from": data_hex(sender),
        "to": maybe_data(transaction.to),
        "contractAddress": maybe_data(created),
        "cumulativeGasUsed": quantity_hex(receipt.cumulative_gas_used),
        "gasUsed": quantity_hex(gas_used),
        "effectiveGasPrice": quantity_hex(price),
        "logs": logs,
        "logsBloom": data_hex(receipt.bloom),
    }
    if isinstance(transaction, BlobTransaction):
        blob_gas = GAS_PER_BLOB * len(transaction.blob_versioned_hashes)
        shape["blobGasUsed"] = quantity_hex(blob_gas)
        shape["blobGasPrice"] = quantity_hex(blob_base_fee)
    return shape


def log_shape(log: Log, digest: Hash32, place: Place, index: int) -> dict[str, Any]:
    """Return a log.

    Args:
        log: as the receipt has it.
        digest: hash of the transaction that wrote it.
        place: where the transaction stands.
        index: of the log in its block.
    """
    return {
        "address": data_hex(log.address),
        "topics": [data_hex(topic) for topic in log.topics],
        "data": data_hex(log.data),
        "blockNumber": quantity_hex(place.header.number),
        "blockHash": data_hex(place.digest),
        "blockTimestamp": quantity_hex(place.header.timestamp),
        "transactionHash": data_hex(digest),
        "transactionIndex": quantity_hex(place.index),
        "logIndex": quantity_hex(index),
        "removed": False,
    }


def access_list_shape(entries: Sequence[AccessListEntry]) -> list[dict[str, Any]]:
    """Return an access list."""
    return [
        {
            "address": data_hex(entry.address),
            "storageKeys": [data_hex(key) for key in entry.storage_keys],
        }
        for entry in entries
    ]


def _add_legacy_fields(shape: dict[str, Any], transaction: LegacyTransaction) -> None:
    chain_id, parity = transaction.chain_id, transaction.y_parity
    if chain_id is None:
        shape["v"] = quantity_hex(27 + parity)
    else:
        shape["chainId"] = quantity_hex(chain_id)
        shape["v"] = quantity_hex(35 + 2 * chain_id + parity)


def _add_typed_fields(shape: dict[str, Any], transaction: Transaction) -> None:
    assert transaction.chain_id is not None, "a typed transaction names its chain"
    shape["chainId"] = quantity_hex(transaction.chain_id)
    shape["v"] = shape["yParity"] = quantity_hex(transaction.y_parity)
    shape["accessList"] = access_list_shape(transaction.access_list)
    if transaction.tx_type >= DYNAMIC_FEE_TYPE:
        shape["maxFeePerGas"] = quantity_hex(transaction.max_fee_per_gas)
        shape["maxPriorityFeePerGas"] = quantity_hex(transaction.max_priority_fee_per_gas)
    if isinstance(transaction, BlobTransaction):
        shape["maxFeePerBlobGas"] = quantity_hex(transaction.max_fee_per_blob_gas)
        hashes = transaction.blob_versioned_hashes
        shape["blobVersionedHashes"] = [data_hex(each) for each in hashes]
    if transaction.authorizations:
        shape["authorizationList"] = [_authorization(each) for each in transaction.authorizations]


def _authorization(authorization: Authorization) -> dict[str, str]:
    return {
        "chainId": quantity_hex(authorization.chain_id),
        "address": data_hex(authorization.address),
        "nonce": quantity_hex(authorization.nonce),
        "yParity": quantity_hex(authorization.y_parity),
        "r": quantity_hex(authorization.r),
        "s": quantity_hex(authorization.s),
    }
