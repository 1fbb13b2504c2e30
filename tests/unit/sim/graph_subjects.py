"""Blocks by their accesses alone; who sent what plays no part."""

from collections.abc import Sequence

from node.validation import PooledTransaction
from primitives.access import AccessSet
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.transaction import LegacyTransaction
from sim.graph.subject import Subject

MINER = Address(b"\x77" * 20)


def subject(accesses: Sequence[AccessSet], gas: Sequence[int] | None = None) -> Subject:
    """Return a block; each transaction takes 21,000 gas unless said otherwise."""
    taken = tuple(gas) if gas is not None else (21_000,) * len(accesses)
    return Subject(
        name="block 5 of a test",
        label="5",
        transactions=tuple([pooled(index) for index in range(len(accesses))]),
        accesses=tuple(accesses),
        gas=taken,
        fee_recipient=MINER,
    )


def pooled(index: int) -> PooledTransaction:
    sender = Address(index.to_bytes(20, "big"))
    to = Address(b"\x11" * 20) if index % 2 else None
    plain = LegacyTransaction(1, 0, Wei(1), Gas(21_000), to, Wei(0), b"")
    return PooledTransaction(
        transaction=plain,
        raw=b"",
        hash=Hash32(index.to_bytes(32, "big")),
        sender=sender,
        to=to,
        nonce=0,
        value=Wei(0),
        gas_limit=Gas(21_000),
        gas_minimum=Gas(21_000),
        max_fee_per_gas=Wei(1),
        max_priority_fee_per_gas=Wei(1),
        cost_max=21_000,
    )


def access(reads: str = "", writes: str = "", deltas: str = "") -> AccessSet:
    """Return accesses to balances of accounts that one letter names each."""
    return AccessSet(
        *(tuple([cell(letter) for letter in keys]) for keys in (reads, writes, deltas))
    )


def cell(letter: str) -> bytes:
    return letter.encode() * 20 + b"b"
