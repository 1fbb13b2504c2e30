"""Runs public state tests on a state that is handed in, and says what came out wrong."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from contracts.context import BlockContext
from contracts.evm import Evm
from contracts.kzg import KzgVerifier
from contracts.state import State
from contracts.transaction import execute_transaction
from primitives.fork import Fork
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from primitives.receipt import Log
from primitives.rlp import encode_bytes, encode_list
from primitives.transaction import (
    InvalidTransaction,
    Transaction,
    check_static,
    decode_transaction,
    errors,
    recover_sender,
)
from tests.conformance.material import from_hex
from tests.conformance.state_cases import StateCase
from tests.conformance.transaction_cases import REASONS, Reasons, is_later_type

GAS_PER_BLOB = 131_072

STATE_REASONS: Mapping[str, Reasons] = MappingProxyType(
    {
        **REASONS,
        "GAS_ALLOWANCE_EXCEEDED": (errors.BlockGasExceeded,),
        "INSUFFICIENT_ACCOUNT_FUNDS": (errors.InsufficientFunds,),
        "INSUFFICIENT_MAX_FEE_PER_BLOB_GAS": (errors.MaxFeeBelowBlobBaseFee,),
        "INSUFFICIENT_MAX_FEE_PER_GAS": (errors.MaxFeeBelowBaseFee,),
        "NONCE_MISMATCH_TOO_HIGH": (errors.NonceTooHigh,),
        "NONCE_MISMATCH_TOO_LOW": (errors.NonceTooLow,),
        "SENDER_NOT_EOA": (errors.SenderHasCode,),
        "TYPE_3_TX_BLOB_COUNT_EXCEEDED": (errors.BlobGasExceeded, errors.TooManyBlobs),
        "TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED": (errors.BlobGasExceeded,),
    }
)
"""What public tests call the errors of a transaction, those included that need a state. Until
Osaka a transaction may have as many blobs as a block, so that too many are the block's matter."""


class Account(msgspec.Struct, frozen=True):
    """An account as tests write it down."""

    nonce: int
    balance: int
    code: bytes
    storage: Mapping[int, int]
    """Only slots that are not 0."""


class Bench(Protocol):
    """A state to run one transaction on."""

    @property
    def state(self) -> State:
        """What the transaction runs on."""
        ...

    def finish(self) -> tuple[tuple[Log, ...], Hash32]:
        """End the transaction; return its logs and the state's root after it."""
        ...

    def account(self, address: Address) -> Account | None:
        """Return an account as it is after `finish`; None if there is none."""
        ...


class BenchMaker(Protocol):
    """Makes a state of the accounts that a test begins with."""

    @property
    def oldest(self) -> Fork:
        """The first fork whose rules for empty accounts it keeps."""
        ...

    def __call__(self, accounts: Mapping[Address, Account], fork: Fork) -> Bench:
        """Return a new one."""
        ...


def read_accounts(alloc: Mapping[str, Any]) -> dict[Address, Account]:
    """Read the accounts of a test."""
    return {Address(from_hex(address)): _account(fields) for address, fields in alloc.items()}


def _account(fields: Mapping[str, Any]) -> Account:
    slots = {int(slot, 16): int(value, 16) for slot, value in fields["storage"].items()}
    return Account(
        nonce=int(fields["nonce"], 16),
        balance=int(fields["balance"], 16),
        code=from_hex(fields["code"]),
        storage={slot: value for slot, value in slots.items() if value},
    )


def blob_base_fee(excess: int, update_fraction: int) -> int:
    """Return the fee in wei per blob gas: e ** (excess / fraction), by its Taylor series.

    Reference: EIP-4844, `fake_exponential`.
    """
    total, term, step = 0, update_fraction, 1
    while term:
        total += term
        term = term * excess // (update_fraction * step)
        step += 1
    return total // update_fraction


def block_context(case: StateCase, kzg: KzgVerifier | None) -> BlockContext:
    """Return the block that a case's transaction stands in."""
    env, fork = case.env, case.fork
    mixed = (
        from_hex(env["currentRandom"]) if fork >= Fork.PARIS else _word(env["currentDifficulty"])
    )
    excess = int(env.get("currentExcessBlobGas", "0x0"), 16)
    fee = blob_base_fee(excess, case.blobs.update_fraction) if fork >= Fork.CANCUN else 0
    return BlockContext(
        fork=fork,
        chain_id=case.chain_id,
        number=int(env["currentNumber"], 16),
        timestamp=int(env["currentTimestamp"], 16),
        fee_recipient=Address(from_hex(env["currentCoinbase"])),
        gas_limit=Gas(int(env["currentGasLimit"], 16)),
        base_fee=Wei(int(env["currentBaseFee"], 16) if fork >= Fork.LONDON else 0),
        prev_randao=Hash32(mixed.rjust(32, b"\0")),
        blob_base_fee=Wei(fee),
        block_hash=_block_hash,
        kzg=kzg,
    )


def _word(text: str) -> bytes:
    return int(text, 16).to_bytes(32, "big")


def _block_hash(number: int) -> Hash32:
    """Return the hash of a block below: such tests have none, and agree on that of its number."""
    return keccak256(str(number).encode())


def hash_of_logs(logs: tuple[Log, ...]) -> Hash32:
    """Return the hash that tests give for all logs of a transaction."""
    encoded = [
        encode_list(
            (
                encode_bytes(log.address),
                encode_list([encode_bytes(topic) for topic in log.topics]),
                encode_bytes(log.data),
            )
        )
        for log in logs
    ]
    return keccak256(encode_list(encoded))


def problems_of(
    case: StateCase, make: BenchMaker, evm: Evm, kzg: KzgVerifier | None
) -> Iterator[str]:
    """Run a case and yield what is wrong with the outcome, each with the case's name."""
    bench = make(read_accounts(case.pre), case.fork)
    refusal = None
    try:
        transaction = decode_transaction(case.raw, case.fork)
        sender = recover_sender(transaction, case.raw, case.fork)
        yield from _problems_of_bytes(case, transaction, sender)
        check_static(transaction, case.chain_id, case.fork)
        block, blob_gas = block_context(case, kzg), Gas(case.blobs.blobs_max * GAS_PER_BLOB)
        execute_transaction(evm, bench.state, transaction, sender, block, block.gas_limit, blob_gas)
    except InvalidTransaction as error:
        refusal = error
    problem = _problem_of_refusal(case, refusal)
    if problem:
        yield f"{case.name}: {problem}"
        return
    logs, root = bench.finish()
    if hash_of_logs(logs) != case.logs_hash:
        yield f"{case.name}: {len(logs)} other logs"
    if root != case.root:
        differences = "; ".join(list(_differences(case, bench))[:6])
        yield f"{case.name}: root {root.hex()[:8]}, not {case.root.hex()[:8]}. {differences}"


def _problems_of_bytes(case: StateCase, transaction: Transaction, sender: Address) -> Iterator[str]:
    if case.sender is not None and sender != case.sender:
        yield f"{case.name}: signed by {sender.hex()}"
    if case.fields is not None:
        names = ["y_parity", "r", "s"]
        if transaction.tx_type == 0 or case.errors:
            names.append("chain_id")  # The fields don't tell it.
        signed = {name: getattr(transaction, name) for name in names}
        if msgspec.structs.replace(case.fields, **signed) != transaction:
            yield f"{case.name}: bytes say {transaction}, fields {case.fields}"


def _problem_of_refusal(case: StateCase, refusal: InvalidTransaction | None) -> str | None:
    unknown = [name for name in case.errors if name not in STATE_REASONS]
    if unknown:
        return f"unknown error {unknown}"
    if refusal is None:
        return f"accepted, not {case.errors}" if case.errors else None
    if not case.errors:
        return f"refused: {type(refusal).__name__} ({refusal})"
    if any(isinstance(refusal, STATE_REASONS[name]) for name in case.errors):
        return None
    if isinstance(refusal, errors.UnsupportedType) and is_later_type(case.raw, case.fork):
        return None
    return f"{type(refusal).__name__} ({refusal}), not {case.errors}"


def _differences(case: StateCase, bench: Bench) -> Iterator[str]:
    """Explain another root, as far as the test gives the accounts."""
    if case.state is None:
        return
    expected = read_accounts(case.state)
    for address in sorted({*expected, *read_accounts(case.pre)}):
        due, found = expected.get(address), bench.account(address)
        if due is None or found is None:
            if due is not found:
                yield f"{address.hex()} is {found}, not {due}"
            continue
        for name in ("nonce", "balance", "code"):
            if getattr(found, name) != getattr(due, name):
                yield f"{address.hex()} {name} {getattr(found, name)}, not {getattr(due, name)}"
        for slot in sorted({*due.storage, *found.storage}):
            is_, due_ = found.storage.get(slot, 0), due.storage.get(slot, 0)
            if is_ != due_:
                yield f"{address.hex()} slot {slot:#x} {is_:#x}, not {due_:#x}"
