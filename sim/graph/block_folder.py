"""A block of the main network from a folder, executed here.

The folder has `block.json` (as JSON-RPC gives it, with whole transactions), `pre_state.json` (the
accounts and slots that it touches, before it) and `bytecodes.json` (code by its hash), as the pevm
project publishes them; `block_hashes.json` where contracts ask for hashes of blocks below. What the
block gives is compared with its header, so figures never come from another execution than the
chain's.

Reference: risechain/pevm, `data/`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from contracts.context import BlockContext
from node.execution_blob_gas import blob_base_fee
from node.execution_setting import BlockSetting, ExecutionEngine
from node.execution_system import begin_block
from node.execution_transaction import TransactionRun, run_transaction
from node.validation import PooledTransaction, check_transaction
from primitives.bloom import logs_bloom
from primitives.errors import InvalidInput
from primitives.fork import Fork
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import EMPTY_KECCAK, keccak256
from primitives.kzg import CkzgVerifier
from primitives.receipt import Receipt, encode_receipt
from primitives.transaction import InvalidTransaction, encode_transaction
from primitives.trie import ordered_root
from sim.graph.mainnet import mainnet_params
from sim.graph.rpc_block import (
    AddressText,
    HashText,
    Octets,
    Quantity,
    RpcBlock,
    number,
    octets,
    rebuild_transaction,
)
from sim.graph.subject import Subject
from storage.account import Account
from storage.changes import StateChanges
from storage.state import StateLayer, StateOverlay

FILE_BYTES_MAX = 256 * 1024 * 1024
"""Longest file that is read."""

_Nonce = Annotated[int, msgspec.Meta(ge=0)]
_T = TypeVar("_T")


class _PreAccount(msgspec.Struct, frozen=True):
    """An account before the block."""

    balance: Quantity
    nonce: _Nonce | Quantity
    code_hash: HashText | None = None
    storage: dict[Quantity, Quantity] = {}


def read_block_folder(folder: Path) -> Subject:
    """Read the block, execute it, and return what its transactions accessed.

    Raises:
        InvalidInput: a file is missing or malformed, or the block is not what its header says.
    """
    place = folder / "block.json"
    block = _read(place, RpcBlock, "a block in the form of JSON-RPC, with whole transactions")
    height, timestamp = number(block.number), number(block.timestamp)
    params = mainnet_params(height, timestamp)
    checked = []
    for index, fields in enumerate(block.transactions):
        where = f"{place}: transactions[{index}]"
        raw = encode_transaction(rebuild_transaction(fields, where))
        try:
            checked.append(check_transaction(raw, params))
        except InvalidTransaction as error:
            raise InvalidInput(where, "a valid transaction", str(error)) from error
    setting = _setting(block, folder, params.fork)
    runs = _execute(setting, _pre_state(folder), checked, str(place))
    _compare(block, params.fork, checked, runs, str(place))
    return Subject(
        name=f"block {height} of Ethereum's main network",
        label=str(height),
        transactions=tuple(checked),
        accesses=tuple([run.outcome.accesses for run in runs]),
        gas=tuple([run.result.gas_used for run in runs]),
        fee_recipient=setting.context.fee_recipient,
    )


def _read(path: Path, kind: type[_T], expected: str) -> _T:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise InvalidInput(str(path), f"at most {FILE_BYTES_MAX} bytes", path.stat().st_size)
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise InvalidInput(str(path), "a file that can be read", error.strerror) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(str(path), expected, str(error)) from error


def _setting(block: RpcBlock, folder: Path, fork: Fork) -> BlockSetting:
    height, timestamp = number(block.number), number(block.timestamp)
    params = mainnet_params(height, timestamp)
    randao = octets(block.mix_hash)
    if fork < Fork.PARIS:
        randao = number(block.difficulty).to_bytes(32, "big")
    engine = ExecutionEngine(CkzgVerifier())
    context = BlockContext(
        fork=fork,
        chain_id=params.chain_id,
        number=height,
        timestamp=timestamp,
        fee_recipient=Address(octets(block.miner)),
        gas_limit=Gas(number(block.gas_limit)),
        base_fee=Wei(number(block.base_fee_per_gas)),
        prev_randao=Hash32(randao),
        blob_base_fee=blob_base_fee(number(block.excess_blob_gas), params),
        block_hash=_block_hashes(folder),
        kzg=engine.kzg,
    )
    root = block.parent_beacon_block_root
    return BlockSetting(
        params,
        context,
        engine.evm(fork),
        Hash32(octets(block.parent_hash)),
        None if root is None else Hash32(octets(root)),
    )


def _block_hashes(folder: Path) -> Callable[[int], Hash32]:
    path = folder / "block_hashes.json"
    if not path.exists():
        found: dict[str, str] = {}
    else:
        found = _read(path, dict[str, HashText], "hashes of blocks by height")
    hashes = {int(height, 0): Hash32(octets(text)) for height, text in found.items()}

    def block_hash(height: int) -> Hash32:
        if height not in hashes:
            expected = f"the hash of block {height}, which a contract asks for"
            raise InvalidInput(str(path), expected, "none")
        return hashes[height]

    return block_hash


def _pre_state(folder: Path) -> StateLayer:
    codes = {
        Hash32(octets(name)): octets(code)
        for name, code in _read(
            folder / "bytecodes.json", dict[HashText, Octets], "code by its hash"
        ).items()
    }
    for name, code in codes.items():
        if keccak256(code) != name:
            where = f"{folder / 'bytecodes.json'}: 0x{name.hex()}"
            raise InvalidInput(where, "the code of this hash", f"0x{keccak256(code).hex()}")
    place = folder / "pre_state.json"
    accounts: dict[Address, Account | None] = {}
    slots: dict[Address, dict[int, int]] = {}
    form = dict[AddressText, _PreAccount]
    for text, found in _read(place, form, "accounts by address").items():
        address = Address(octets(text))
        code_hash = EMPTY_KECCAK if found.code_hash is None else Hash32(octets(found.code_hash))
        if code_hash != EMPTY_KECCAK and code_hash not in codes:
            raise InvalidInput(f"{place}: {text}", "code that bytecodes.json has", found.code_hash)
        nonce = found.nonce if isinstance(found.nonce, int) else number(found.nonce)
        accounts[address] = Account(nonce, Wei(number(found.balance)), code_hash)
        values = {number(slot): number(value) for slot, value in found.storage.items()}
        slots[address] = {slot: value for slot, value in values.items() if value}
    slots = {address: values for address, values in slots.items() if values}
    return StateLayer(None, StateChanges(accounts, slots, {}, codes))


def _execute(
    setting: BlockSetting, before: StateLayer, transactions: list[PooledTransaction], where: str
) -> list[TransactionRun]:
    state = StateOverlay(before)
    begin_block(setting, state, state.apply)
    runs = []
    for index, transaction in enumerate(transactions):
        try:
            run = run_transaction(transaction, state, setting)
        except InvalidTransaction as error:
            place = f"{where}: transactions[{index}]"
            expected = "a transaction that may stand there, on the state of pre_state.json"
            raise InvalidInput(place, expected, str(error)) from error
        state.apply(run.outcome)
        runs.append(run)
    return runs


def _compare(
    block: RpcBlock,
    fork: Fork,
    transactions: list[PooledTransaction],
    runs: list[TransactionRun],
    where: str,
) -> None:
    """Refuse a block whose execution gives something else than its header says."""
    total, receipts = 0, []
    for transaction, run in zip(transactions, runs, strict=True):
        total += run.result.gas_used
        logs = run.outcome.logs
        status, kind = int(run.result.succeeded), transaction.transaction.tx_type
        receipts.append(Receipt(kind, status, Gas(total), logs_bloom(logs), logs))
    if total != number(block.gas_used):
        raise InvalidInput(f"{where}: gasUsed", f"{total}, as executed", number(block.gas_used))
    if fork < Fork.BYZANTIUM:
        return
    root = "0x" + ordered_root([encode_receipt(receipt) for receipt in receipts]).hex()
    if root != block.receipts_root.lower():
        raise InvalidInput(f"{where}: receiptsRoot", f"{root}, as executed", block.receipts_root)
