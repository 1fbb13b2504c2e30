"""Requests that a block's execution makes to the consensus layer (EIP-7685)."""

from collections.abc import Sequence
from hashlib import sha256

from primitives.ids import Hash32

DEPOSIT_REQUEST = 0
"""Type of deposits (EIP-6110)."""
WITHDRAWAL_REQUEST = 1
"""Type of withdrawals (EIP-7002)."""
CONSOLIDATION_REQUEST = 2
"""Type of consolidations (EIP-7251)."""


def requests_hash(requests: Sequence[bytes]) -> Hash32:
    """Return the commitment of a header: SHA-256 over the SHA-256 of each request list.

    Args:
        requests: the type's byte and its data, by ascending type. One without data is left out.
    """
    outer = sha256()
    for request in requests:
        if len(request) > 1:
            outer.update(sha256(request).digest())
    return Hash32(outer.digest())
