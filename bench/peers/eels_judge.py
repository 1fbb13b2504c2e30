"""EELS as a judge: reads cases, one a line, and says what comes of their transactions.

Runs in the peers' environment. A case is that of `bench.peers.case` with `block_hashes`, those of
the blocks below, the oldest first. Transactions stand one after another in one block; one that may
not stand there changes nothing.

A case with a `block`, encoded, and its `parent` asks whether that is a valid block on the accounts.
"""

import json
import sys
from importlib import import_module
from typing import Any

from ethereum.exceptions import EthereumException
from ethereum_rlp import rlp
from ethereum_types.bytes import Bytes, Bytes32
from ethereum_types.numeric import U64, Uint

from bench.peers.case import Case
from bench.peers.eels_row import environment_of, state_of

RECURSION_MAX = 40_000
"""EELS runs calls in one another as Python functions, some of them per call."""


def judge(case: Case) -> dict[str, Any]:
    """Execute a case's transactions in order.

    Returns:
        `results`, one for each transaction: the name of the refusal, or success, gas and logs; and
        the state's `root` afterwards.
    """
    package = f"ethereum.forks.{case['fork']}"
    fork, vm = import_module(f"{package}.fork"), import_module(f"{package}.vm")
    states = import_module(f"{package}.state")
    state = state_of(package, case)
    environment = environment_of(case, state, vm)
    environment["block_hashes"] = [Bytes32(bytes.fromhex(x)) for x in case["block_hashes"]]
    block, output = vm.BlockEnvironment(**environment), vm.BlockOutput()
    results = []
    for index, each in enumerate(case["transactions"]):
        results.append(_result(package, fork, block, output, bytes.fromhex(each["raw"]), index))
    answer = {"results": results, "root": states.state_root(state).hex()}
    if case.get("wants_accounts"):
        answer["accounts"] = _accounts(state)
    return answer


def judge_block(case: Case) -> dict[str, Any]:
    """Return why a block is refused, None if it is valid."""
    package = f"ethereum.forks.{case['fork']}"
    fork, blocks = import_module(f"{package}.fork"), import_module(f"{package}.blocks")
    # Nobody has worked for these blocks: before Paris all but the seal is checked.
    setattr(fork, "validate_proof_of_work", lambda _header: None)  # noqa: B010
    try:
        parent = rlp.decode_to(blocks.Block, bytes.fromhex(case["parent"]))
        chain = fork.BlockChain(blocks=[parent], state=state_of(package, case), chain_id=U64(1))
        block = rlp.decode_to(blocks.Block, bytes.fromhex(case["block"]))
        fork.state_transition(chain, block)
    except (EthereumException, rlp.DecodingError) as error:
        return {"refused": f"{type(error).__name__} {error}"}
    return {"refused": None}


def _result(
    package: str, fork: Any, block: Any, output: Any, raw: bytes, index: int
) -> dict[str, Any]:
    codec = import_module(f"{package}.transactions")
    gas_before, logs_before = output.block_gas_used, len(output.block_logs)
    try:
        if raw[0] < 0x80:
            tx = codec.decode_transaction(Bytes(raw))
        else:
            tx = rlp.decode_to(codec.LegacyTransaction, raw)
        fork.process_transaction(block, output, tx, Uint(index))
    except (EthereumException, rlp.DecodingError) as error:
        return {"refused": f"{type(error).__name__} {error}"}
    receipt = output.receipts_trie._data[rlp.encode(Uint(index))]
    if isinstance(receipt, bytes):
        receipt = import_module(f"{package}.blocks").decode_receipt(receipt)
    logs = output.block_logs[logs_before:]
    return {
        "refused": None,
        "succeeded": bool(receipt.succeeded),
        "gas_used": int(output.block_gas_used - gas_before),
        "logs": [[x.address.hex(), [t.hex() for t in x.topics], x.data.hex()] for x in logs],
    }


def _accounts(state: Any) -> dict[str, Any]:
    """Return all accounts, to show where a state differs."""
    return {
        address.hex(): {
            "nonce": int(account.nonce),
            "balance": int(account.balance),
            "code": account.code.hex(),
            "storage": {
                str(int.from_bytes(slot, "big")): int(value)
                for slot, value in getattr(state._storage_tries.get(address), "_data", {}).items()
            },
        }
        for address, account in state._main_trie._data.items()
        if account is not None
    }


def serve() -> None:
    """Answer each line of the standard input with one line, until it ends."""
    sys.setrecursionlimit(RECURSION_MAX)
    for line in sys.stdin:
        case = json.loads(line)
        answer = judge_block(case) if "block" in case else judge(case)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()
