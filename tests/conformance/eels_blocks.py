"""Random blocks for the comparison with EELS, valid ones and such with something wrong in them.

A block is made by our own execution on a random parent, and then offered to both. Copies of it with
one field changed are offered as well, and both must refuse those.
"""

from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any

from msgspec.structs import replace

from bench.peers.case import Case
from bench.peers.orrery_row import layer_of
from contracts.deposits import DEPOSIT_EVENT, FIELDS
from contracts.opcodes import Op
from contracts.system import requests_hash
from node.execution import BlockExecution, ExecutedBlock
from node.execution_base_fee import next_base_fee
from node.execution_blob_gas import blob_base_fee, next_excess_blob_gas
from node.execution_difficulty import next_difficulty
from node.execution_setting import ExecutionEngine, block_setting
from node.validation import check_transaction
from node.validation_block import execute_block
from node.validation_errors import InvalidBlock
from primitives.block import (
    Block,
    Withdrawal,
    encode_block,
    transactions_root,
    withdrawals_root,
)
from primitives.committee import Committee
from primitives.epoch import first_epoch
from primitives.fork import Fork
from primitives.header import EMPTY_OMMERS_HASH, Header, header_hash
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from primitives.params import ChainParams
from primitives.system_contracts import (
    BEACON_ROOTS_ADDRESS,
    CONSOLIDATION_REQUESTS_ADDRESS,
    DEPOSIT_ADDRESS,
    HISTORY_ADDRESS,
    SYSTEM_CODE,
    WITHDRAWAL_REQUESTS_ADDRESS,
)
from primitives.transaction import (
    InvalidTransaction,
    LegacyTransaction,
    Transaction,
    encode_transaction,
    intrinsic_gas,
    sign_transaction,
)
from primitives.transaction.types import AccessListTransaction
from primitives.trie import EMPTY_ROOT
from tests.conformance.eels_programs import push
from tests.conformance.eels_worlds import (
    BLOB_GAS,
    KEYS,
    MINER,
    NOBODY,
    World,
    block_hash,
)

EPOCH = first_epoch(Committee.of_keys([bytes(32)]))
NUMBER = 2
"""Of the block: EELS is told of its parent only, and of that block's parent's hash."""
START = 1_000
"""Timestamp of the parent, in seconds."""
ZERO_HASH = Hash32(bytes(32))
LOGS_INPUT = (
    bytes([Op.CALLDATASIZE]) + push(0) + push(0) + bytes([Op.CALLDATACOPY])
    + push(int.from_bytes(DEPOSIT_EVENT, "big"), 32)
    + bytes([Op.CALLDATASIZE]) + push(0) + bytes([Op.LOG0 + 1])
)  # fmt: skip
"""Stands where the deposit contract does: whatever it is sent becomes a deposit event."""
HOSTILE = (b"\xfe", b"\x60\x00\x60\x00\xfd", b"\x60\x4c\x60\x00\xf3")
"""In place of a system contract: a failure, a revert, an answer of zeros."""


def deposit_event(random: Random) -> bytes:
    """Return the data of a deposit event, now and then with a flaw."""
    data, place = b"", 32 * len(FIELDS)
    for _, size in FIELDS:
        data += place.to_bytes(32, "big")
        place += 32 + (size + 31) // 32 * 32
    for _, size in FIELDS:
        data += size.to_bytes(32, "big") + random.randbytes(size) + bytes(-size % 32)
    if random.random() < 0.15:
        spoilt = bytearray(data)
        spoilt[random.randrange(len(data))] ^= 1 << random.randrange(8)
        data = bytes(spoilt)
    if random.random() < 0.1:
        data = random.choice((data[:-1], data + b"\0"))
    return data


class BlockMaker:
    """Makes one random block, and copies that are wrong."""

    def __init__(self, random: Random, world: World, engine: ExecutionEngine) -> None:
        self.random, self.world, self.engine = random, world, engine
        self.fork = world.fork
        self.params = ChainParams(
            chain_id=1,
            fork=self.fork,
            timestamp_rule="strict",
            gas_limit_rule="ethereum",
            beacon_rule="given",
            withdrawal_rule="given",
            checkpoint_interval=2**31 - 1,
        )
        self._put_system_contracts()
        accounts = world.accounts
        for name in [name for name, each in accounts.items() if _is_empty(each)]:
            del accounts[name]
        parent = Block(self._parent_header(), ())
        self.parent = ExecutedBlock(
            parent, encode_block(parent), header_hash(parent.header), (), (),
            layer_of(world.case([])), Wei(0), Wei(0), EPOCH, ancestors=(block_hash(0),),
        )  # fmt: skip

    def case(self, block: Block) -> Case:
        """Return what EELS is asked."""
        return {
            "name": "block",
            "fork": self.fork.name.lower(),
            "accounts": self.world.accounts,
            "parent": self.parent.payload.hex(),
            "block": encode_block(block).hex(),
        }

    def refusal(self, block: Block) -> str | None:
        """Return why we refuse a block, None if we do not."""
        try:
            execute_block(self.parent, encode_block(block), self.params, engine=self.engine)
        except InvalidBlock as error:
            return f"{type(error).__name__} {error}"
        return None

    def blocks(self) -> Iterator[Block]:
        """Yield a block, and two with another value in one field of the header."""
        block = self._block()
        yield block
        header = block.header
        for name in self.random.sample(SPOILT, 2):
            value = getattr(header, name)
            if value is None:
                continue
            other: Any = self.random.randbytes(len(value)) if isinstance(value, bytes) else None
            if other is None:
                other = max(1, value + self.random.choice((1, -1, BLOB_GAS)))
            yield replace(block, header=replace(header, **{name: other}))
        if block.transactions:
            yield replace(block, transactions=block.transactions[:-1])

    def _put_system_contracts(self) -> None:
        random, accounts = self.random, self.world.accounts
        codes = dict(SYSTEM_CODE) if self.fork >= Fork.PRAGUE else {}
        codes[BEACON_ROOTS_ADDRESS] = SYSTEM_CODE[BEACON_ROOTS_ADDRESS]
        codes[DEPOSIT_ADDRESS] = LOGS_INPUT
        if random.random() < 0.1:
            program = self.world.writer.program(4)
            codes[random.choice(list(codes))] = random.choice((*HOSTILE, program))
        if random.random() < 0.05:
            del codes[random.choice(list(codes))]
        for address, code in codes.items():
            row = {"nonce": 1, "balance": 0, "code": code.hex(), "storage": {}}
            if address == WITHDRAWAL_REQUESTS_ADDRESS and random.random() < 0.2:
                row["storage"] = {"0": random.choice((2**256 - 1, random.randrange(1, 20)))}
            accounts[address.hex()] = row

    def _parent_header(self) -> Header:
        random, fork = self.random, self.fork
        limit = random.choice((30_000_000, 3_000_000, 5_120_000, 100_000))
        used = random.choice((0, limit // 2, limit, limit // 2 + 1, random.randrange(limit)))
        blobs = self.params.blob_schedule
        blob_gas = random.choice((0, blobs.most, blobs.target, random.randrange(blobs.most + 1)))
        excess = random.choice((0, BLOB_GAS, BLOB_GAS * blobs.target, 10**7, 5 * 10**7, 10**8))
        is_late = fork >= Fork.CANCUN
        return Header(
            block_hash(0), EMPTY_OMMERS_HASH, MINER, EMPTY_ROOT, EMPTY_ROOT, EMPTY_ROOT,
            bytes(256), 131_072 if fork < Fork.PARIS else 0, NUMBER - 1, Gas(limit), Gas(used),
            START, b"", ZERO_HASH, bytes(8), Wei(random.choice((0, 1, 7, 7, 8, 100, 10**9))),
            withdrawals_root=EMPTY_ROOT if fork >= Fork.SHANGHAI else None,
            blob_gas_used=Gas(blob_gas * BLOB_GAS) if is_late else None,
            excess_blob_gas=Gas(excess) if is_late else None,
            parent_beacon_block_root=ZERO_HASH if is_late else None,
            requests_hash=ZERO_HASH if fork >= Fork.PRAGUE else None,
        )  # fmt: skip

    def _header(self) -> Header:
        """Return the block's header before it is executed."""
        random, fork, parent = self.random, self.fork, self.parent.block.header
        time = START + random.choice((1, 12, 100))
        step = parent.gas_limit // 1_024
        limit = parent.gas_limit + random.choice((0, 0, 0, step - 1, 1 - step, step, -step))
        extra = b"" if random.random() < 0.9 else bytes(random.choice((32, 33)))
        difficulty = next_difficulty(time, parent) if fork < Fork.PARIS else 0
        is_late = fork >= Fork.CANCUN
        return replace(
            parent,
            parent_hash=self.parent.digest,
            fee_recipient=Address(bytes.fromhex(self.world.header["coinbase"])),
            difficulty=difficulty,
            number=NUMBER,
            gas_limit=Gas(limit),
            timestamp=time,
            extra_data=extra,
            prev_randao=keccak256(b"randao"),
            base_fee_per_gas=next_base_fee(parent, self.params),
            excess_blob_gas=next_excess_blob_gas(parent, self.params) if is_late else None,
            parent_beacon_block_root=keccak256(b"beacon") if is_late else None,
        )

    def _block(self) -> Block:
        random, params, header = self.random, self.params, self._header()
        setting = block_setting(header, self.parent.child_ancestors(), params, self.engine)
        execution = BlockExecution(self.parent.state, EPOCH, setting)
        execution.begin()
        raws = self._transactions(execution, header)
        withdrawals: tuple[Withdrawal, ...] = ()
        if self.fork >= Fork.SHANGHAI:
            places = (*self.world.around.targets, NOBODY, MINER)
            withdrawals = tuple(
                [
                    Withdrawal(n, 1, Address(random.choice(places)), random.choice((0, 1, 10**9)))
                    for n in range(random.choice((0, 0, 1, 3)))
                ]
            )
            header = replace(header, withdrawals_root=withdrawals_root(withdrawals))
        with suppress(InvalidBlock):  # A system contract has failed: nobody may accept it.
            execution.finish(withdrawals)
        if self.fork >= Fork.CANCUN:
            header = replace(header, blob_gas_used=Gas(execution.blob_gas_used))
        if self.fork >= Fork.PRAGUE:
            header = replace(header, requests_hash=requests_hash(execution.requests))
        header = replace(
            header,
            gas_used=Gas(execution.gas_used),
            receipts_root=execution.receipts_root(),
            logs_bloom=execution.logs_bloom(),
            transactions_root=transactions_root(raws),
            state_root=execution.commit().root(),
        )
        return Block(header, raws, withdrawals)

    def _transactions(self, execution: BlockExecution, header: Header) -> tuple[bytes, ...]:
        """Execute random transactions; return those that may stand, and hardly ever another."""
        random, nonces = self.random, list(self.world.nonces)
        raws = []
        for _ in range(random.choice((0, 1, 3, 6, 10))):
            person = random.randrange(len(KEYS))
            tx = sign_transaction(self._transaction(nonces[person], header), KEYS[person])
            raw = encode_transaction(tx)
            try:
                execution.execute(check_transaction(raw, self.params))
            except InvalidTransaction:
                if random.random() < 0.02:
                    raws.append(raw)
                continue
            nonces[person] += 1
            raws.append(raw)
        return tuple(raws)

    def _transaction(self, nonce: int, header: Header) -> Transaction:
        """Return a transaction that can pay, often one to a contract of the system."""
        random, world = self.random, self.world
        tx = world.unsigned(random.choice(world.types()), nonce)
        if random.random() < 0.4:
            to, data, value = random.choice(
                (
                    (WITHDRAWAL_REQUESTS_ADDRESS, random.randbytes(56), (0, 1, 2, 100)),
                    (CONSOLIDATION_REQUESTS_ADDRESS, random.randbytes(96), (0, 1, 2, 100)),
                    (DEPOSIT_ADDRESS, deposit_event(random), (0,)),
                    (BEACON_ROOTS_ADDRESS, START.to_bytes(32, "big"), (0,)),
                    (HISTORY_ADDRESS, (NUMBER - 1).to_bytes(32, "big"), (0,)),
                )
            )
            tx = replace(tx, to=to, data=data, value=Wei(random.choice(value)))
        base_fee = header.base_fee_per_gas
        least = intrinsic_gas(tx, self.fork).minimum
        gas = Gas(least + random.choice((0, 1, 30_000, 200_000, 600_000)))
        price = Wei(base_fee + random.choice((0, 1, 7)))
        if isinstance(tx, LegacyTransaction | AccessListTransaction):
            return replace(tx, gas_limit=gas, gas_price=price)
        tip = Wei(min(price, random.choice((0, 1, 7))))
        tx = replace(tx, gas_limit=gas, max_fee_per_gas=price, max_priority_fee_per_gas=tip)
        if tx.blob_versioned_hashes:
            blob_fee = blob_base_fee(header.excess_blob_gas or 0, self.params)
            tx = replace(tx, max_fee_per_blob_gas=Wei(blob_fee + random.choice((0, 5))))
        return tx


SPOILT = (
    "gas_used", "base_fee_per_gas", "timestamp", "number", "excess_blob_gas", "blob_gas_used",
    "requests_hash", "withdrawals_root", "state_root", "gas_limit", "difficulty", "nonce",
    "ommers_hash", "parent_beacon_block_root", "prev_randao", "logs_bloom", "fee_recipient",
    "parent_hash", "receipts_root", "transactions_root",
)  # fmt: skip
"""Fields that get another value. Some change nothing but the state, or nothing at all."""


def _is_empty(account: dict[str, Any]) -> bool:
    return not (account["nonce"] or account["balance"] or account["code"])
