import dataclasses
import re
from typing import Any

import msgspec
import pytest

from primitives.account import encode_account
from primitives.blob_schedule import BlobSchedule
from primitives.block import decode_block, encode_block
from primitives.bls import BlsKey
from primitives.committee import Committee, Member
from primitives.errors import InvalidInput
from primitives.fork import LATEST, Fork
from primitives.genesis import (
    Genesis,
    GenesisContract,
    genesis_block,
    genesis_contracts,
    genesis_hash,
    genesis_header,
    genesis_state_root,
)
from primitives.header import field_count
from primitives.ids import Address, Gas, NodeId, Wei
from primitives.keccak import keccak256
from primitives.params import ChainParams, Upgrade
from primitives.system_contracts import SYSTEM_CODE, system_contracts
from primitives.trie import EMPTY_ROOT, secure_trie_root

RICH, POOR = Address(b"\x01" * 20), Address(b"\x02" * 20)
NOBODY = Address(b"\x99" * 20)
COMMITTEE = Committee.of_keys((bytes(32), b"\x01" * 32))
GENESIS = Genesis(ChainParams(), ((RICH, Wei(10**18)), (POOR, Wei(1))), COMMITTEE)


def test_block_zero() -> None:
    header = genesis_header(GENESIS)
    assert (header.number, header.gas_used, header.timestamp) == (0, 0, 0)
    assert header.parent_hash == bytes(32)
    assert header.gas_limit == GENESIS.params.gas_limit
    assert header.base_fee_per_gas == GENESIS.params.base_fee_initial
    block = genesis_block(GENESIS)
    assert decode_block(encode_block(block)) == block
    assert block.transactions == ()


def test_the_state_root_is_that_of_the_accounts() -> None:
    expected = {RICH: encode_account(0, 10**18), POOR: encode_account(0, 1)}
    older = Genesis(ChainParams(fork=Fork.SHANGHAI), GENESIS.alloc, COMMITTEE)
    assert genesis_state_root(older) == secure_trie_root(expected)
    nobody = msgspec.structs.replace(older, alloc=((RICH, Wei(0)),))
    assert genesis_state_root(nobody) == EMPTY_ROOT


@pytest.mark.parametrize(("fork", "count"), [(Fork.SHANGHAI, 0), (Fork.CANCUN, 1), (LATEST, 4)])
def test_the_contracts_of_the_protocol_stand_in_genesis(fork: Fork, count: int) -> None:
    genesis = Genesis(ChainParams(fork=fork), GENESIS.alloc, COMMITTEE)
    contracts = genesis_contracts(genesis)
    assert [each.address for each in contracts] == list(system_contracts(fork))
    assert len(contracts) == count
    later = dataclasses.replace(genesis.params, upgrades=(Upgrade(10, LATEST),))
    assert len(genesis_contracts(msgspec.structs.replace(genesis, params=later))) == 4
    expected = {RICH: encode_account(0, 10**18), POOR: encode_account(0, 1)}
    for contract in contracts:
        code_hash = keccak256(SYSTEM_CODE[contract.address])
        expected[contract.address] = encode_account(1, 0, EMPTY_ROOT, code_hash)
    assert genesis_state_root(genesis) == secure_trie_root(expected)


def test_a_contract_of_ones_own_has_its_code_balance_and_storage() -> None:
    contract = GenesisContract(POOR, b"\x00", 5, ((7, 300),))
    older = Genesis(ChainParams(fork=Fork.PARIS), GENESIS.alloc, COMMITTEE, 0, (contract,))
    root = secure_trie_root({(7).to_bytes(32, "big"): b"\x82\x01\x2c"})
    expected = {
        RICH: encode_account(0, 10**18),
        POOR: encode_account(5, 1, root, keccak256(b"\x00")),
    }
    assert genesis_state_root(older) == secure_trie_root(expected)


@pytest.mark.parametrize(
    ("contracts", "message"),
    [
        ((GenesisContract(Address(b"\x01"), b""),), "addresses of 20 bytes"),
        ((GenesisContract(POOR, b""), GenesisContract(POOR, b"")), "each address once"),
        ((GenesisContract(POOR, b"", 2**64),), "nonces below"),
        ((GenesisContract(POOR, b"", 1, ((1, 1), (1, 2))),), "each slot once"),
        ((GenesisContract(POOR, b"", 1, ((1, 0),)),), "slots and values below"),
        ((GenesisContract(POOR, b"", 1, ((2**256, 1),)),), "slots and values below"),
        ((GenesisContract(POOR, bytes(24_577)),), "code of at most 24576 bytes, got 24577"),
        ((GenesisContract(NOBODY, b"", 0, ((1, 1),)),), "a nonce, code or a balance beside"),
    ],
)
def test_contracts_that_no_chain_can_start_with(
    contracts: tuple[GenesisContract, ...], message: str
) -> None:
    with pytest.raises(InvalidInput, match=rf"genesis\.contracts: expected {message}"):
        msgspec.structs.replace(GENESIS, contracts=contracts)


def test_what_stands_beside_storage_makes_an_account() -> None:
    """A nonce, code or a balance: POOR has one."""
    slots = ((1, 1),)
    for contract in (
        GenesisContract(NOBODY, b"", 1, slots),
        GenesisContract(NOBODY, bytes(24_576), 0, slots),
        GenesisContract(POOR, b"", 0, slots),
    ):
        changed = msgspec.structs.replace(GENESIS, contracts=(contract,))
        assert genesis_state_root(changed) != genesis_state_root(GENESIS)


@pytest.mark.parametrize(
    ("fork", "count"),
    [(Fork.LONDON, 16), (Fork.SHANGHAI, 17), (Fork.CANCUN, 20), (Fork.PRAGUE, 21)],
)
def test_the_header_has_the_fields_of_its_fork(fork: Fork, count: int) -> None:
    params = ChainParams(fork=fork)
    assert field_count(genesis_header(Genesis(params, (), COMMITTEE))) == count
    listed = ChainParams(block_access_list=True)
    assert field_count(genesis_header(Genesis(listed, (), COMMITTEE))) == 22


def test_the_order_of_the_accounts_does_not_matter() -> None:
    backwards = msgspec.structs.replace(GENESIS, alloc=GENESIS.alloc[::-1])
    assert genesis_hash(backwards) == genesis_hash(GENESIS)


def test_the_hash_binds_everything_that_nodes_must_agree_on() -> None:
    """Signatures bind the genesis hash: those of a sister chain must not be valid here."""
    others = [
        msgspec.structs.replace(GENESIS, alloc=GENESIS.alloc[:1]),
        msgspec.structs.replace(GENESIS, committee=Committee.of_keys(COMMITTEE.public_keys[::-1])),
        msgspec.structs.replace(GENESIS, timestamp=1),
        msgspec.structs.replace(GENESIS, contracts=(GenesisContract(POOR, b"\x00"),)),
    ]
    changes: dict[str, Any] = {
        "chain_id": 1,
        "gas_limit": Gas(60_000_000),
        "base_fee_rule": "fixed",
        "base_fee_initial": Wei(7),
        "elasticity": 4,
        "base_fee_change_denominator": 16,
        "timestamp_rule": "strict",
        "fork": Fork.PRAGUE,
        "max_transaction_gas": Gas(30_000_000),
        "max_block_bytes": 1_000_000,
        "checkpoint_interval": 65,
        "governance": Address(b"\x01" * 20),
        "gas_limit_rule": "ethereum",
        "beacon_rule": "given",
        "withdrawal_rule": "given",
        "block_access_list": True,
        "blobs": BlobSchedule(3, 9, 5),
        "upgrades": (Upgrade(7, LATEST),),
    }
    assert {*changes, "certificates"} == {field.name for field in dataclasses.fields(ChainParams)}
    for name, value in changes.items():
        params = dataclasses.replace(GENESIS.params, **{name: value})
        others.append(msgspec.structs.replace(GENESIS, params=params))
    hashes = {genesis_hash(each) for each in [GENESIS, *others]}
    assert len(hashes) == 1 + len(others)


def test_the_hash_binds_the_form_of_certificates_and_the_keys_for_them() -> None:
    def proven(number: int, **changes: bytes) -> Committee:
        key = BlsKey(bytes([number]) * 32)
        member = Member(NodeId(0), bytes(32), key.public_key, key.possession)
        return Committee((msgspec.structs.replace(member, **changes),))

    ed25519, bls = ChainParams(), ChainParams(certificates="bls")
    chains = [
        Genesis(ed25519, (), proven(1)),
        Genesis(bls, (), proven(1)),
        Genesis(bls, (), proven(2)),
        Genesis(ed25519, (), proven(1, possession=b"")),
    ]
    assert len({genesis_hash(chain) for chain in chains}) == len(chains)


def test_the_hash_is_stable() -> None:
    """A changed default or encoding makes another chain of the same scenario: on purpose only."""
    assert genesis_hash(GENESIS).hex() == (
        "d6fd26e02a36bc6a45c4a968b148fc83bd370649679984f49f0f1111366793de"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alloc": ((Address(b"\x01" * 19), Wei(1)),)}, "genesis.alloc: expected addresses of 20"),
        (
            {"alloc": ((RICH, Wei(1)), (RICH, Wei(2)))},
            "genesis.alloc: expected each address once, got 0x01010101010101010101",
        ),
        ({"alloc": ((RICH, Wei(-1)),)}, "expected balances from 0 to 2**256 - 1, got -1"),
        ({"alloc": ((RICH, Wei(2**256)),)}, "expected balances from 0 to 2**256 - 1, got 11579"),
        ({"timestamp": -1}, "genesis.timestamp: expected seconds from 0 to 2**64 - 1, got -1"),
    ],
)
def test_impossible_beginnings(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)):
        msgspec.structs.replace(GENESIS, **change)


def test_parameters_default_to_ethereums() -> None:
    params = ChainParams()
    assert params.fork is LATEST is Fork.OSAKA
    assert params.max_transaction_gas == 16_777_216
    assert params.max_block_bytes == 8_388_608
    assert (params.elasticity, params.base_fee_change_denominator) == (2, 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chain_id": 0}, "chain.chain_id: expected a value from 1 to 9223372036854775807, got 0"),
        ({"gas_limit": 20_999}, "chain.gas_limit: expected a value from 21000 to"),
        ({"base_fee_initial": -1}, "chain.base_fee_initial: expected a value from 0 to"),
        ({"elasticity": 0}, "chain.elasticity: expected a value from 1 to 1000, got 0"),
        ({"base_fee_change_denominator": 0}, "chain.base_fee_change_denominator: expected a value"),
        ({"max_transaction_gas": 0}, "chain.max_transaction_gas: expected a value from 21000"),
        ({"max_block_bytes": 0}, "chain.max_block_bytes: expected a value from 1024"),
        ({"base_fee_rule": "free"}, "chain.base_fee_rule: expected ethereum or fixed, got free"),
        ({"timestamp_rule": "any"}, "chain.timestamp_rule: expected nondecreasing or strict, got"),
    ],
)
def test_impossible_parameters(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)):
        ChainParams(**change)
