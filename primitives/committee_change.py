"""Committee changes: transactions to a reserved address, from the chain's governance account.

The calldata is the canonical encoding of a list of `CommitteeChange`s, which hold all together
or not at all. What is wrong with a change whatever the state (its sender, its form) makes the
transaction invalid. What depends on the committee of the moment makes it fail: it stands in its
block with status 0, has paid its gas, and has changed nothing, so that a change which came too
late cannot block the account that sent it.
"""

from typing import ClassVar, Literal

import msgspec

from primitives.codec import decode_canonical, encode_canonical
from primitives.committee import PUBLIC_KEY_BYTES, Committee, Member
from primitives.errors import InvalidEncoding, InvalidInput
from primitives.ids import Address, NodeId

COMMITTEE_ADDRESS = Address(b"\0\0\0\0orrery/committee")
"""Whom a committee change is sent to. Nobody has its key, and it has no code."""

COMMITTEE_MIN = 4
"""Fewest validators that a change may leave: with less no fault is tolerated."""
COMMITTEE_MAX = 4_096
"""Most validators that a change may lead to."""
CHANGES_MAX = 256
"""Most changes in one transaction."""
CALLDATA_BYTES_MAX = 65_536

Kind = Literal["add", "remove", "rekey"]


class CommitteeChange(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One validator comes, goes, or gets other keys."""

    kind: Kind
    node: NodeId
    public_key: bytes = b""
    """The new Ed25519 key of "add" and "rekey"; empty in "remove"."""
    aggregate_key: bytes = b""
    possession: bytes = b""


class CommitteeChangeFailed(InvalidInput):
    """A well-formed change that the committee of the moment does not allow."""

    code: ClassVar[str] = "committee_change_failed"


class UnknownMember(CommitteeChangeFailed):
    """Removed or re-keyed is a node that is no validator."""

    code = "unknown_member"


class DuplicateMember(CommitteeChangeFailed):
    """Added is a node that is a validator already, or a key that one of them has."""

    code = "duplicate_member"


class CommitteeSizeRefused(CommitteeChangeFailed):
    """The change would leave too few validators, or make too many."""

    code = "committee_size"


def encode_changes(changes: tuple[CommitteeChange, ...]) -> bytes:
    """Return the calldata of a committee change."""
    return encode_canonical(changes)


def decode_changes(data: bytes) -> tuple[CommitteeChange, ...]:
    """Read the calldata of a committee change.

    Raises:
        InvalidEncoding: it is no canonical list of changes, an empty or too long one, or a
            change has a field that its kind does not have.
    """
    changes = decode_canonical(data, tuple[CommitteeChange, ...], CALLDATA_BYTES_MAX)
    if not 1 <= len(changes) <= CHANGES_MAX:
        raise InvalidEncoding("changes", f"1 to {CHANGES_MAX} of them", len(changes))
    for index, change in enumerate(changes):
        where = f"changes[{index}]"
        size = 0 if change.kind == "remove" else PUBLIC_KEY_BYTES
        if len(change.public_key) != size:
            actual = f"{len(change.public_key)} bytes"
            raise InvalidEncoding(f"{where}.public_key", f"{size} bytes", actual)
        if change.kind == "remove" and (change.aggregate_key or change.possession):
            raise InvalidEncoding(f"{where}.aggregate_key", "none in a removal", "one")
        if not 0 <= change.node < 2**32:
            raise InvalidEncoding(f"{where}.node", "a node from 0 to 2**32 - 1", change.node)
    return changes


def apply_changes(committee: Committee, changes: tuple[CommitteeChange, ...]) -> Committee:
    """Return the committee after the changes, in their order.

    A new member comes last; who is re-keyed keeps its place.

    Raises:
        CommitteeChangeFailed: the leaf says why; nothing of it holds.
    """
    members = {member.node: member for member in committee.members}
    for change in changes:
        if change.kind == "add" and change.node in members:
            raise DuplicateMember("change", "a node that is no validator", change.node)
        if change.kind != "add" and change.node not in members:
            raise UnknownMember("change", "a validator", f"node {change.node}")
        if change.kind == "remove":
            del members[change.node]
            continue
        members[change.node] = Member(
            change.node, change.public_key, change.aggregate_key, change.possession
        )
    if not COMMITTEE_MIN <= len(members) <= COMMITTEE_MAX:
        expected = f"{COMMITTEE_MIN} to {COMMITTEE_MAX} validators after it"
        raise CommitteeSizeRefused("change", expected, len(members))
    try:
        return Committee(tuple(members.values()))
    except InvalidInput as error:
        raise DuplicateMember("change", "keys that no other validator has", error.where) from error
