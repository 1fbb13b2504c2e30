"""Identifiers and quantities that every package shares.

All of them are `NewType`s over plain `int` and `bytes`: they cost nothing at run time and
let the type checker refuse a view where a sequence number belongs.
"""

from typing import NewType

Instant = NewType("Instant", int)
"""A point in time: integer nanoseconds since the genesis instant of the run."""

Duration = NewType("Duration", int)
"""A span of time in integer nanoseconds, never negative."""

NodeId = NewType("NodeId", int)
"""Index of a node in its network, 0-based. Validators come first, in committee order."""

View = NewType("View", int)
"""Number of a PBFT view; the primary of view v is replica v mod n."""

Sequence = NewType("Sequence", int)
"""PBFT sequence number. Sequence k carries the block of height k; genesis is 0."""

RequestId = NewType("RequestId", int)
"""Names one `Compute` of one node; unique in the life of that node's process."""

Token = NewType("Token", int)
"""Names one `Persist` of one core; `Persisted` brings it back."""

Address = NewType("Address", bytes)
"""An account address: 20 bytes."""

Hash32 = NewType("Hash32", bytes)
"""A 32-byte digest (keccak-256 unless a docstring says otherwise)."""

Wei = NewType("Wei", int)
"""An amount of the native currency; 10**18 wei are one ether."""

Gas = NewType("Gas", int)
"""An amount of gas."""
