"""What goes beside a proposed block, unhashed, on its way through consensus.

On a chain without block access lists it is the schedule hint, as it is. Where headers commit to a
list, the list has to come with the block, or nobody could begin with it: then both stand in an
`Enclosure`, each of them empty if it is left out. The header says which of the two forms it is.

Nothing in here is trusted. A list is right if its hash is the header's; a hint shows with the
execution.

Reference: EIP-7928; ADR 19, ADR 21.
"""

import msgspec

from node.schedule.hint import HINT_BYTES_MAX, MalformedHint
from primitives.codec import decode_canonical, encode_canonical
from primitives.errors import InvalidEncoding


class Enclosure(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What came with a block, still encoded."""

    schedule: bytes = b""
    """The schedule hint (`node.schedule.hint`)."""
    access_list: bytes = b""
    """The block access list's RLP (EIP-7928)."""


NOTHING_ENCLOSED = Enclosure()


def encode_enclosure(schedule: bytes, access_list: bytes) -> bytes:
    """Return what goes beside a block, at most `HINT_BYTES_MAX` bytes.

    If both take more, the list goes alone; if that takes more, the hint; else nothing.

    Args:
        schedule: its hint's encoding; empty without one.
        access_list: its list's encoding; empty on a chain without lists.
    """
    if not access_list:
        return schedule
    for parts in ((schedule, access_list), (b"", access_list), (schedule, b"")):
        encoded = encode_canonical(Enclosure(*parts))
        if any(parts) and len(encoded) <= HINT_BYTES_MAX:
            return encoded
    return b""


def decode_enclosure(data: bytes, *, is_listed: bool) -> Enclosure:
    """Return what stands beside a block.

    Args:
        data: from a peer, not trusted.
        is_listed: whether the block's header commits to an access list.

    Raises:
        MalformedHint: it is too long, or not in the canonical form.
    """
    if not data:
        return NOTHING_ENCLOSED
    if not is_listed:
        return Enclosure(data)
    try:
        enclosed = decode_canonical(data, Enclosure, HINT_BYTES_MAX)
    except InvalidEncoding as error:
        raise MalformedHint("enclosure", error.expected, error.actual) from error
    if enclosed == NOTHING_ENCLOSED:
        raise MalformedHint("enclosure", "a hint or a list", "neither, which is sent as no bytes")
    return enclosed
