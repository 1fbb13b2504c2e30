"""Blocks and headers as JSON-RPC shows them.

Reference: execution-apis src/schemas/block.yaml, withdrawal.yaml; go-ethereum internal/ethapi.
"""

from collections.abc import Sequence
from typing import Any

from node.rpc.hexes import data_hex, quantity_hex
from primitives.block import Withdrawal
from primitives.header import Header
from primitives.ids import Hash32


def header_shape(header: Header, digest: Hash32) -> dict[str, Any]:
    """Return a header, as a block shows it and as `newHeads` does."""
    shape: dict[str, Any] = {
        "number": quantity_hex(header.number),
        "hash": data_hex(digest),
        "parentHash": data_hex(header.parent_hash),
        "nonce": data_hex(header.nonce),
        "mixHash": data_hex(header.prev_randao),
        "sha3Uncles": data_hex(header.ommers_hash),
        "logsBloom": data_hex(header.logs_bloom),
        "stateRoot": data_hex(header.state_root),
        "miner": data_hex(header.fee_recipient),
        "difficulty": quantity_hex(header.difficulty),
        "extraData": data_hex(header.extra_data),
        "gasLimit": quantity_hex(header.gas_limit),
        "gasUsed": quantity_hex(header.gas_used),
        "timestamp": quantity_hex(header.timestamp),
        "transactionsRoot": data_hex(header.transactions_root),
        "receiptsRoot": data_hex(header.receipts_root),
        "baseFeePerGas": quantity_hex(header.base_fee_per_gas),
    }
    _add_later_fields(shape, header)
    return shape


def block_shape(
    header: Header,
    digest: Hash32,
    size: int,
    transactions: Sequence[Any],
    withdrawals: Sequence[Withdrawal],
    ommers: Sequence[Hash32],
) -> dict[str, Any]:
    """Return a block.

    Args:
        header: of the block.
        digest: its hash.
        size: of the block's encoding, in bytes.
        transactions: their hashes, or they themselves, as they are shown.
        withdrawals: of the block.
        ommers: hashes of them.
    """
    shape = header_shape(header, digest)
    shape["size"] = quantity_hex(size)
    shape["uncles"] = [data_hex(each) for each in ommers]
    shape["transactions"] = transactions
    if header.withdrawals_root is not None:
        shape["withdrawals"] = [_withdrawal_shape(each) for each in withdrawals]
    return shape


def _add_later_fields(shape: dict[str, Any], header: Header) -> None:
    """Add what forks since Shanghai have brought, as far as the header has it."""
    roots = {
        "withdrawalsRoot": header.withdrawals_root,
        "parentBeaconBlockRoot": header.parent_beacon_block_root,
        "requestsHash": header.requests_hash,
        "blockAccessListHash": header.block_access_list_hash,
    }
    shape.update({name: data_hex(root) for name, root in roots.items() if root is not None})
    if header.blob_gas_used is not None:
        shape["blobGasUsed"] = quantity_hex(header.blob_gas_used)
    if header.excess_blob_gas is not None:
        shape["excessBlobGas"] = quantity_hex(header.excess_blob_gas)


def _withdrawal_shape(withdrawal: Withdrawal) -> dict[str, str]:
    return {
        "index": quantity_hex(withdrawal.index),
        "validatorIndex": quantity_hex(withdrawal.validator_index),
        "address": data_hex(withdrawal.address),
        "amount": quantity_hex(withdrawal.amount),
    }
