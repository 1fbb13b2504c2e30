"""Blocks for the crash test: what each writes follows from its number alone."""

import hashlib

from primitives.machine import Record

KEPT = 40
ACCOUNTS = 60
BY_HEIGHT = ("chain.headers", "chain.blocks", "chain.receipts", "consensus", "two-phase-commit")


def block(number: int) -> list[Record]:
    """Return the batch of one block: rows of every kind, old ones deleted, the head at the end."""
    key, old = number.to_bytes(8, "big"), (number - KEPT).to_bytes(8, "big", signed=True)
    records = [Record(table, key, filler(table, number)) for table in BY_HEIGHT]
    records += [Record(table, old, None) for table in BY_HEIGHT if number > KEPT]
    for step in range(8):
        account = hashlib.sha256(bytes((number * (step + 3) % ACCOUNTS,))).digest()
        records.append(Record("state.accounts", account, filler("account", number)[:70]))
        records.append(Record("state.storage", account + bytes((step,)), key))
        records.append(Record("state.trie", account[:2], account * 3 + key))
    records.append(Record("chain.snapshot", b"head", key))
    return records


def filler(table: str, number: int) -> bytes:
    """Return bytes that no other table and block has, some 40 to 1,400 of them."""
    seed = hashlib.sha256(f"{table} {number}".encode()).digest()
    return seed * (1 + seed[0] % 44) + seed[:8]
