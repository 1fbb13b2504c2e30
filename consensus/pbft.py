"""PBFT as an engine: what a node has to know to run a `Replica`."""

from collections.abc import Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar

from consensus.log import TABLE
from consensus.messages import HINT_BYTES_MAX, MESSAGE_TYPES, Commit, Prepare, PrePrepare, Proposal
from consensus.params import ReplicaConfig
from consensus.replica import Replica
from consensus.state import Timer
from primitives.machine import Message, Record
from primitives.params import MAX_BLOCK_BYTES

VOTE_BYTES_MAX = 512
ROOM_BYTES = 1024
"""What a message that carries a block may need beside it."""
PROOF_BYTES_MAX = 16 * 1024 * 1024
"""Longest body of a message that carries certificates of a large committee."""


def _bytes_max(kind: type[Message]) -> int:
    if kind in (Prepare, Commit):
        return VOTE_BYTES_MAX
    if kind is PrePrepare:
        return MAX_BLOCK_BYTES + HINT_BYTES_MAX + ROOM_BYTES
    return MAX_BLOCK_BYTES + ROOM_BYTES if kind is Proposal else PROOF_BYTES_MAX


class Pbft:
    """Batched PBFT over linked blocks; `consensus.replica` says where to read on."""

    __slots__ = ()

    name: ClassVar[str] = "pbft"
    table: ClassVar[str] = TABLE
    messages: ClassVar[Mapping[type[Message], int]] = MappingProxyType(
        {kind: _bytes_max(kind) for kind in MESSAGE_TYPES}
    )
    timers: ClassVar[tuple[Hashable, ...]] = tuple(Timer)

    def create(self, config: ReplicaConfig, records: Iterable[Record]) -> Replica:
        """Make a replica, from nothing or from its log."""
        return Replica(config, records)
