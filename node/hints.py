"""What a node sends beside its blocks through consensus, and what it reads beside those of others.

These are schedule hints, and block access lists on chains that have them (`node.enclosure`).
"""

import msgspec

from node.enclosure import NOTHING_ENCLOSED, Enclosure, decode_enclosure, encode_enclosure
from node.execution import ExecutedBlock
from node.outlines import Outline
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
from primitives.block_access_list import (
    BlockAccessList,
    decode_access_list,
    item_count,
    items_max,
)
from primitives.errors import InvalidEncoding
from primitives.ids import Gas, Hash32
from primitives.keccak import keccak256
from primitives.rlp import split_list

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
    """Hints and lists of the last blocks, encoded and read once for all nodes of a process.

    Args:
        read_bytes_max: bytes of hints of others that are remembered, and of lists.
    """

    __slots__ = ("_lists", "_made", "_opened", "_read")

    def __init__(self, read_bytes_max: int = READ_BYTES_MAX) -> None:
        self._made: Memo[Hash32, bytes] = Memo(HINTS_MAX)
        self._read: Memo[tuple[Hash32, int, int], ScheduleHint | MalformedHint] = Memo(
            HINTS_MAX, read_bytes_max, lambda key: key[2]
        )
        self._opened: Memo[tuple[bytes, bool], Enclosure] = Memo(
            HINTS_MAX, read_bytes_max, lambda key: len(key[0])
        )
        self._lists: Memo[tuple[Hash32, int, int], BlockAccessList | MalformedHint] = Memo(
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

    def enclose(self, block: ExecutedBlock, *, with_schedule: bool) -> bytes:
        """Return what goes out beside a block: its access list if it has one, and its hint."""
        return encode_enclosure(self.make(block) if with_schedule else b"", block.access_list)

    def open(self, beside: bytes, *, is_listed: bool) -> Enclosure | MalformedHint:
        """Return what came beside a block, or what is wrong with it.

        Args:
            beside: not trusted.
            is_listed: whether the block's header commits to an access list.
        """
        key = (beside, is_listed)
        known = self._opened.get(key)
        if known is None:
            try:
                known = decode_enclosure(beside, is_listed=is_listed)
            except MalformedHint as error:
                return error.with_traceback(None)
            self._opened.put(key, known)
        return known

    def enclosed(self, beside: bytes, *, is_listed: bool) -> Enclosure:
        """Return what came beside a block; nothing if that cannot be read."""
        said = self.open(beside, is_listed=is_listed)
        return said if isinstance(said, Enclosure) else NOTHING_ENCLOSED

    def access_list(self, listed: bytes, outline: Outline) -> BlockAccessList | None:
        """Return a block's access list if it is the one that the header commits to.

        Args:
            listed: an encoding, not trusted. It is not decoded unless its hash is right.
            outline: of the block.
        """
        if not listed or keccak256(listed) != outline.access_list_hash:
            return None
        key = (outline.access_list_hash, outline.gas_limit, len(listed))
        known = self._lists.get(key)
        if known is None:
            try:
                known = _read_list(listed, Gas(outline.gas_limit))
            except MalformedHint as error:
                known = error.with_traceback(None)
            self._lists.put(key, known)
        return None if isinstance(known, MalformedHint) else known

    def thought(self, block: ExecutedBlock, hint: bytes) -> Thought:
        """Return what is thought of a block, by its hint or without a usable one."""
        if hint:
            said = self.read(hint, len(block.transactions))
            if isinstance(said, ScheduleHint):
                return Thought(said.accesses, is_hint=True)
        pairs = [(each.transaction, each.sender) for each in block.transactions]
        guess = guess_hint(pairs, block.block.header.fee_recipient)
        return Thought(guess.accesses, is_hint=False)


def _read_list(listed: bytes, gas_limit: Gas) -> BlockAccessList:
    """Return a list with no more items than a block may have.

    Raises:
        MalformedHint: it has more, or it is none. A header may commit to anything.
    """
    most = items_max(gas_limit)
    try:
        count = len(split_list(listed))
        accounts = decode_access_list(listed) if count <= most else ()
    except InvalidEncoding as error:
        raise MalformedHint("enclosure.access_list", error.expected, error.actual) from error
    count = max(count, item_count(accounts))
    if count > most:
        raise MalformedHint("enclosure.access_list", f"at most {most} items", count)
    return accounts
