"""What the node's computations cost: the demand that goes with each `Compute`.

A node pays for what it has not done itself: it recovers the sender of each transaction once,
wherever it met it first. It never pays less because another node of the process did the work.
"""

from collections.abc import Sequence

from network.gossip_state import KnownHashes
from node.costs import BODY_ROOTS, DECODE, EXECUTE, RECOVER, STATE_ROOT
from node.shared import Memo
from node.validation import PooledTransaction
from primitives.block import decode_block
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32
from primitives.machine import Demand, Serial, Tasks
from primitives.transaction import transaction_hash

OUTLINES_MAX = 64
"""Block bodies that an `Outlines` remembers."""

_EMPTY_BLOCK: tuple[Demand, ...] = (Serial(BODY_ROOTS, 1),)
"""What executing a block without transactions takes: it changes no account."""


class Outlines:
    """The hashes of blocks' transactions by payload, computed once for all nodes of a process."""

    __slots__ = ("_memo",)

    def __init__(self) -> None:
        self._memo: Memo[bytes, tuple[Hash32, ...]] = Memo(OUTLINES_MAX)

    def hashes(self, payload: bytes) -> tuple[Hash32, ...]:
        """Return the hashes of the block's transactions.

        None if the block is malformed, which execution will say.
        """
        known = self._memo.get(payload)
        if known is not None:
            return known
        try:
            hashes = tuple([transaction_hash(raw) for raw in decode_block(payload).transactions])
        except InvalidEncoding:
            hashes = ()
        self._memo.put(payload, hashes)
        return hashes


def transaction_demand(count: int) -> tuple[Demand, ...]:
    """Return what it takes to check `count` new transactions, each by itself."""
    ones = (1,) * count
    return (Tasks(DECODE, ones), Tasks(RECOVER, ones))


def build_demand(candidates: Sequence[PooledTransaction]) -> tuple[Demand, ...]:
    """Return what it takes to build a block of these transactions."""
    count = len(candidates)
    accounts = {candidate.sender for candidate in candidates}
    accounts.update(candidate.to or candidate.sender for candidate in candidates)
    return _execution(count, len(accounts) + 1)


def block_demand(hashes: Sequence[Hash32], recovered: KnownHashes) -> tuple[Demand, ...]:
    """Return what it takes to validate a block, for a node that has recovered some senders.

    The accounts that a block changes are known only afterwards. Two for each transfer and the
    fee recipient are charged, which is right unless some account occurs more than once.
    """
    if not hashes:
        return _EMPTY_BLOCK
    younger, older = recovered.younger, recovered.older
    new = len([name for name in hashes if name not in younger and name not in older])
    checks = transaction_demand(new) if new else ()
    return checks + _execution(len(hashes), 2 * len(hashes) + 1)


def _execution(transactions: int, accounts: int) -> tuple[Demand, ...]:
    """Return the serial part."""
    if not transactions:
        return _EMPTY_BLOCK
    return (
        Serial(EXECUTE, transactions),
        Serial(BODY_ROOTS, transactions),
        Serial(STATE_ROOT, accounts),
    )
