"""The first block of a chain, which everything signed refers to."""

from collections.abc import Mapping

import msgspec

from primitives.account import encode_account
from primitives.address import ADDRESS_BYTES, ZERO_ADDRESS, format_address
from primitives.block import Block
from primitives.bloom import EMPTY_BLOOM
from primitives.committee import Committee
from primitives.epoch import epoch_commitment
from primitives.errors import InvalidInput
from primitives.fork import Fork
from primitives.header import (
    EMPTY_ACCESS_LIST_HASH,
    EMPTY_OMMERS_HASH,
    EMPTY_REQUESTS_HASH,
    EMPTY_WITHDRAWALS_ROOT,
    ZERO_NONCE,
    Header,
    header_hash,
)
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from primitives.params import ChainParams
from primitives.possession import check_possessions
from primitives.rlp import encode_int
from primitives.system_contracts import SYSTEM_CODE, system_contracts
from primitives.trie import EMPTY_ROOT, secure_trie_root

ZERO_HASH = Hash32(bytes(32))
CODE_BYTES_MAX = 24_576
"""Most code of one contract, in genesis as in any block (EIP-170). All that stands in a state can
be sent to whoever fetches it, and what one account has travels in one piece."""


class GenesisContract(msgspec.Struct, frozen=True, gc=False):
    """A contract that is there from the beginning. Its balance stands in the allocation.

    One that has storage has a nonce, code or a balance as well: an account without them is empty,
    and no state has it (EIP-161; EIP-7610 for the accidents in which one could).
    """

    address: Address
    code: bytes
    nonce: int = 1
    storage: tuple[tuple[int, int], ...] = ()
    """Slots with their values, each below 2**256 and no value 0."""


class Genesis(msgspec.Struct, frozen=True):
    """What a chain starts from."""

    params: ChainParams
    alloc: tuple[tuple[Address, Wei], ...]
    """Accounts with their first balance; an address at most once, in any order."""
    committee: Committee
    timestamp: int = 0
    """Of the genesis block, in seconds."""
    contracts: tuple[GenesisContract, ...] = ()
    """Beside those of the protocol, which every genesis has (`genesis_contracts`)."""

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
        _check_contracts(self.contracts, dict(self.alloc))
        if self.params.certificates == "bls":
            check_possessions(self.committee)


def _check_contracts(
    contracts: tuple[GenesisContract, ...], balances: Mapping[Address, Wei]
) -> None:
    seen: dict[Address, None] = {}
    for contract in contracts:
        if len(contract.address) != ADDRESS_BYTES:
            raise InvalidInput("genesis.contracts", "addresses of 20 bytes", contract.address.hex())
        if contract.address in seen:
            shown = format_address(contract.address)
            raise InvalidInput("genesis.contracts", "each address once", shown)
        if not 0 <= contract.nonce < 2**64 - 1:
            raise InvalidInput("genesis.contracts", "nonces below 2**64 - 1", contract.nonce)
        slots = dict(contract.storage)
        if len(slots) != len(contract.storage):
            raise InvalidInput("genesis.contracts", "each slot once", len(contract.storage))
        if not all(0 <= slot < 2**256 and 0 < value < 2**256 for slot, value in slots.items()):
            raise InvalidInput("genesis.contracts", "slots and values below 2**256", "others")
        if len(contract.code) > CODE_BYTES_MAX:
            expected = f"code of at most {CODE_BYTES_MAX} bytes"
            raise InvalidInput("genesis.contracts", expected, f"{len(contract.code)} bytes")
        if slots and not (contract.nonce or contract.code or balances.get(contract.address)):
            expected = "a nonce, code or a balance beside storage"
            raise InvalidInput("genesis.contracts", expected, format_address(contract.address))
        seen[contract.address] = None


def genesis_contracts(genesis: Genesis) -> tuple[GenesisContract, ...]:
    """Return all contracts of the first state: those of the protocol first."""
    fork = max([genesis.params.fork, *(each.fork for each in genesis.params.upgrades)])
    given = {contract.address for contract in genesis.contracts}
    system = tuple(
        GenesisContract(address, SYSTEM_CODE[address])
        for address in system_contracts(fork)
        if address not in given
    )
    return system + genesis.contracts


def genesis_state_root(genesis: Genesis) -> Hash32:
    """Return the root of the first state. Empty accounts are not in it."""
    balances = dict(genesis.alloc)
    leaves = {address: encode_account(0, balance) for address, balance in genesis.alloc if balance}
    for contract in genesis_contracts(genesis):
        balance = balances.get(contract.address, 0)
        if contract.nonce or contract.code or balance:
            leaves[contract.address] = encode_account(
                contract.nonce,
                balance,
                storage_root(contract.storage),
                keccak256(contract.code),
            )
    return secure_trie_root(leaves)


def storage_root(slots: tuple[tuple[int, int], ...]) -> Hash32:
    """Return the root of a contract's storage. Reference: Yellow Paper, section 4.1."""
    return secure_trie_root(
        {slot.to_bytes(32, "big"): encode_int(value) for slot, value in slots if value}
    )


def genesis_header(genesis: Genesis) -> Header:
    """Return the header of block 0.

    It is the first checkpoint: its extra data is the `epoch_commitment` of epoch 0, so that chains
    which differ in parameters or committee have different hashes, and a signature for one is none
    for the other.
    """
    params = genesis.params
    fork = params.at(genesis.timestamp).fork
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
        withdrawals_root=EMPTY_WITHDRAWALS_ROOT if fork >= Fork.SHANGHAI else None,
        blob_gas_used=Gas(0) if fork >= Fork.CANCUN else None,
        excess_blob_gas=Gas(0) if fork >= Fork.CANCUN else None,
        parent_beacon_block_root=ZERO_HASH if fork >= Fork.CANCUN else None,
        requests_hash=EMPTY_REQUESTS_HASH if fork >= Fork.PRAGUE else None,
        block_access_list_hash=EMPTY_ACCESS_LIST_HASH if params.block_access_list else None,
    )


def genesis_block(genesis: Genesis) -> Block:
    """Return block 0: the header, no transactions."""
    return Block(genesis_header(genesis), ())


def genesis_hash(genesis: Genesis) -> Hash32:
    """Return the hash of block 0."""
    return header_hash(genesis_header(genesis))
