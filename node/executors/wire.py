"""What coordinator and worker processes tell one another, in bytes.

Only what the other does not have travels: a block's setting, transactions, cells of the state that
a worker has not seen yet, changes of other workers' transactions, and outcomes. Integers that may
have more than 64 bits travel as bytes.

A frame is its length, four bytes big-endian, and a message in MessagePack.
"""

from typing import Final, TypeAlias

import msgspec

from contracts.result import ExecutionResult
from node.execution_transaction import TransactionRun
from node.executors.work import End
from primitives.bloom import EMPTY_BLOOM
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.receipt import Log
from storage.account import Account
from storage.outcome import Change, Outcome, Sight

LENGTH_BYTES = 4

WireAccount: TypeAlias = tuple[Address, tuple[int, bytes, Hash32] | None]
"""Address; nonce, balance and code hash, None without account."""
WireSlot: TypeAlias = tuple[Address, bytes, bytes]
"""Address, slot, value."""


class WireSetting(msgspec.Struct, frozen=True, array_like=True):
    """A block, as its transactions can see it."""

    fork: int
    chain_id: int
    number: int
    timestamp: int
    fee_recipient: Address
    gas_limit: Gas
    base_fee: bytes
    prev_randao: Hash32
    blob_base_fee: bytes
    hashes: tuple[Hash32, ...]
    """Of the blocks below, the parent first."""
    blob_gas_max: Gas
    verifies_kzg: bool


class Cells(msgspec.Struct, frozen=True, array_like=True):
    """Cells of the state before a block, for a worker to keep."""

    accounts: tuple[WireAccount, ...] = ()
    slots: tuple[WireSlot, ...] = ()


class WireChange(msgspec.Struct, frozen=True, array_like=True):
    """`storage.outcome.Change`."""

    address: Address
    delta: bytes
    nonce: int | None
    code_hash: Hash32 | None
    code: bytes | None
    slots: tuple[tuple[bytes, bytes], ...]
    is_wiped: bool
    is_destroyed: bool
    starts_or_ends: bool


class WireSight(msgspec.Struct, frozen=True, array_like=True):
    """`storage.outcome.Sight`."""

    address: Address
    nonce: int | None
    code_hash: Hash32 | None
    exists: bool | None
    balance: bytes | None
    balance_min: bytes
    has_storage: bool | None
    slots: tuple[tuple[bytes, bytes], ...]


class WireResult(msgspec.Struct, frozen=True, array_like=True):
    """`contracts.result.ExecutionResult`, and what of the outcome is no sight and no change."""

    succeeded: bool
    gas_used: Gas
    output: bytes
    created: Address | None
    failure: str | None
    tip: bytes
    burnt: bytes
    blob_gas_used: Gas
    logs: tuple[Log, ...]
    bloom: bytes
    """Empty if there are no logs."""
    touched: tuple[Address, ...]
    fresh_slots: tuple[tuple[Address, tuple[bytes, ...]], ...]


class WireEnd(msgspec.Struct, frozen=True, array_like=True):
    """`node.executors.work.End`."""

    index: int
    blocked: int | None
    result: WireResult | None
    sights: tuple[WireSight, ...]
    changes: tuple[WireChange, ...]


class News(msgspec.Struct, frozen=True, array_like=True):
    """What a transaction that another worker ran has changed."""

    index: int
    changes: tuple[WireChange, ...]


class BlockBegins(msgspec.Struct, frozen=True, tag=True):
    """To a worker: turn to a block."""

    setting: WireSetting
    forget_all: bool
    """Whether nothing of the state that the worker knows holds any more."""
    forget: Cells
    """Cells that it must not use any more; their values mean nothing."""
    changed: Cells
    """New values of cells that it knows."""
    assumed: bytes
    """The encoded access list that is to be believed; empty without one."""


class RunJobs(msgspec.Struct, frozen=True, tag=True):
    """To a worker: run transactions, one after the other."""

    jobs: tuple[tuple[int, bytes, Address], ...]
    """Index, encoding and sender of each."""
    cells: Cells
    news: tuple[News, ...]
    expected: tuple[int, ...]
    """Who is about to run again elsewhere."""


class DoTask(msgspec.Struct, frozen=True, tag=True):
    """To a worker: do a task of a batch."""

    name: str
    task: bytes


class AskCell(msgspec.Struct, frozen=True, tag=True):
    """From a worker that cannot go on without something: an account, or a slot of it."""

    address: Address
    slot: bytes | None = None


class AskCode(msgspec.Struct, frozen=True, tag=True):
    """From a worker: code by its hash."""

    code_hash: Hash32


class AskStorage(msgspec.Struct, frozen=True, tag=True):
    """From a worker: whether an account has any slot set, others than those."""

    address: Address
    but: tuple[bytes, ...]


class Answer(msgspec.Struct, frozen=True, tag=True):
    """To a worker that has asked."""

    cells: Cells = Cells()
    code: bytes | None = None
    """None also if there is no such code."""
    has_storage: bool = False


class JobsEnded(msgspec.Struct, frozen=True, tag=True):
    """From a worker: some attempts have ended."""

    ends: tuple[WireEnd, ...]


class TaskDone(msgspec.Struct, frozen=True, tag=True):
    """From a worker: the result of a task."""

    result: bytes


Order: TypeAlias = BlockBegins | RunJobs | DoTask | Answer
"""To a worker."""
Report: TypeAlias = AskCell | AskCode | AskStorage | JobsEnded | TaskDone
"""From a worker."""


_ORDERS: Final = msgspec.msgpack.Decoder(Order)
_REPORTS: Final = msgspec.msgpack.Decoder(Report)


def frame(message: Order | Report) -> bytes:
    """Return a message as it travels."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def read_order(body: bytes) -> Order:
    """Return what a worker is told, its frame's length cut off."""
    order: Order = _ORDERS.decode(body)
    return order


def read_report(body: bytes) -> Report:
    """Return what a worker tells, its frame's length cut off."""
    report: Report = _REPORTS.decode(body)
    return report


def pack_int(value: int) -> bytes:
    """Return an integer of any size and sign as bytes."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def unpack_int(data: bytes) -> int:
    """Return the integer that `pack_int` has packed."""
    return int.from_bytes(data, "big", signed=True)


def pack_account(address: Address, account: Account | None) -> WireAccount:
    """Return an account as it travels."""
    if account is None:
        return address, None
    return address, (account.nonce, pack_int(account.balance), account.code_hash)


def unpack_account(packed: WireAccount) -> Account | None:
    """Return the account that `pack_account` has packed."""
    fields = packed[1]
    if fields is None:
        return None
    return Account(fields[0], Wei(unpack_int(fields[1])), fields[2])


def pack_end(end: End) -> WireEnd:
    """Return the end of an attempt as it travels."""
    run = end.run
    if run is None:
        sights = tuple([_pack_sight(each) for each in end.sights])
        return WireEnd(end.index, end.blocked, None, sights, ())
    result, outcome = run.result, run.outcome
    packed = WireResult(
        result.succeeded,
        result.gas_used,
        result.output,
        result.created,
        result.failure,
        pack_int(result.tip),
        pack_int(result.burnt),
        result.blob_gas_used,
        outcome.logs,
        run.bloom if outcome.logs else b"",
        outcome.touched,
        tuple([(each, tuple(map(pack_int, slots))) for each, slots in outcome.fresh_slots]),
    )
    sights = tuple([_pack_sight(each) for each in outcome.sights])
    changes = tuple([_pack_change(each) for each in outcome.changes])
    return WireEnd(end.index, None, packed, sights, changes)


def unpack_end(packed: WireEnd) -> End:
    """Return the end of an attempt that `pack_end` has packed."""
    sights = tuple([_unpack_sight(each) for each in packed.sights])
    result = packed.result
    if result is None:
        return End(packed.index, None, sights, packed.blocked)
    outcome = Outcome(
        sights,
        unpack_changes(packed.changes),
        result.logs,
        result.touched,
        tuple([(each, tuple(map(unpack_int, slots))) for each, slots in result.fresh_slots]),
    )
    done = ExecutionResult(
        result.succeeded,
        result.gas_used,
        result.output,
        result.created,
        result.failure,
        Wei(unpack_int(result.tip)),
        Wei(unpack_int(result.burnt)),
        result.blob_gas_used,
    )
    return End(packed.index, TransactionRun(done, outcome, result.bloom or EMPTY_BLOOM), sights)


def unpack_changes(packed: tuple[WireChange, ...]) -> tuple[Change, ...]:
    """Return the changes of an outcome."""
    return tuple([_unpack_change(each) for each in packed])


def _pack_change(change: Change) -> WireChange:
    return WireChange(
        change.address,
        pack_int(change.delta),
        change.nonce,
        change.code_hash,
        change.code,
        tuple([(pack_int(slot), pack_int(value)) for slot, value in change.slots]),
        change.is_wiped,
        change.is_destroyed,
        change.starts_or_ends,
    )


def _unpack_change(packed: WireChange) -> Change:
    return Change(
        packed.address,
        unpack_int(packed.delta),
        packed.nonce,
        packed.code_hash,
        packed.code,
        tuple([(unpack_int(slot), unpack_int(value)) for slot, value in packed.slots]),
        packed.is_wiped,
        packed.is_destroyed,
        packed.starts_or_ends,
    )


def _pack_sight(sight: Sight) -> WireSight:
    return WireSight(
        sight.address,
        sight.nonce,
        sight.code_hash,
        sight.exists,
        None if sight.balance is None else pack_int(sight.balance),
        pack_int(sight.balance_min),
        sight.has_storage,
        tuple([(pack_int(slot), pack_int(value)) for slot, value in sight.slots]),
    )


def _unpack_sight(packed: WireSight) -> Sight:
    return Sight(
        packed.address,
        packed.nonce,
        packed.code_hash,
        packed.exists,
        None if packed.balance is None else unpack_int(packed.balance),
        unpack_int(packed.balance_min),
        packed.has_storage,
        tuple([(unpack_int(slot), unpack_int(value)) for slot, value in packed.slots]),
    )
