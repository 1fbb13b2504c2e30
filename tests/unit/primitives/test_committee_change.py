"""What a committee change may say, and what it does to a committee."""

import pytest

from primitives.codec import encode_canonical
from primitives.committee import Committee, Member
from primitives.committee_change import (
    CommitteeChange,
    CommitteeSizeRefused,
    DuplicateMember,
    UnknownMember,
    apply_changes,
    decode_changes,
    encode_changes,
)
from primitives.errors import InvalidEncoding
from primitives.ids import NodeId


def key(number: int) -> bytes:
    return bytes([number]) * 32


FIVE = Committee.of_keys(key(number) for number in range(5))
REMOVE_2 = CommitteeChange("remove", NodeId(2))
ADD_7 = CommitteeChange("add", NodeId(7), key(7))
REKEY_1 = CommitteeChange("rekey", NodeId(1), key(9))


def test_a_new_member_comes_last_and_who_is_rekeyed_keeps_its_place() -> None:
    after = apply_changes(FIVE, (REMOVE_2, ADD_7, REKEY_1))
    assert after.nodes == (0, 1, 3, 4, 7)
    assert after.public_keys == (key(0), key(9), key(3), key(4), key(7))


def test_removed_and_added_again_a_member_comes_last() -> None:
    after = apply_changes(FIVE, (REMOVE_2, CommitteeChange("add", NodeId(2), key(2))))
    assert after.nodes == (0, 1, 3, 4, 2)


def test_keys_for_aggregation_go_with_the_member() -> None:
    change = CommitteeChange("add", NodeId(7), key(7), b"a" * 48, b"p" * 96)
    assert apply_changes(FIVE, (change,)).members[-1] == Member(
        NodeId(7), key(7), b"a" * 48, b"p" * 96
    )


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ((CommitteeChange("remove", NodeId(9)),), UnknownMember),
        ((CommitteeChange("rekey", NodeId(9), key(9)),), UnknownMember),
        ((REMOVE_2, REMOVE_2), UnknownMember),
        ((CommitteeChange("add", NodeId(3), key(9)),), DuplicateMember),
        ((CommitteeChange("add", NodeId(9), key(3)),), DuplicateMember),
        ((CommitteeChange("rekey", NodeId(1), key(3)),), DuplicateMember),
        ((REMOVE_2, CommitteeChange("remove", NodeId(3))), CommitteeSizeRefused),
    ],
)
def test_what_the_committee_of_the_moment_does_not_allow(
    changes: tuple[CommitteeChange, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        apply_changes(FIVE, changes)


def test_keys_may_change_hands_in_one_transaction() -> None:
    swap = (
        CommitteeChange("rekey", NodeId(1), key(3)),
        CommitteeChange("rekey", NodeId(3), key(1)),
    )
    assert apply_changes(FIVE, swap).public_keys == (key(0), key(3), key(2), key(1), key(4))


def test_changes_survive_their_encoding() -> None:
    changes = (REMOVE_2, ADD_7, REKEY_1)
    assert decode_changes(encode_changes(changes)) == changes


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"", "tuple"),
        (b"\x01", "tuple"),
        (encode_changes(()), "changes"),
        (encode_changes((REMOVE_2,) * 257), "changes"),
        (encode_changes((REMOVE_2,)) + b"\0", "tuple"),
        (encode_canonical((("promote", 1, b"", b"", b""),)), "tuple"),
        (
            encode_changes((CommitteeChange("add", NodeId(7), b"short"),)),
            r"changes\[0\].public_key",
        ),
        (encode_changes((REMOVE_2, CommitteeChange("rekey", NodeId(1)))), r"changes\[1\]"),
        (encode_changes((CommitteeChange("remove", NodeId(1), key(1)),)), r"changes\[0\]"),
        (encode_changes((CommitteeChange("remove", NodeId(1), b"", b"a"),)), "aggregate_key"),
        (encode_changes((CommitteeChange("remove", NodeId(-1)),)), r"changes\[0\].node"),
        (encode_changes((CommitteeChange("remove", NodeId(2**32)),)), r"changes\[0\].node"),
    ],
)
def test_calldata_that_is_no_list_of_changes(data: bytes, where: str) -> None:
    with pytest.raises(InvalidEncoding, match=where):
        decode_changes(data)
