"""The schedule hint: what the builder of a block saw each transaction access.

It travels beside a block, unhashed, so that a replica can order the transactions before it has
executed any. Nobody vouches for it. Executors check the accesses that were made against what they
scheduled, so a wrong hint costs time, never correctness; a malformed one is dropped.

A block names few cells often, so each key stands once, below its account, and transactions name
keys by number. Numbers count the keys in ascending order of their bytes; a transaction's are
ascending too, and stand as steps from one to the next, which mostly fit one byte. Slots stand
without leading zeros. Each hint has one encoding (ADR 5).

For a block without a hint, its transactions say something themselves (`guess_hint`): who pays
whom, whose code they set, where a contract will stand, and what their access lists announce.

Reference: DESIGN section 3; EIP-2930, EIP-7702.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Annotated

import msgspec

from primitives.access import (
    ADDRESS_BYTES,
    BALANCE,
    CODE,
    EXISTENCE,
    NONCE,
    SLOT_KEY_BYTES,
    AccessSet,
    slot_key,
)
from primitives.address import contract_address
from primitives.codec import decode_canonical, encode_canonical
from primitives.errors import InvalidEncoding
from primitives.ids import Address
from primitives.transaction import SetCodeTransaction, Transaction, recover_authority

HINT_BYTES_MAX = 4_194_304
"""Longest hint that is decoded."""
KEYS_MAX = 131_072
"""Most keys that a hint may name: each takes some hundred bytes in memory."""
ACCESSES_MAX = 1_048_576
"""Most accesses that a hint may name, of all transactions: one byte each, and eight in memory.
Each cost gas when it was made."""

_FIELDS = frozenset(BALANCE + CODE + EXISTENCE + NONCE)
_UNSEEN = (BALANCE, EXISTENCE)
"""Fields that a transaction can change without seeing them."""
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class MalformedHint(InvalidEncoding):
    """Bytes that are no schedule hint of the block."""


class ScheduleHint(msgspec.Struct, frozen=True):
    """What each transaction of a block accesses and takes, if the hint is right."""

    accesses: tuple[AccessSet, ...]
    gas: tuple[int, ...]
    """Gas that each transaction uses."""


class _Account(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The cells of one account."""

    address: bytes
    fields: bytes
    """Letters of its fields, ascending."""
    slots: tuple[bytes, ...]
    """Big-endian, without leading zeros, ascending by value."""


class _Transaction(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One transaction; each tuple holds the first key's number and the steps to the others."""

    gas: _Count
    reads: tuple[_Count, ...]
    writes: tuple[_Count, ...]
    deltas: tuple[_Count, ...]


class _Form(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The hint as it travels."""

    accounts: tuple[_Account, ...]
    transactions: tuple[_Transaction, ...]


def encode_hint(hint: ScheduleHint) -> bytes:
    """Return the canonical encoding of a hint whose access sets are well-formed."""
    named = sorted({key for one in hint.accesses for keys in _kinds(one) for key in keys})
    number = {key: index for index, key in enumerate(named)}
    transactions = [
        _Transaction(gas, *[_steps([number[key] for key in keys]) for keys in _kinds(access)])
        for access, gas in zip(hint.accesses, hint.gas, strict=True)
    ]
    return encode_canonical(_Form(tuple(_accounts(named)), tuple(transactions)))


def decode_hint(data: bytes, transactions: int) -> ScheduleHint:
    """Return the hint that `data` encodes.

    Args:
        data: from a peer, not trusted.
        transactions: how many the block has.

    Raises:
        MalformedHint: it is too long, not in the canonical form, or of another block.
    """
    try:
        form = decode_canonical(data, _Form, HINT_BYTES_MAX)
    except InvalidEncoding as error:
        raise MalformedHint("hint", error.expected, error.actual) from error
    if len(form.transactions) != transactions:
        raise MalformedHint("hint", f"{transactions} transactions", len(form.transactions))
    count = sum(len(one.reads) + len(one.writes) + len(one.deltas) for one in form.transactions)
    if count > ACCESSES_MAX:
        raise MalformedHint("hint.transactions", f"at most {ACCESSES_MAX} accesses", count)
    keys = _keys(form.accounts)
    used = bytearray(len(keys))
    accesses = tuple([_access(one, keys, used) for one in form.transactions])
    if 0 in used:
        raise MalformedHint("hint.accounts", "keys that are used", keys[used.index(0)].hex())
    return ScheduleHint(accesses, tuple([one.gas for one in form.transactions]))


def guess_hint(
    transactions: Sequence[tuple[Transaction, Address]], fee_recipient: Address
) -> ScheduleHint:
    """Return what a block's transactions say of themselves.

    A slot on an access list counts as read and written, which at worst orders what was free.

    Args:
        transactions: each with its sender, in block order.
        fee_recipient: whom each of them pays.
    """
    return ScheduleHint(
        tuple([_guess(transaction, sender, fee_recipient) for transaction, sender in transactions]),
        tuple([transaction.gas_limit for transaction, _ in transactions]),
    )


def _guess(transaction: Transaction, sender: Address, fee_recipient: Address) -> AccessSet:
    reads, writes = {sender + NONCE, sender + CODE}, {sender + NONCE}
    deltas = {sender + BALANCE, fee_recipient + BALANCE}
    target = transaction.to
    if target is None:
        target = contract_address(sender, transaction.nonce)
        reads.add(target + NONCE)
        writes.update([target + NONCE, target + CODE, target + EXISTENCE])
    reads.add(target + CODE)
    if transaction.value:
        deltas.add(target + BALANCE)
    for entry in transaction.access_list:
        slots = [slot_key(entry.address, int.from_bytes(k, "big")) for k in entry.storage_keys]
        reads.update(slots)
        writes.update(slots)
    if isinstance(transaction, SetCodeTransaction):
        for authority in _authorities(transaction):
            reads.update([authority + NONCE, authority + CODE, authority + EXISTENCE])
            writes.update([authority + NONCE, authority + CODE])
    return AccessSet(tuple(sorted(reads)), tuple(sorted(writes)), tuple(sorted(deltas)))


def _authorities(transaction: SetCodeTransaction) -> Iterator[Address]:
    """Yield whose code a transaction may set; to find out costs a recovery for each."""
    for authorization in transaction.authorizations:
        if authorization.chain_id in (0, transaction.chain_id):
            authority = recover_authority(authorization)
            if authority is not None:
                yield authority


def _kinds(access: AccessSet) -> tuple[tuple[bytes, ...], ...]:
    return access.reads, access.writes, access.deltas


def _steps(numbers: list[int]) -> tuple[int, ...]:
    return (*numbers[:1], *[later - earlier for earlier, later in pairwise(numbers)])


def _accounts(keys: Sequence[bytes]) -> Iterator[_Account]:
    """Group ascending keys by account."""
    grouped: dict[bytes, list[bytes]] = {}
    for key in keys:
        grouped.setdefault(key[:ADDRESS_BYTES], []).append(key[ADDRESS_BYTES:])
    slot_bytes = SLOT_KEY_BYTES - ADDRESS_BYTES
    for address, cells in grouped.items():
        fields = b"".join([cell for cell in cells if len(cell) < slot_bytes])
        slots = [cell.lstrip(b"\0") for cell in cells if len(cell) == slot_bytes]
        yield _Account(address, fields, tuple(slots))


def _keys(accounts: Sequence[_Account]) -> list[bytes]:
    """Return all keys in ascending order."""
    count = sum(len(account.fields) + len(account.slots) for account in accounts)
    if count > KEYS_MAX:
        raise MalformedHint("hint.accounts", f"at most {KEYS_MAX} keys", count)
    if not _ascend([account.address for account in accounts]):
        raise MalformedHint("hint.accounts", "ascending addresses", "another order")
    keys: list[bytes] = []
    for account in accounts:
        address = account.address
        if len(address) != ADDRESS_BYTES:
            raise MalformedHint("hint.address", f"{ADDRESS_BYTES} bytes", address.hex())
        fields = [account.fields[k : k + 1] for k in range(len(account.fields))]
        if not (_FIELDS.issuperset(account.fields) and _ascend(fields)):
            raise MalformedHint("hint.fields", "ascending letters of fields", account.fields.hex())
        keys += [address + field for field in fields]
        keys += [address + slot for slot in _slots(account)]
    return sorted(keys)


def _slots(account: _Account) -> list[bytes]:
    slot_bytes = SLOT_KEY_BYTES - ADDRESS_BYTES
    if any(len(slot) > slot_bytes or slot[:1] == b"\0" for slot in account.slots):
        raise MalformedHint("hint.slots", "up to 32 bytes, no leading zero", account.address.hex())
    slots = [slot.rjust(slot_bytes, b"\0") for slot in account.slots]
    if not _ascend(slots):
        raise MalformedHint("hint.slots", "ascending slots", account.address.hex())
    return slots


def _ascend(values: Sequence[bytes]) -> bool:
    return all(earlier < later for earlier, later in pairwise(values))


def _access(one: _Transaction, keys: Sequence[bytes], used: bytearray) -> AccessSet:
    """Return what a transaction names, and mark it as used."""
    named = []
    for steps in (one.reads, one.writes, one.deltas):
        if 0 in steps[1:]:
            raise MalformedHint("hint.transactions", "ascending numbers", "one twice")
        numbers = list(accumulate(steps))
        if numbers and numbers[-1] >= len(keys):
            raise MalformedHint("hint.transactions", f"numbers below {len(keys)}", numbers[-1])
        for number in numbers:
            used[number] = 1
        named.append(tuple([keys[number] for number in numbers]))
    if any(key[ADDRESS_BYTES:] not in _UNSEEN for key in named[2]):
        raise MalformedHint("hint.deltas", "balances and existences", "other cells")
    return AccessSet(*named)
