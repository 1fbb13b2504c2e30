"""The first block of a chain, which everything signed refers to."""

import msgspec

from primitives.account import encode_account
from primitives.address import ADDRESS_BYTES, ZERO_ADDRESS, format_address
from primitives.block import Block
from primitives.bloom import EMPTY_BLOOM
from primitives.committee import Committee
from primitives.epoch import epoch_commitment
from primitives.errors import InvalidInput
from primitives.header import (
    EMPTY_OMMERS_HASH,
    EMPTY_REQUESTS_HASH,
    EMPTY_WITHDRAWALS_ROOT,
    ZERO_NONCE,
    Header,
    header_hash,
)
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.params import ChainParams
from primitives.possession import check_possessions
from primitives.trie import EMPTY_ROOT, secure_trie_root

ZERO_HASH = Hash32(bytes(32))


class Genesis(msgspec.Struct, frozen=True):
    """What a chain starts from."""

    params: ChainParams
    alloc: tuple[tuple[Address, Wei], ...]
    """Accounts with their first balance; an address at most once, in any order."""
    committee: Committee
    timestamp: int = 0
    """Of the genesis block, in seconds."""

    def __post_init__(self) -> None:
        """Refuse addresses of another size or that occur twice, and balances out of range.

        Where certificates are aggregates, every validator must have proven its aggregate key.

        Raises:
            InvalidInput: which one, and why.
        """
        seen: dict[Address, None] = {}
        for address, balance in self.alloc:
            if len(address) != ADDRESS_BYTES:
                raise InvalidInput("genesis.alloc", "addresses of 20 bytes", address.hex())
            if address in seen:
                raise InvalidInput("genesis.alloc", "each address once", format_address(address))
            if not 0 <= balance < 2**256:
                raise InvalidInput("genesis.alloc", "balances from 0 to 2**256 - 1", balance)
            seen[address] = None
        if not 0 <= self.timestamp < 2**64:
            raise InvalidInput("genesis.timestamp", "seconds from 0 to 2**64 - 1", self.timestamp)
        if self.params.certificates == "bls":
            check_possessions(self.committee)


def genesis_state_root(genesis: Genesis) -> Hash32:
    """Return the root of the first state. Accounts without balance are not in it."""
    return secure_trie_root(
        {address: encode_account(0, balance) for address, balance in genesis.alloc if balance}
    )


def genesis_header(genesis: Genesis) -> Header:
    """Return the header of block 0.

    It is the first checkpoint: its extra data is the `epoch_commitment` of epoch 0, so that chains
    which differ in parameters or committee have different hashes, and a signature for one is none
    for the other.
    """
    params = genesis.params
    return Header(
        parent_hash=ZERO_HASH,
        ommers_hash=EMPTY_OMMERS_HASH,
        fee_recipient=ZERO_ADDRESS,
        state_root=genesis_state_root(genesis),
        transactions_root=EMPTY_ROOT,
        receipts_root=EMPTY_ROOT,
        logs_bloom=EMPTY_BLOOM,
        difficulty=0,
        number=0,
        gas_limit=params.gas_limit,
        gas_used=Gas(0),
        timestamp=genesis.timestamp,
        extra_data=epoch_commitment(params, genesis.committee, 0),
        prev_randao=ZERO_HASH,
        nonce=ZERO_NONCE,
        base_fee_per_gas=params.base_fee_initial,
        withdrawals_root=EMPTY_WITHDRAWALS_ROOT,
        blob_gas_used=Gas(0),
        excess_blob_gas=Gas(0),
        parent_beacon_block_root=ZERO_HASH,
        requests_hash=EMPTY_REQUESTS_HASH,
    )


def genesis_block(genesis: Genesis) -> Block:
    """Return block 0: the header, no transactions."""
    return Block(genesis_header(genesis), ())


def genesis_hash(genesis: Genesis) -> Hash32:
    """Return the hash of block 0."""
    return header_hash(genesis_header(genesis))
