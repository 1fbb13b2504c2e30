"""One block by py-evm. Runs in the peers' environment."""

import json
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from eth.consensus import ConsensusContext
from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.db.chain import ChainDB
from eth.vm.chain_context import ChainContext

from bench.peers.case import Case, measure_case, read_case

CLASSES = {"london": "LondonVM", "paris": "ParisVM", "cancun": "CancunVM"}
"""The forks of the measured blocks; another one fails."""


def prepare(case: Case) -> SimpleNamespace:
    """Make the state, decode the transactions, and recover their senders."""
    kind = getattr(import_module(f"eth.vm.forks.{case['fork']}"), CLASSES[case["fork"]])
    header = _header(case)
    database = AtomicDB()
    chain = ChainContext(1)
    parent = bytes.fromhex(case["header"]["parent_hash"])
    state = kind.build_state(database, header, chain, (parent,))
    _fill(state, case)
    vm = kind(header, ChainDB(database), chain, ConsensusContext(database))
    header.state_root = state.state_root
    vm._state = kind.build_state(database, header, chain, (parent,))
    return SimpleNamespace(vm=vm, header=header, transactions=_transactions(kind, case))


def execute(prepared: SimpleNamespace) -> int:
    """Execute all transactions; return the gas that they used."""
    vm, header = prepared.vm, prepared.header
    for tx in prepared.transactions:
        receipt, _ = vm.apply_transaction(header, tx)
        header.gas_used = receipt.gas_used
    return int(header.gas_used)


def _header(case: Case) -> SimpleNamespace:
    fields = case["header"]
    return SimpleNamespace(
        coinbase=bytes.fromhex(fields["coinbase"]),
        block_number=fields["number"],
        timestamp=fields["timestamp"],
        gas_limit=fields["gas_limit"],
        base_fee_per_gas=fields["base_fee"],
        mix_hash=bytes.fromhex(fields["mix_hash"]),
        difficulty=fields["difficulty"],
        excess_blob_gas=fields["excess_blob_gas"],
        state_root=BLANK_ROOT_HASH,
        gas_used=0,
    )


def _fill(state: Any, case: Case) -> None:
    for address, each in case["accounts"].items():
        key = bytes.fromhex(address)
        state.set_nonce(key, each["nonce"])
        state.set_balance(key, each["balance"])
        state.set_code(key, bytes.fromhex(each["code"]))
        for slot, value in each["storage"].items():
            state.set_storage(key, int(slot), value)
    state.lock_changes()
    state.persist()


def _transactions(kind: Any, case: Case) -> list[Any]:
    """Decode the transactions; each remembers its sender once it has been asked for it."""
    transactions = []
    for each in case["transactions"]:
        tx = kind.get_transaction_builder().decode(bytes.fromhex(each["raw"]))
        if tx.sender.hex() != each["sender"]:
            raise AssertionError(f"sender {tx.sender.hex()}, not {each['sender']}")
        transactions.append(tx)
    return transactions


if __name__ == "__main__":
    print(json.dumps(measure_case(*read_case(), prepare, execute)))
