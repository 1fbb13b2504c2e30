"""A block of the public chain that is nearly all plain transfers, executed here.

Block 13287210 (London rules) has 1,414 transactions, of which all but a few move value only. The
few that call contracts are passed over: their senders pay what they paid on the chain, and the
other accounts that they touch are left out of the comparison. All else must come out the same.
"""

import json
from pathlib import Path
from typing import Any, TypedDict

import pytest

from node.execution import BlockExecution
from node.validation import PooledTransaction, check_transaction
from primitives.block import transactions_root
from primitives.committee import Committee
from primitives.epoch import first_epoch
from primitives.fork import Fork
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.params import ChainParams
from primitives.transaction import (
    AccessListEntry,
    AccessListTransaction,
    DynamicFeeTransaction,
    LegacyTransaction,
    Transaction,
    encode_transaction,
)
from primitives.transaction.errors import KindNotExecutable
from storage.account import Account
from storage.state import genesis_state

MAINNET = ChainParams(chain_id=1, fork=Fork.LONDON)


def number(text: str) -> int:
    return int(text, 16)


def octets(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


@pytest.fixture(scope="module")
def folder(vectors: Path) -> Path:
    path = vectors / "blocks" / "13287210"
    if not path.is_dir():
        pytest.skip(f"no mainnet block at {path}")
    return path


def load(path: Path) -> Any:
    return json.loads(path.read_text())


class Common(TypedDict):
    """What every kind of transaction has."""

    nonce: int
    gas_limit: Gas
    to: Address | None
    value: Wei
    data: bytes
    r: int
    s: int


def transaction(fields: dict[str, Any]) -> Transaction:
    """Rebuild a transaction from its RPC form."""
    kind, v = number(fields["type"]), number(fields["v"])
    common = Common(
        nonce=number(fields["nonce"]),
        gas_limit=Gas(number(fields["gas"])),
        to=Address(octets(fields["to"])) if fields["to"] else None,
        value=Wei(number(fields["value"])),
        data=octets(fields["input"]),
        r=number(fields["r"]),
        s=number(fields["s"]),
    )
    price = Wei(number(fields["gasPrice"]))
    if kind == 0:
        chain_id, parity = (None, v - 27) if v < 35 else ((v - 35) // 2, (v - 35) % 2)
        return LegacyTransaction(chain_id=chain_id, gas_price=price, y_parity=parity, **common)
    listed = tuple(
        AccessListEntry(
            Address(octets(each["address"])),
            tuple(Hash32(octets(key)) for key in each["storageKeys"]),
        )
        for each in fields["accessList"]
    )
    if kind == 1:
        return AccessListTransaction(
            chain_id=1, gas_price=price, access_list=listed, y_parity=v, **common
        )
    return DynamicFeeTransaction(
        chain_id=1,
        max_priority_fee_per_gas=Wei(number(fields["maxPriorityFeePerGas"])),
        max_fee_per_gas=Wei(number(fields["maxFeePerGas"])),
        access_list=listed,
        y_parity=v,
        **common,
    )


def pay_for_call(run: BlockExecution, call: PooledTransaction, gas_used: int) -> None:
    """Do to the sender of a contract call what the chain did: later transfers build on it."""
    sender = run._state.account(call.sender)
    assert sender is not None
    price = run._base_fee + call.effective_tip(run._base_fee)
    paid = call.value + gas_used * price
    run._state.put(call.sender, Account(sender.nonce + 1, Wei(sender.balance - paid)))
    run.gas_used += gas_used


def test_plain_transfers_of_a_mainnet_block_end_as_on_mainnet(folder: Path) -> None:
    block, oracle = load(folder / "block.json"), load(folder / "oracle.json")
    accounts = {
        Address(octets(address)): Account(
            each["nonce"],
            Wei(number(each["balance"])),
            code_hash=Hash32(octets(each["code_hash"])),
        )
        if each.get("code_hash")
        else Account(each["nonce"], Wei(number(each["balance"])))
        for address, each in load(folder / "pre_state.json").items()
    }
    run = BlockExecution(
        genesis_state(accounts),
        number(block["baseFeePerGas"]),
        Address(octets(block["miner"])),
        number(block["gasLimit"]),
        first_epoch(Committee.of_keys([bytes(32)])),
    )
    left_out = {block["miner"]}
    executed = 0
    raws: list[bytes] = []
    for fields, expected in zip(block["transactions"], oracle["txs"], strict=True):
        checked = check_transaction(encode_transaction(transaction(fields)), MAINNET)
        assert checked.hash == octets(fields["hash"])
        assert checked.sender == octets(expected["from"])
        raws.append(checked.raw)
        before = run.gas_used
        try:
            run.execute(checked)
        except KindNotExecutable:
            pay_for_call(run, checked, expected["gasUsed"])
            touched = {key.split(":")[0] for key in expected["reads"] + expected["writes"]}
            left_out |= touched - {fields["from"]}
            continue
        executed += 1
        assert run.gas_used - before == expected["gasUsed"]
    assert transactions_root(tuple(raws)) == octets(block["transactionsRoot"])
    assert run.gas_used == number(block["gasUsed"])
    state = run.commit()
    compared = [address for address in oracle["post"] if address not in left_out]
    for address in compared:
        account, after = state.account(Address(octets(address))), oracle["post"][address]
        assert account is not None
        assert (account.nonce, account.balance) == (
            number(after["nonce"]),
            number(after["balance"]),
        )
    assert executed > 1_400
    assert len(compared) > 1_400
