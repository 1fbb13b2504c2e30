"""One row of `orrery bench evm`: how fast the virtual machine runs one kind of loop.

Each program is a loop whose body is of one kind, so that a slow family of instructions shows. The
code is called in a whole transaction on the node's own state; processor time, best of five, the
first run, which decodes the code, apart.
"""

import json
import sys
import time
from collections.abc import Mapping
from types import MappingProxyType

from contracts.context import BlockContext
from contracts.evm import Evm
from contracts.transaction import execute_transaction
from primitives.fork import LATEST
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from primitives.transaction import LegacyTransaction
from storage.account import Account
from storage.changes import StateChanges
from storage.journal import Journal
from storage.state import StateLayer, StateOverlay

CONTRACT = Address(b"\xc0" * 20)
CALLEE = Address(b"\xca" * 20)
SENDER = Address(b"\x5e" * 20)
RUNS = 5

BODIES: Mapping[str, str] = MappingProxyType(
    {
        "arithmetic": "",
        "division": "80600704" + "50" + "600360058209" + "50",
        "keccak": "80600052" + "60406000" + "20" + "50",
        "memory": "600051600101600052602051600101602052" + "60406000606039" + "60a0600060405e",
        "storage-warm": "6000546001016000556001546001016001556000545060015450",
        "transient": "60005c60010160005d60015c60010160015d",
        "calls": "6020600060206000600073" + CALLEE.hex() + "61fffff150",
        "logs": "8060005260016002600360206000a3",
    }
)
"""What each iteration does beside counting; the stack is left as it was."""

LOOP = "600060005b906003028101906001018063{limit:08x}11"
"""acc = acc * 3 + i, i += 1, i < limit: with the jump, 49 gas and 14 instructions."""
CALLED = "6000355060206000f3"


def code_of(body: str, iterations: int) -> bytes:
    """Return the program: the loop of 49 gas around a body."""
    head = "600060005b" + body
    return bytes.fromhex(head + LOOP.format(limit=iterations)[10:] + "600457" + "00")


def run(program: str, iterations: int) -> dict[str, object]:
    """Run a program and return the row.

    Args:
        program: a key of `BODIES`.
        iterations: of its loop.
    """
    code = code_of(BODIES[program], iterations)
    evm, times, gas_used = Evm(), [], 0
    for _ in range(RUNS + 1):
        journal = Journal(StateOverlay(_layer(code)))
        tx = LegacyTransaction(1, 0, Wei(7), Gas(2**40), CONTRACT, Wei(0), b"")
        start = time.process_time()
        result = execute_transaction(evm, journal, tx, SENDER, _block(), 2**40, 0)
        times.append(time.process_time() - start)
        if not result.succeeded:
            raise AssertionError(f"{program}: {result.failure}")
        gas_used = result.gas_used
    first, best = times[0], min(times[1:])
    return {
        "program": program,
        "iterations": iterations,
        "gas_used": gas_used,
        "mgas_per_second": round(gas_used / best / 1e6, 1),
        "first_mgas_per_second": round(gas_used / first / 1e6, 1),
        "nanoseconds_per_iteration": round(best / iterations * 1e9),
    }


def _layer(code: bytes) -> StateLayer:
    codes = {keccak256(each): each for each in (code, bytes.fromhex(CALLED))}
    contract, called = (Account(1, Wei(0), code_hash) for code_hash in codes)
    accounts: dict[Address, Account | None] = {
        SENDER: Account(0, Wei(10**30)), CONTRACT: contract, CALLEE: called,
    }  # fmt: skip
    return StateLayer(None, StateChanges(accounts, {CONTRACT: {0: 1, 1: 1}}, {}, codes))


def _block() -> BlockContext:
    return BlockContext(
        LATEST, 1, 1, 1, Address(b"\xfe" * 20), Gas(2**40), Wei(7), Hash32(bytes(32)), Wei(1),
        lambda _: Hash32(bytes(32)),
    )  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
