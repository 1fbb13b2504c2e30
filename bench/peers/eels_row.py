"""One block by EELS, Ethereum's specification in Python. Runs in the peers' environment."""

import json
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

from ethereum_types.bytes import Bytes, Bytes20, Bytes32
from ethereum_types.numeric import U64, U256, Uint

from bench.peers.case import Case, measure_case, read_case


def prepare(case: Case) -> SimpleNamespace:
    """Make the state, decode the transactions, and let the fork know their senders."""
    package = f"ethereum.forks.{case['fork']}"
    fork, vm = import_module(f"{package}.fork"), import_module(f"{package}.vm")
    codec = import_module(f"{package}.transactions")
    transactions, senders = [], {}
    for each in case["transactions"]:
        raw = bytes.fromhex(each["raw"])
        tx = _decode(codec, raw)
        transactions.append(tx)
        senders[id(tx)] = Bytes20(bytes.fromhex(each["sender"]))
    setattr(fork, "recover_sender", lambda _chain_id, tx: senders[id(tx)])  # noqa: B010
    block = vm.BlockEnvironment(**environment_of(case, state_of(package, case), vm))
    return SimpleNamespace(
        process=fork.process_transaction,
        block=block,
        output=vm.BlockOutput(),
        transactions=transactions,
    )


def execute(prepared: SimpleNamespace) -> int:
    """Execute all transactions; return the gas that they used."""
    for index, tx in enumerate(prepared.transactions):
        prepared.process(prepared.block, prepared.output, tx, Uint(index))
    return int(prepared.output.block_gas_used)


def _decode(codec: ModuleType, raw: bytes) -> Any:
    if raw[0] < 0x80:
        return codec.decode_transaction(Bytes(raw))
    rlp = import_module("ethereum_rlp").rlp
    return rlp.decode_to(codec.LegacyTransaction, raw)


def state_of(package: str, case: Case) -> Any:
    """Return a state of the case's accounts, in a fork's own form."""
    states, types = import_module(f"{package}.state"), import_module(f"{package}.fork_types")
    state = states.State()
    for address, each in case["accounts"].items():
        key = Bytes20(bytes.fromhex(address))
        account = types.Account(
            nonce=Uint(each["nonce"]),
            balance=U256(each["balance"]),
            code=Bytes(bytes.fromhex(each["code"])),
        )
        states.set_account(state, key, account)
        for slot, value in each["storage"].items():
            word = Bytes32(int(slot).to_bytes(32, "big"))
            states.set_storage(state, key, word, U256(value))
    return state


def environment_of(case: Case, state: Any, vm: ModuleType) -> dict[str, Any]:
    """Return what the fork's block environment asks for; which fields that is depends on it."""
    header = case["header"]
    known = {
        "chain_id": U64(1),
        "state": state,
        "block_gas_limit": Uint(header["gas_limit"]),
        "block_hashes": [Bytes32(bytes.fromhex(header["parent_hash"]))],
        "coinbase": Bytes20(bytes.fromhex(header["coinbase"])),
        "number": Uint(header["number"]),
        "base_fee_per_gas": Uint(header["base_fee"]),
        "time": U256(header["timestamp"]),
        "difficulty": Uint(header["difficulty"]),
        "prev_randao": Bytes32(bytes.fromhex(header["mix_hash"])),
        "excess_blob_gas": U64(header["excess_blob_gas"]),
        "parent_beacon_block_root": Bytes32(bytes(32)),
    }
    return {name: known[name] for name in vm.BlockEnvironment.__dataclass_fields__}


if __name__ == "__main__":
    print(json.dumps(measure_case(*read_case(), prepare, execute)))
