"""Schedule hints as a node makes and reads them: beside blocks, on their way through consensus."""

import msgspec

from node.execution import ExecutedBlock
from node.schedule.hint import (
    HINT_BYTES_MAX,
    MalformedHint,
    ScheduleHint,
    decode_hint,
    encode_hint,
    guess_hint,
)
from node.shared import Memo
from primitives.access import AccessSet
from primitives.ids import Hash32
from primitives.keccak import keccak256

HINTS_MAX = 64
"""Hints that a `Hints` remembers, each way."""


class Thought(msgspec.Struct, frozen=True):
    """What is thought of a block's transactions before they are executed."""

    accesses: tuple[AccessSet, ...]
    is_hint: bool
    """It came with the block; else it is a guess."""


class Hints:
    """Hints of the last blocks, encoded and read once for all nodes of a process."""

    __slots__ = ("_made", "_read")

    def __init__(self) -> None:
        self._made: Memo[Hash32, bytes] = Memo(HINTS_MAX)
        self._read: Memo[tuple[Hash32, int], ScheduleHint | MalformedHint] = Memo(HINTS_MAX)

    def make(self, block: ExecutedBlock) -> bytes:
        """Return the hint of a block; nothing for one that is empty or whose hint is too long."""
        if not block.transactions:
            return b""
        made = self._made.get(block.digest)
        if made is None:
            gas = tuple([int(run.result.gas_used) for run in block.runs])
            made = encode_hint(ScheduleHint(block.accesses, gas))
            self._made.put(block.digest, made)
        return made if len(made) <= HINT_BYTES_MAX else b""

    def read(self, hint: bytes, transactions: int) -> ScheduleHint | MalformedHint:
        """Return what a hint says of a block of so many transactions, or what is wrong with it."""
        key = (keccak256(hint), transactions)
        known = self._read.get(key)
        if known is None:
            try:
                known = decode_hint(hint, transactions)
            except MalformedHint as error:
                known = error.with_traceback(None)
            self._read.put(key, known)
        return known

    def thought(self, block: ExecutedBlock, hint: bytes) -> Thought:
        """Return what is thought of a block, by its hint or without a usable one."""
        if hint:
            said = self.read(hint, len(block.transactions))
            if isinstance(said, ScheduleHint):
                return Thought(said.accesses, is_hint=True)
        pairs = [(each.transaction, each.sender) for each in block.transactions]
        guess = guess_hint(pairs, block.block.header.fee_recipient)
        return Thought(guess.accesses, is_hint=False)
