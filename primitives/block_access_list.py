"""A block's access list: which accounts and slots it touched, and what it left in them.

Whoever has the list before execution can read all state at once, and can execute a block's
transactions all at the same time, because the values that each one finds stand in it. The list has
one form: everything is in ascending order and stands once, so that its hash, which the header
carries, can be compared.

Changes are numbered by the *block access index*: 0 is what happens before the transactions, k is
the k-th transaction, and the number of transactions plus one is what happens after them.

Reference: EIP-7928.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeAlias, TypeVar

import msgspec

from primitives.errors import InvalidEncoding
from primitives.ids import Address, Gas, Hash32
from primitives.keccak import keccak256
from primitives.rlp import (
    Decoded,
    decode_list,
    encode_bytes,
    encode_int,
    encode_list,
    read_bytes,
    read_int,
    read_items,
)

GAS_PER_ITEM = 2_000
"""A block may have one item, an account or a slot, for every so much of its gas limit. It is
less than the cheapest access costs, so only a list with something made up in it is longer."""
INDEX_BITS = 32
ACCESS_LIST_BYTES_MAX = 16_777_216
"""Longer input is refused unread."""


class InvalidBlockAccessList(InvalidEncoding):
    """Bytes that are no access list, or one out of order."""


NumberChange: TypeAlias = tuple[int, int]
"""Block access index, value after it: a slot's value, a balance in wei, or a nonce."""
CodeChange: TypeAlias = tuple[int, bytes]
"""Block access index, code after it."""


class SlotChanges(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """All changes of one slot."""

    slot: int
    changes: tuple[NumberChange, ...]
    """At least one; indexes ascend."""


class AccountChanges(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """All that happened to one account. It stands in the list even if that is nothing."""

    address: Address
    storage_changes: tuple[SlotChanges, ...] = ()
    """Slots ascend."""
    storage_reads: tuple[int, ...] = ()
    """Slots that were read, or written to no effect, and never changed; they ascend."""
    balance_changes: tuple[NumberChange, ...] = ()
    nonce_changes: tuple[NumberChange, ...] = ()
    code_changes: tuple[CodeChange, ...] = ()


BlockAccessList: TypeAlias = tuple[AccountChanges, ...]
"""Addresses ascend."""


def item_count(accounts: Sequence[AccountChanges]) -> int:
    """Return how many items a list has: its accounts, and the slots of each."""
    slots = sum([len(each.storage_changes) + len(each.storage_reads) for each in accounts])
    return len(accounts) + slots


def items_max(gas_limit: Gas) -> int:
    """Return how many items the list of a block with this gas limit may have."""
    return gas_limit // GAS_PER_ITEM


def access_list_hash(accounts: Sequence[AccountChanges]) -> Hash32:
    """Return the hash that a header carries: keccak-256 of the list's encoding."""
    return keccak256(encode_access_list(accounts))


def encode_access_list(accounts: Sequence[AccountChanges]) -> bytes:
    """Return the RLP of a list."""
    return encode_list([_encode_account(each) for each in accounts])


def _encode_account(account: AccountChanges) -> bytes:
    parts = (
        encode_bytes(account.address),
        encode_list([_encode_slot(each) for each in account.storage_changes]),
        encode_list([encode_int(slot) for slot in account.storage_reads]),
        _encode_numbers(account.balance_changes),
        _encode_numbers(account.nonce_changes),
        encode_list(
            [encode_list((encode_int(i), encode_bytes(code))) for i, code in account.code_changes]
        ),
    )
    return encode_list(parts)


def _encode_slot(slot: SlotChanges) -> bytes:
    return encode_list((encode_int(slot.slot), _encode_numbers(slot.changes)))


def _encode_numbers(changes: Sequence[NumberChange]) -> bytes:
    return encode_list(
        [encode_list((encode_int(index), encode_int(value))) for index, value in changes]
    )


def decode_access_list(data: bytes) -> BlockAccessList:
    """Return the list that `data` encodes.

    Raises:
        InvalidEncoding: not canonical RLP, a field of another size, or out of order.
    """
    if len(data) > ACCESS_LIST_BYTES_MAX:
        expected = f"at most {ACCESS_LIST_BYTES_MAX} bytes"
        raise InvalidBlockAccessList("access list", expected, f"{len(data)} bytes")
    accounts = tuple([_read_account(item) for item in decode_list(data)])
    check_order(accounts)
    return accounts


def _read_account(item: Decoded) -> AccountChanges:
    address, slots, reads, balances, nonces, codes = read_items(item, "access list account", 6)
    return AccountChanges(
        Address(read_bytes(address, "access list address", 20)),
        tuple([_read_slot(each) for each in read_items(slots, "storage changes")]),
        tuple([read_int(each, "storage read") for each in read_items(reads, "storage reads")]),
        _read_numbers(balances, "balance change", 256),
        _read_numbers(nonces, "nonce change", 64),
        tuple([_read_code(each) for each in read_items(codes, "code changes")]),
    )


def _read_slot(item: Decoded) -> SlotChanges:
    slot, changes = read_items(item, "storage change", 2)
    return SlotChanges(read_int(slot, "changed slot"), _read_numbers(changes, "slot change", 256))


def _read_numbers(item: Decoded, where: str, bits: int) -> tuple[NumberChange, ...]:
    pairs = [read_items(each, where, 2) for each in read_items(item, f"{where}s")]
    return tuple([(_read_index(index), read_int(value, where, bits)) for index, value in pairs])


def _read_code(item: Decoded) -> CodeChange:
    index, code = read_items(item, "code change", 2)
    return _read_index(index), read_bytes(code, "code change")


def _read_index(item: Decoded) -> int:
    return read_int(item, "block access index", INDEX_BITS)


def check_order(accounts: Sequence[AccountChanges]) -> None:
    """Require that everything ascends and stands once.

    Raises:
        InvalidBlockAccessList: what does not.
    """
    _require_ascending("addresses", [each.address for each in accounts], bytes.hex)
    for account in accounts:
        name = account.address.hex()
        changed = [each.slot for each in account.storage_changes]
        _require_ascending(f"changed slots of {name}", changed, hex)
        _require_ascending(f"read slots of {name}", account.storage_reads, hex)
        both = set(changed).intersection(account.storage_reads)
        if both:
            expected = f"slots of {name} either changed or read"
            raise InvalidBlockAccessList("access list", expected, f"{min(both):#x} as both")
        for slot in account.storage_changes:
            if not slot.changes:
                raise InvalidBlockAccessList(
                    "access list", f"a change of slot {slot.slot:#x} of {name}", "none"
                )
            _require_ascending(f"changes of {name}", [index for index, _ in slot.changes], str)
        for changes in (account.balance_changes, account.nonce_changes, account.code_changes):
            _require_ascending(f"changes of {name}", [change[0] for change in changes], str)


Key = TypeVar("Key", int, Address)


def _require_ascending(what: str, keys: Sequence[Key], show: Callable[[Key], str]) -> None:
    for one, other in pairwise(keys):
        if one >= other:
            raise InvalidBlockAccessList(
                "access list", f"{what} in ascending order", f"{show(other)} after {show(one)}"
            )
