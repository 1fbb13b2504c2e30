import re

import pytest

from primitives.committee import Committee, Member
from primitives.errors import InvalidInput
from primitives.ids import NodeId, View
from primitives.keys import ValidatorKey


def committee(size: int) -> Committee:
    return Committee.of_keys(index.to_bytes(32, "big") for index in range(size))


@pytest.mark.parametrize(
    ("size", "faults", "quorum"),
    [(1, 0, 1), (2, 0, 2), (3, 0, 2), (4, 1, 3), (5, 1, 4), (6, 1, 4), (7, 2, 5), (100, 33, 67)],
)
def test_sizes(size: int, faults: int, quorum: int) -> None:
    made = committee(size)
    assert (made.size, made.faults, made.quorum) == (size, faults, quorum)


@pytest.mark.parametrize("size", range(1, 260))
def test_quorums_meet_in_a_correct_replica_and_can_be_reached(size: int) -> None:
    made = committee(size)
    assert 2 * made.quorum - size > made.faults
    assert made.quorum <= size - made.faults
    smaller = made.quorum - 1
    assert 2 * smaller - size <= made.faults


def test_the_primary_goes_round() -> None:
    made = committee(4)
    assert [made.primary(View(view)) for view in range(6)] == [0, 1, 2, 3, 0, 1]


def test_keys_of_validators_make_a_committee() -> None:
    keys = tuple(ValidatorKey(bytes([index]) * 32).public_key for index in range(4))
    assert Committee.of_keys(keys).public_keys == keys


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ((), "committee: expected at least one validator, got none"),
        ((bytes(32), bytes(31)), "committee[1]: expected a key of 32 bytes, got 31 bytes"),
        (
            (bytes(32), b"a" * 32, bytes(32)),
            "committee[2]: expected a key of its own, got that of 0",
        ),
    ],
)
def test_impossible_committees(keys: tuple[bytes, ...], message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)):
        Committee.of_keys(keys)


def test_a_member_keeps_its_node_whatever_its_index() -> None:
    made = Committee(tuple(Member(NodeId(node), bytes([node]) * 32) for node in (3, 1, 7)))
    assert made.nodes == (3, 1, 7)
    assert [made.index_of(node) for node in (3, 1, 7, 0)] == [0, 1, 2, None]


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ((1, 1), "committee[1]: expected a node of its own, got that of 0"),
        ((0, -1), "committee[1]: expected a node from 0 to 2**32 - 1, got -1"),
    ],
)
def test_impossible_nodes(nodes: tuple[int, ...], message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)):
        Committee(tuple(Member(NodeId(n), bytes([i]) * 32) for i, n in enumerate(nodes)))


def test_no_two_members_have_one_aggregate_key() -> None:
    """A proof of possession can be copied with its key, and its owner's vote would count twice."""
    members = [Member(NodeId(node), bytes([node]) * 32, b"a" * 48, b"p" * 96) for node in (0, 1)]
    message = "committee[1]: expected an aggregate key of its own, got that of 0"
    with pytest.raises(InvalidInput, match=re.escape(message)):
        Committee(tuple(members))
