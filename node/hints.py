"""Schedule hints as a node makes and reads them: beside blocks, on their way through consensus."""

import msgspec

from node.execution import ExecutedBlock
from node.schedule.hint import (
    HINT_BYTES_MAX,
    KEYS_MAX,
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
READ_BYTES_MAX = 8 * 1024 * 1024
"""Bytes of hints that it remembers to have read; what they say takes some ten times as many."""


class Thought(msgspec.Struct, frozen=True):
    """What is thought of a block's transactions before they are executed."""

    accesses: tuple[AccessSet, ...]
    is_hint: bool
    """It came with the block; else it is a guess."""


class Hints:
    """Hints of the last blocks, encoded and read once for all nodes of a process.

    Args:
        read_bytes_max: bytes of hints of others that are remembered.
    """

    __slots__ = ("_made", "_read")

    def __init__(self, read_bytes_max: int = READ_BYTES_MAX) -> None:
        self._made: Memo[Hash32, bytes] = Memo(HINTS_MAX)
        self._read: Memo[tuple[Hash32, int, int], ScheduleHint | MalformedHint] = Memo(
            HINTS_MAX, read_bytes_max, lambda key: key[2]
        )

    def make(self, block: ExecutedBlock) -> bytes:
        """Return the hint of a block; nothing if it is empty or nobody could read it."""
        if not block.transactions:
            return b""
        made = self._made.get(block.digest)
        if made is None:
            gas = tuple([int(run.result.gas_used) for run in block.runs])
            made = encode_hint(ScheduleHint(block.accesses, gas))
            made = made if self._is_readable(made, block.accesses) else b""
            self._made.put(block.digest, made)
        return made

    def _is_readable(self, made: bytes, accesses: tuple[AccessSet, ...]) -> bool:
        """Whether others can read a hint: of whoever sends another one they think that it lies."""
        if len(made) > HINT_BYTES_MAX:
            return False
        count = sum(len(one.reads) + len(one.writes) + len(one.deltas) for one in accesses)
        return count <= KEYS_MAX or isinstance(self.read(made, len(accesses)), ScheduleHint)

    def read(self, hint: bytes, transactions: int) -> ScheduleHint | MalformedHint:
        """Return what a hint says of a block of so many transactions, or what is wrong with it."""
        key = (keccak256(hint), transactions, len(hint))
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
