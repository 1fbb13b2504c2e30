"""A valid Osaka block with everything that a block can have, and ways to spoil it.

Its transactions call contracts, write logs, create a contract, carry blobs, delegate, and ask for
a withdrawal and a consolidation; a contract in the place of the deposit contract writes a deposit.
The block has withdrawals, and the chain has block access lists.
"""

import msgspec

from contracts.deposits import DEPOSIT_EVENT, FIELDS
from node.builder import BuildContext, build_block
from node.execution import ExecutedBlock, genesis_executed
from node.validation import check_transaction
from primitives.block import (
    Withdrawal,
    encode_block,
    transactions_root,
    withdrawals_root,
)
from primitives.genesis import Genesis, GenesisContract
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.params import ChainParams
from primitives.system_contracts import (
    CONSOLIDATION_REQUESTS_ADDRESS,
    DEPOSIT_ADDRESS,
    WITHDRAWAL_REQUESTS_ADDRESS,
)
from primitives.transaction import (
    Authorization,
    BlobTransaction,
    DynamicFeeTransaction,
    SetCodeTransaction,
    Transaction,
    encode_transaction,
    sign_transaction,
)
from tests.unit.node.transfers import COMMITTEE, ETHER, GWEI, account, private_key, stranger

PARAMS = ChainParams(withdrawal_rule="given", block_access_list=True, timestamp_rule="strict")
FEES = (Wei(GWEI), Wei(9 * GWEI))
STORE_AND_LOG = bytes.fromhex("6007 5f 5f a1 5f 35 6001 55 00".replace(" ", ""))
"""Writes a log with the topic 7, and its first word of calldata into slot 1."""
EMIT = bytes.fromhex("36 5f 5f 37 7f" + DEPOSIT_EVENT.hex() + "36 5f a1 00")
"""Writes its calldata as an event of the deposit contract."""
TOOL = stranger(50)
BLOB_HASHES = (Hash32(b"\x01" + bytes(31)), Hash32(b"\x01" + b"\x02" * 31))
WITHDRAWALS = (Withdrawal(3, 1, stranger(60), 32 * 10**9), Withdrawal(4, 2, stranger(61), 0))


def deposit_event() -> bytes:
    """Calldata that makes the stand-in write a well-formed deposit."""
    head, tail = b"", b""
    for number, (_, size) in enumerate(FIELDS, 1):
        head += (32 * len(FIELDS) + len(tail)).to_bytes(32, "big")
        padded = (bytes([number]) * size).ljust(-(-size // 32) * 32, b"\0")
        tail += size.to_bytes(32, "big") + padded
    return head + tail


def signed(sender: int, tx: Transaction) -> bytes:
    return encode_transaction(sign_transaction(tx, private_key(sender)))


def call(
    sender: int, nonce: int, to: Address | None, data: bytes = b"", value: int = 0, **fields: int
) -> bytes:
    """A signed transaction of type 2; `fields` are gas, cap and tip."""
    cap, tip = Wei(fields.get("cap", 9 * GWEI)), Wei(fields.get("tip", GWEI))
    gas, chain = Gas(fields.get("gas", 500_000)), fields.get("chain_id", PARAMS.chain_id)
    tx = DynamicFeeTransaction(chain, nonce, tip, cap, gas, to, Wei(value), data)
    return signed(sender, tx)


def unsigned() -> bytes:
    """The encoding of a transaction that nobody has signed."""
    tx = DynamicFeeTransaction(PARAMS.chain_id, 0, *FEES, Gas(21_000), TOOL, Wei(0), b"")
    return encode_transaction(tx)


def blobs(sender: int, nonce: int, hashes: tuple[Hash32, ...] = BLOB_HASHES, cap: int = 1) -> bytes:
    gas = Gas(100_000)
    return signed(
        sender,
        BlobTransaction(1337, nonce, *FEES, gas, TOOL, Wei(0), b"", (), Wei(cap), hashes),
    )


def delegation(sender: int, nonce: int) -> bytes:
    permits = (Authorization(1337, TOOL, 0, 0, 1, 1),)
    return signed(
        sender,
        SetCodeTransaction(1337, nonce, *FEES, Gas(100_000), TOOL, Wei(0), b"", (), permits),
    )


def parent(params: ChainParams = PARAMS) -> ExecutedBlock:
    contracts = (
        GenesisContract(TOOL, STORE_AND_LOG, 1, ((2, 9),)),
        GenesisContract(DEPOSIT_ADDRESS, EMIT),
    )
    alloc = tuple((account(index), Wei(10 * ETHER)) for index in range(6))
    genesis = genesis_executed(Genesis(params, alloc, COMMITTEE, 100, contracts))
    context = BuildContext(stranger(9), 101)
    raws = [call(5, 0, stranger(0), value=1), blobs(5, 1)]
    first = build_block(genesis, [check_transaction(raw, params) for raw in raws], context, params)
    assert len(first.transactions) == len(raws)
    return first


RAWS = (
    call(0, 0, TOOL, b"\x05" * 32),
    call(1, 0, DEPOSIT_ADDRESS, deposit_event()),
    call(2, 0, None, STORE_AND_LOG),
    call(3, 0, WITHDRAWAL_REQUESTS_ADDRESS, b"\x11" * 48 + bytes(8), value=1),
    call(3, 1, CONSOLIDATION_REQUESTS_ADDRESS, b"\x22" * 96, value=1),
    blobs(4, 0),
    delegation(4, 1),
    call(0, 1, stranger(1), value=5),
)
PARENT = parent()


def good(on: ExecutedBlock = PARENT, params: ChainParams = PARAMS) -> ExecutedBlock:
    context = BuildContext(stranger(8), 113, withdrawals=WITHDRAWALS)
    candidates = [check_transaction(raw, params) for raw in RAWS]
    block = build_block(on, candidates, context, params)
    assert len(block.transactions) == len(RAWS)
    return block


GOOD = good()
HEADER = GOOD.block.header


def with_header(**fields: object) -> bytes:
    """The good block with other header fields."""
    return encode_block(
        msgspec.structs.replace(GOOD.block, header=msgspec.structs.replace(HEADER, **fields))
    )


def with_body(*raws: bytes) -> bytes:
    """The good block with other transactions, to which its header commits."""
    header = msgspec.structs.replace(HEADER, transactions_root=transactions_root(raws))
    return encode_block(msgspec.structs.replace(GOOD.block, header=header, transactions=raws))


def with_transaction(raw: bytes) -> bytes:
    """The good block with one more transaction at its end."""
    return with_body(*RAWS, raw)


def with_withdrawals(*withdrawals: Withdrawal) -> bytes:
    """The good block with other withdrawals, to which its header commits."""
    header = msgspec.structs.replace(HEADER, withdrawals_root=withdrawals_root(withdrawals))
    return encode_block(msgspec.structs.replace(GOOD.block, header=header, withdrawals=withdrawals))
