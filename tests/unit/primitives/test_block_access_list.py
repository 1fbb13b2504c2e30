"""A block's access list has one form: another order, or anything twice, is refused."""

import msgspec
import pytest

from primitives.block_access_list import (
    ACCESS_LIST_BYTES_MAX,
    AccountChanges,
    BlockAccessList,
    InvalidBlockAccessList,
    SlotChanges,
    access_list_hash,
    check_order,
    decode_access_list,
    encode_access_list,
    item_count,
    items_max,
)
from primitives.errors import InvalidEncoding
from primitives.ids import Address, Gas
from primitives.keccak import keccak256
from primitives.rlp import encode, int_bytes

FIRST = AccountChanges(
    Address(b"\x01" * 20),
    storage_changes=(SlotChanges(0, ((0, 7), (2, 0))), SlotChanges(2**256 - 1, ((1, 2**256 - 1),))),
    storage_reads=(1, 2**200),
    balance_changes=((1, 10**18), (3, 0)),
    nonce_changes=((1, 2**64 - 1),),
    code_changes=((2, b""), (3, b"\x60\x00")),
)
SECOND = AccountChanges(Address(b"\x02" * 20))
SAMPLE: BlockAccessList = (FIRST, SECOND)


def test_a_list_survives_its_encoding() -> None:
    for accounts in ((), SAMPLE, (FIRST,), (SECOND,)):
        assert decode_access_list(encode_access_list(accounts)) == accounts


def test_the_encoding_is_that_of_nested_lists() -> None:
    """Written out by hand: address, changed slots, read slots, balances, nonces, codes."""
    expected = encode(
        [
            [
                FIRST.address,
                [
                    [b"", [[b"", b"\x07"], [b"\x02", b""]]],
                    [b"\xff" * 32, [[b"\x01", b"\xff" * 32]]],
                ],
                [b"\x01", int_bytes(2**200)],
                [[b"\x01", int_bytes(10**18)], [b"\x03", b""]],
                [[b"\x01", b"\xff" * 8]],
                [[b"\x02", b""], [b"\x03", b"\x60\x00"]],
            ],
            [SECOND.address, [], [], [], [], []],
        ]
    )
    assert encode_access_list(SAMPLE) == expected
    assert access_list_hash(SAMPLE) == keccak256(expected)


def test_the_hash_of_no_accesses_is_that_of_the_empty_list() -> None:
    """Reference: EIP-7928."""
    expected = "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
    assert access_list_hash(()).hex() == expected


def test_items_are_accounts_and_their_slots() -> None:
    assert item_count(SAMPLE) == 2 + 2 + 2
    assert items_max(Gas(29_999)) == 14
    assert items_max(Gas(30_000)) == 15


def changed(**fields: object) -> BlockAccessList:
    return (msgspec.structs.replace(FIRST, **fields), SECOND)


OUT_OF_ORDER: dict[str, BlockAccessList] = {
    "accounts in another order": (SECOND, FIRST),
    "an account twice": (FIRST, FIRST),
    "changed slots in another order": changed(
        storage_changes=(SlotChanges(3, ((1, 1),)), SlotChanges(0, ((1, 1),)))
    ),
    "a changed slot twice": changed(
        storage_changes=(SlotChanges(3, ((1, 1),)), SlotChanges(3, ((2, 1),)))
    ),
    "a changed slot without a change": changed(storage_changes=(SlotChanges(3, ()),)),
    "changes of a slot in another order": changed(
        storage_changes=(SlotChanges(3, ((2, 1), (1, 5))),)
    ),
    "two changes of a slot by one transaction": changed(
        storage_changes=(SlotChanges(3, ((2, 1), (2, 5))),)
    ),
    "read slots in another order": changed(storage_reads=(6, 5)),
    "a read slot twice": changed(storage_reads=(5, 5)),
    "a slot both changed and read": changed(storage_reads=(0,)),
    "balances in another order": changed(balance_changes=((2, 1), (1, 1))),
    "two balances after one transaction": changed(balance_changes=((2, 1), (2, 1))),
    "nonces in another order": changed(nonce_changes=((2, 1), (1, 1))),
    "two nonces after one transaction": changed(nonce_changes=((2, 1), (2, 3))),
    "codes in another order": changed(code_changes=((2, b""), (1, b""))),
    "two codes after one transaction": changed(code_changes=((2, b""), (2, b"\x00"))),
}


@pytest.mark.parametrize("case", OUT_OF_ORDER)
def test_what_does_not_ascend_is_refused(case: str) -> None:
    with pytest.raises(InvalidBlockAccessList):
        check_order(OUT_OF_ORDER[case])
    with pytest.raises(InvalidBlockAccessList):
        decode_access_list(encode_access_list(OUT_OF_ORDER[case]))


ADDRESS = bytes(20)
MALFORMED = {
    "no list": encode(b"\x01"),
    "an account that is bytes": encode([b"\x01"]),
    "an account with five fields": encode([[ADDRESS, [], [], [], []]]),
    "an address of 19 bytes": encode([[ADDRESS[1:], [], [], [], [], []]]),
    "a slot with a leading zero": encode([[ADDRESS, [], [b"\x00\x01"], [], [], []]]),
    "a slot of 33 bytes": encode([[ADDRESS, [], [b"\x01" * 33], [], [], []]]),
    "a slot change of one field": encode([[ADDRESS, [[b"\x01"]], [], [], [], []]]),
    "a value of 33 bytes": encode([[ADDRESS, [], [], [[b"\x01", b"\x01" * 33]], [], []]]),
    "a nonce of 9 bytes": encode([[ADDRESS, [], [], [], [[b"\x01", b"\x01" * 9]], []]]),
    "an index of 5 bytes": encode([[ADDRESS, [], [], [], [[b"\x01" * 5, b"\x01"]], []]]),
    "code that is a list": encode([[ADDRESS, [], [], [], [], [[b"\x01", []]]]]),
    "bytes behind the list": encode_access_list(SAMPLE) + b"\x00",
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_lists_are_refused(case: str) -> None:
    with pytest.raises(InvalidEncoding):
        decode_access_list(MALFORMED[case])


def test_a_list_that_is_too_long_is_refused_unread() -> None:
    with pytest.raises(InvalidBlockAccessList, match="at most"):
        decode_access_list(bytes(ACCESS_LIST_BYTES_MAX + 1))
