"""Random blocks full of conflicts, and what it takes to execute one.

A few accounts and contracts, few slots, short programs of everything that steps on somebody's toes:
shared counters, looks at other balances, payments that run dry, creations at the same address,
self-destruction, delegation, calls that fail after having looked at something.
"""

from collections.abc import Callable
from functools import cache
from random import Random
from typing import NamedTuple

import msgspec

from contracts.opcodes import Op
from node.execution import BlockExecution, ExecutedBlock, Executor, genesis_executed
from node.execution_setting import BlockSetting, ExecutionEngine, block_setting
from node.execution_transaction import TransactionRun
from node.executors.executor import BlockHints
from node.schedule.hint import ScheduleHint
from node.validation import PooledTransaction
from node.validation_errors import InvalidBlockTransaction
from primitives.access import AccessSet
from primitives.address import address_from_private_key
from primitives.block_access_list import BlockAccessList
from primitives.committee import Committee
from primitives.fork import Fork
from primitives.genesis import Genesis, GenesisContract
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from primitives.params import ChainParams
from primitives.receipt import Receipt
from primitives.transaction import (
    Authorization,
    DynamicFeeTransaction,
    SetCodeTransaction,
    Transaction,
    encode_transaction,
    intrinsic_gas,
    sign_authorization,
)
from storage.changes import StateChanges

GWEI = 10**9
FORKS = (Fork.LONDON, Fork.PARIS, Fork.SHANGHAI, Fork.CANCUN, Fork.PRAGUE, Fork.OSAKA)
COMMITTEE = Committee.of_keys(bytes([index]) * 32 for index in range(4))
KEYS = tuple(keccak256(b"person %d" % index) for index in range(5))
PEOPLE = tuple(address_from_private_key(key) for key in KEYS)
CONTRACTS = tuple(Address(bytes(18) + bytes([0xC0, number])) for number in range(4))
MINER = Address(b"\xfe" * 20)
NOBODY = Address(b"\xaa" * 20)
PLACES = (*PEOPLE, *CONTRACTS, MINER, NOBODY)
ENGINE = ExecutionEngine()


class RandomBlock(NamedTuple):
    """A block that has not begun: transactions without signatures, whose senders are known."""

    parent: ExecutedBlock
    setting: BlockSetting
    transactions: tuple[PooledTransaction, ...]


class Outcome(NamedTuple):
    """All that an execution can be told by."""

    refused: tuple[int, str, str] | None
    receipts: tuple[Receipt, ...]
    gas_used: int
    burnt: int
    tips: int
    changes: StateChanges | None
    root: Hash32 | None
    access_list: BlockAccessList | None
    runs: tuple[TransactionRun, ...]
    """Of which hints and tallies are made."""


def push(value: int | bytes) -> bytes:
    data = (
        value if isinstance(value, bytes) else value.to_bytes(max(1, (value.bit_length() + 7) // 8))
    )
    return bytes([Op.PUSH0 + len(data)]) + data


def random_program(random: Random, size: int) -> bytes:
    """A program of a few statements, each of which leaves the stack as it was."""
    return b"".join([random.choice(STATEMENTS)(random) for _ in range(size)]) + bytes([Op.STOP])


def _slot(random: Random) -> bytes:
    return push(random.randrange(3))


def _place(random: Random) -> bytes:
    return push(random.choice(PLACES))


def _count_up(random: Random) -> bytes:
    slot = _slot(random)
    return push(1) + slot + bytes([Op.SLOAD, Op.ADD]) + slot + bytes([Op.SSTORE])


def _copy(random: Random) -> bytes:
    return _slot(random) + bytes([Op.SLOAD]) + _slot(random) + bytes([Op.SSTORE])


def _clear(random: Random) -> bytes:
    return push(0) + _slot(random) + bytes([Op.SSTORE])


def _store_input(random: Random) -> bytes:
    return push(0) + bytes([Op.CALLDATALOAD]) + _slot(random) + bytes([Op.SSTORE])


def _look(random: Random) -> bytes:
    operation = random.choice([Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH])
    return _place(random) + bytes([operation]) + _slot(random) + bytes([Op.SSTORE])


def _log_own(random: Random) -> bytes:
    operation = random.choice([Op.SELFBALANCE, Op.COINBASE, Op.CALLVALUE])
    return bytes([operation]) + push(0) + bytes([Op.MSTORE]) + push(32) + push(0) + bytes([Op.LOG0])


def _call(random: Random) -> bytes:
    gas = push(random.choice([0, 5_000, 60_000]))
    none = push(0) * 4
    kind = random.choice([Op.CALL, Op.CALL, Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL])
    value = push(random.choice([0, 1, GWEI])) if kind in (Op.CALL, Op.CALLCODE) else b""
    return none + value + _place(random) + gas + bytes([kind, Op.POP])


def _pay(random: Random) -> bytes:
    """Send a wei or two on: who has few of them runs dry, without ever looking at his balance."""
    gas_and_place = _place(random) + push(0)
    return push(0) * 4 + push(random.choice([1, 1, 2])) + gas_and_place + bytes([Op.CALL, Op.POP])


def _create(random: Random) -> bytes:
    """Create a contract whose initcode is one byte or a counter, maybe where one stands."""
    initcode = random.choice(
        [b"\x00", b"\xfe", bytes([Op.CALLER, Op.SELFDESTRUCT]), b"\x60\x01\x5f\x55"]
    )
    store = push(initcode) + push(0) + bytes([Op.MSTORE])
    start, length = push(32 - len(initcode)), push(len(initcode))
    value = push(random.choice([0, 0, 1]))
    if random.random() < 0.5:
        return (
            store + push(random.randrange(2)) + length + start + value + bytes([Op.CREATE2, Op.POP])
        )
    return store + length + start + value + bytes([Op.CREATE, Op.POP])


def _maybe_fail(random: Random) -> bytes:
    """Go on if a slot is even, else revert, end in error or destroy oneself."""
    ends = [push(0) * 2 + bytes([Op.REVERT]), b"\xfe", _place(random) + bytes([Op.SELFDESTRUCT])]
    end = random.choice(ends)
    test = push(1) + _slot(random) + bytes([Op.SLOAD, Op.AND, Op.ISZERO])
    # PC, ADD: the target is relative, so that programs can be put together.
    jump = bytes([Op.PC]) + push(len(end) + 5) + bytes([Op.ADD, Op.JUMPI])
    return test + jump + end + bytes([Op.JUMPDEST])


def _transient(random: Random) -> bytes:
    return push(1) + _slot(random) + bytes([Op.TSTORE])


STATEMENTS: tuple[Callable[[Random], bytes], ...] = (
    _count_up, _count_up, _copy, _clear, _store_input, _look, _look, _log_own, _call, _call, _call,
    _pay, _pay, _pay, _create, _create, _maybe_fail, _maybe_fail, _transient, _log_own,
)  # fmt: skip


@cache
def authorization(signer: int, place: int, nonce: int) -> Authorization:
    unsigned = Authorization(0, PLACES[place], nonce)
    return sign_authorization(unsigned, KEYS[signer])


def random_block(seed: int, length: int = 10, fork: Fork | None = None) -> RandomBlock:
    """Return the block of a seed, of a random fork unless one is given."""
    random = Random(seed)
    fork = fork or random.choice(FORKS)
    params = ChainParams(
        fork=fork,
        gas_limit=Gas(random.choice([2_000_000, 30_000_000])),
        block_access_list=fork is Fork.OSAKA,
    )
    rich, poor = 10**18, 10**16
    alloc = tuple((person, Wei(random.choice([rich, rich, poor]))) for person in PEOPLE)
    alloc += tuple((place, Wei(random.randrange(3))) for place in CONTRACTS)
    contracts = tuple(
        GenesisContract(
            place,
            random_program(random, random.randrange(1, 5)),
            storage=tuple(
                (slot, random.randrange(1, 4)) for slot in range(3) if random.random() < 0.5
            ),
        )
        for place in CONTRACTS
    )
    parent = _genesis(Genesis(params, alloc, COMMITTEE, contracts=contracts))
    base = parent.block.header
    header = msgspec.structs.replace(
        base,
        number=1,
        timestamp=base.timestamp + 1,
        fee_recipient=random.choice(PLACES),
        parent_hash=parent.digest,
    )
    setting = block_setting(header, parent.child_ancestors(), params, ENGINE)
    nonces = dict.fromkeys(PEOPLE, 0)
    transactions = tuple(
        _transaction(random, fork, setting, nonces) for _ in range(random.randrange(1, length + 1))
    )
    return RandomBlock(parent, setting, transactions)


def _genesis(genesis: Genesis) -> ExecutedBlock:
    return genesis_executed(genesis)


def _transaction(
    random: Random, fork: Fork, setting: BlockSetting, nonces: dict[Address, int]
) -> PooledTransaction:
    sender = random.choice(PEOPLE)
    nonce = nonces[sender] + (random.random() < 0.01)
    nonces[sender] += 1
    to = None if random.random() < 0.1 else random.choice((*PLACES, *CONTRACTS, *CONTRACTS))
    data = random.randbytes(random.choice([0, 0, 32]))
    if to is None:
        data = random_program(random, 2)
    gas = Gas(random.choice([21_000, 60_000, 200_000, 600_000]))
    value = Wei(random.choice([0, 0, 1, GWEI, 10**15]))
    tip = Wei(random.choice([0, 1, GWEI]))
    cap = Wei(setting.context.base_fee + tip)
    chain = setting.params.chain_id
    transaction: Transaction
    if fork >= Fork.PRAGUE and to is not None and random.random() < 0.2:
        signer = random.randrange(len(KEYS))
        given = authorization(
            signer, random.randrange(len(PLACES)), nonces[PEOPLE[signer]] + random.randrange(2)
        )
        transaction = SetCodeTransaction(chain, nonce, tip, cap, gas, to, value, data, (), (given,))
        if random.random() < 0.7:
            nonces[PEOPLE[signer]] += 1
    else:
        transaction = DynamicFeeTransaction(chain, nonce, tip, cap, gas, to, value, data)
    least = intrinsic_gas(transaction, fork).minimum
    if gas < least:
        transaction = msgspec.structs.replace(transaction, gas_limit=Gas(least))
    return PooledTransaction(
        transaction,
        encode_transaction(transaction),
        Hash32(bytes(32)),
        sender,
        to,
        nonce,
        value,
        transaction.gas_limit,
        Gas(least),
        cap,
        tip,
        transaction.gas_limit * cap + value,
    )


def executed(block: RandomBlock, executor: Executor) -> tuple[Outcome, BlockExecution]:
    """Execute a block, and say all that came out of it."""
    execution = BlockExecution(block.parent.state, block.parent.epoch, block.setting)
    execution.begin()
    refused = None
    try:
        executor(execution, block.transactions)
    except InvalidBlockTransaction as error:
        refused = error.index, type(error.reason).__name__, str(error.reason)
    else:
        execution.finish()
    listed = execution.access_list() if block.setting.params.block_access_list else None
    receipts, gas = tuple(execution.receipts), execution.gas_used
    state = None if refused else execution.commit()
    outcome = Outcome(
        refused,
        receipts,
        gas,
        execution.burnt,
        execution.tips,
        None if state is None else state.all_changes,
        None if state is None else state.root(),
        listed,
        tuple(execution.runs),
    )
    return outcome, execution


def hints_of(random: Random, kind: str, block: RandomBlock, right: BlockHints) -> BlockHints:
    """Return hints that are right, missing, mixed up, or made up to hurt."""
    count = len(block.transactions)
    schedule = right.schedule
    assert schedule is not None
    match kind:
        case "right":
            return right
        case "none":
            return BlockHints()
        case "mixed":
            drawn = [random.randrange(len(schedule.gas)) for _ in range(count) if schedule.gas]
            accesses = tuple([schedule.accesses[place] for place in drawn])
            mixed = ScheduleHint(accesses, tuple([schedule.gas[place] for place in drawn]))
            return BlockHints(mixed, _mixed_list(random, right.access_list))
        case _:
            keys = tuple(random.randbytes(random.choice([0, 1, 20, 21, 52])) for _ in range(3))
            made_up = AccessSet(keys, keys + keys, (keys[0], PEOPLE[0] + b"b"))
            many = random.choice([0, 1, count, count, count + 1])
            hostile = ScheduleHint((made_up,) * many, (random.choice([0, 1, 2**60]),) * many)
            return BlockHints(hostile, _mixed_list(random, right.access_list))


def _mixed_list(random: Random, accounts: BlockAccessList | None) -> BlockAccessList | None:
    """Return a list of the same accounts with the changes of others."""
    if not accounts:
        return accounts
    return tuple(
        msgspec.structs.replace(random.choice(accounts), address=account.address)
        for account in accounts
    )
