"""Accounts, chains and signed transfers for the tests of this folder."""

from functools import cache
from typing import TypedDict

import msgspec

from node.builder import BuildContext, build_block
from node.execution import BlockExecution, ExecutedBlock, genesis_executed
from node.execution_setting import ExecutionEngine, block_setting
from node.validation import PooledTransaction, check_transaction
from primitives.address import address_from_private_key
from primitives.committee import Committee
from primitives.epoch import first_epoch
from primitives.genesis import Genesis, genesis_header
from primitives.ids import Address, Gas, Wei
from primitives.keccak import keccak256
from primitives.params import ChainParams
from primitives.transaction import (
    AccessListEntry,
    AccessListTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    Transaction,
    encode_transaction,
    sign_transaction,
)
from storage.state import StateLayer

GWEI = 10**9
ETHER = 10**18
PARAMS = ChainParams()
FIXED = ChainParams(base_fee_rule="fixed", base_fee_initial=Wei(GWEI))
COMMITTEE = Committee.of_keys(bytes([index]) * 32 for index in range(4))
PROPOSER = Address(b"\xfe" * 20)
CONTEXT = BuildContext(PROPOSER, 1)


class Body(TypedDict):
    """What every kind of transfer has."""

    nonce: int
    gas_limit: Gas
    to: Address
    value: Wei
    data: bytes


@cache
def private_key(index: int) -> bytes:
    return keccak256(b"account %d" % index)


@cache
def account(index: int) -> Address:
    """Address of the test account `index`, whose key `transfer` signs with."""
    return address_from_private_key(private_key(index))


def stranger(index: int) -> Address:
    """An address that nobody has a key for."""
    return Address(keccak256(b"stranger %d" % index)[:20])


def chain(balances: dict[int, int] | None = None, params: ChainParams = PARAMS) -> ExecutedBlock:
    """Genesis in which account i owns balances[i] wei; ten ether for each of 0 to 4 by default."""
    owned = balances if balances is not None else dict.fromkeys(range(5), 10 * ETHER)
    alloc = tuple((account(index), Wei(balance)) for index, balance in owned.items())
    return genesis_executed(Genesis(params, alloc, COMMITTEE))


@cache
def raw_transfer(
    sender: int = 0,
    nonce: int = 0,
    to: Address | None = None,
    value: int = 1,
    cap: int = 10 * GWEI,
    tip: int = GWEI,
    gas: int = 21_000,
    data: bytes = b"",
    access_list: tuple[AccessListEntry, ...] = (),
    tx_type: int = 2,
    chain_id: int = PARAMS.chain_id,
) -> bytes:
    """A signed transfer; types 0 and 1 pay `cap` as their gas price."""
    body = Body(
        nonce=nonce,
        gas_limit=Gas(gas),
        to=stranger(0) if to is None else to,
        value=Wei(value),
        data=data,
    )
    unsigned: Transaction
    if tx_type == 0:
        unsigned = LegacyTransaction(chain_id=chain_id, gas_price=Wei(cap), **body)
    elif tx_type == 1:
        unsigned = AccessListTransaction(
            chain_id=chain_id, gas_price=Wei(cap), access_list=access_list, **body
        )
    else:
        unsigned = DynamicFeeTransaction(
            chain_id=chain_id,
            max_priority_fee_per_gas=Wei(tip),
            max_fee_per_gas=Wei(cap),
            access_list=access_list,
            **body,
        )
    return encode_transaction(sign_transaction(unsigned, private_key(sender)))


def transfer(*args: object, **fields: object) -> PooledTransaction:
    """The same, checked. `params` of another chain may be given."""
    params = fields.pop("params", PARAMS)
    assert isinstance(params, ChainParams)
    return check_transaction(raw_transfer(*args, **fields), params)


def execution_on(
    state: StateLayer,
    fee_recipient: Address = PROPOSER,
    gas_limit: int = 30_000_000,
    base_fee: int = 2 * GWEI,
    params: ChainParams = PARAMS,
) -> BlockExecution:
    """The execution of a block on `state`, before its first transaction."""
    header = msgspec.structs.replace(
        genesis_header(Genesis(params, (), COMMITTEE)),
        number=1,
        fee_recipient=fee_recipient,
        gas_limit=Gas(gas_limit),
        base_fee_per_gas=Wei(base_fee),
    )
    setting = block_setting(header, (), params, ExecutionEngine())
    return BlockExecution(state, first_epoch(COMMITTEE), setting)


def built(
    parent: ExecutedBlock, *transactions: PooledTransaction, params: ChainParams = PARAMS
) -> ExecutedBlock:
    """The block on `parent` with these transactions, all of which must fit."""
    block = build_block(parent, transactions, CONTEXT, params)
    assert len(block.transactions) == len(transactions)
    return block
