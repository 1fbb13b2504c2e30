"""One block by Orrery, in the structure of a node: journals, outcomes, an overlay, receipts."""

import json
from types import SimpleNamespace

from bench.peers.case import Case, measure_case, read_case
from contracts.context import BlockContext
from contracts.evm import Evm
from contracts.transaction import execute_transaction
from primitives.bloom import logs_bloom
from primitives.fork import Fork
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from primitives.receipt import Receipt
from primitives.transaction import decode_transaction
from storage.account import Account
from storage.changes import StateChanges
from storage.journal import Journal
from storage.state import StateLayer, StateOverlay

BLOB_GAS_MAX = 6 * 131_072
"""Of a block in Cancun (EIP-4844)."""


class Engine:
    """What a node keeps from block to block: the virtual machine with the code it has decoded."""

    def __init__(self) -> None:
        self._evms: dict[Fork, Evm] = {}

    def prepare(self, case: Case) -> SimpleNamespace:
        """Make the state and decode the transactions."""
        fork = Fork[case["fork"].upper()]
        evm = self._evms.setdefault(fork, Evm(fork))
        transactions = [
            (
                decode_transaction(bytes.fromhex(each["raw"]), fork=fork),
                Address(bytes.fromhex(each["sender"])),
            )
            for each in case["transactions"]
        ]
        return SimpleNamespace(
            evm=evm,
            overlay=StateOverlay(layer_of(case)),
            context=_context(case, fork),
            transactions=transactions,
        )


def execute(prepared: SimpleNamespace) -> int:
    """Execute all transactions; return the gas that they used."""
    evm, overlay, context = prepared.evm, prepared.overlay, prepared.context
    gas_used, blob_gas_left = 0, BLOB_GAS_MAX
    receipts = []
    for tx, sender in prepared.transactions:
        journal = Journal(overlay)
        gas_left = context.gas_limit - gas_used
        result = execute_transaction(evm, journal, tx, sender, context, gas_left, blob_gas_left)
        outcome = journal.finish()
        overlay.apply(outcome)
        gas_used += result.gas_used
        blob_gas_left -= result.blob_gas_used
        receipts.append(
            Receipt(
                tx.tx_type,
                int(result.succeeded),
                Gas(gas_used),
                logs_bloom(outcome.logs),
                outcome.logs,
            )
        )
    return gas_used


def layer_of(case: Case) -> StateLayer:
    """Return a state of the case's accounts."""
    accounts: dict[Address, Account | None] = {}
    slots: dict[Address, dict[int, int]] = {}
    codes: dict[Hash32, bytes] = {}
    for key, each in case["accounts"].items():
        address, code = Address(bytes.fromhex(key)), bytes.fromhex(each["code"])
        code_hash = keccak256(code)
        accounts[address] = Account(each["nonce"], Wei(each["balance"]), code_hash)
        codes[code_hash] = code
        slots[address] = {int(slot): value for slot, value in each["storage"].items()}
    return StateLayer(None, StateChanges(accounts, slots, {}, codes))


def _context(case: Case, fork: Fork) -> BlockContext:
    header = case["header"]
    parent = {header["number"] - 1: Hash32(bytes.fromhex(header["parent_hash"]))}
    mixed = bytes.fromhex(header["mix_hash"])
    return BlockContext(
        fork=fork,
        chain_id=1,
        number=header["number"],
        timestamp=header["timestamp"],
        fee_recipient=Address(bytes.fromhex(header["coinbase"])),
        gas_limit=Gas(header["gas_limit"]),
        base_fee=Wei(header["base_fee"]),
        prev_randao=Hash32(
            mixed if fork >= Fork.PARIS else header["difficulty"].to_bytes(32, "big")
        ),
        blob_base_fee=Wei(header["blob_base_fee"]),
        block_hash=parent.__getitem__,
    )


if __name__ == "__main__":
    print(json.dumps(measure_case(*read_case(), Engine().prepare, execute)))
