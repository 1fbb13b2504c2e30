"""What blocks say of themselves before anybody has executed them."""

import msgspec

from node.shared import Memo
from primitives.block import decode_block
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32
from primitives.transaction import transaction_hash

OUTLINES_MAX = 64
"""Block bodies that an `Outlines` remembers."""


class Outline(msgspec.Struct, frozen=True):
    """The hashes of a block's transactions, and what its header claims."""

    hashes: tuple[Hash32, ...]
    gas: int
    """Used, at most the limit."""
    gas_limit: int = 0
    access_list_hash: Hash32 | None = None
    """Of the block access list (EIP-7928); None on a chain without them."""


NO_OUTLINE = Outline((), 0)
"""Of a malformed block, which execution will find to be so."""


class Outlines:
    """Outlines by payload, made once for all nodes of a process."""

    __slots__ = ("_memo",)

    def __init__(self) -> None:
        self._memo: Memo[bytes, Outline] = Memo(OUTLINES_MAX)

    def of(self, payload: bytes) -> Outline:
        """Return the outline of a block, not trusted; nothing of a malformed one."""
        known = self._memo.get(payload)
        if known is not None:
            return known
        outline = NO_OUTLINE
        try:
            block = decode_block(payload)
            header = block.header
            hashes = tuple([transaction_hash(raw) for raw in block.transactions])
            gas = min(header.gas_used, header.gas_limit)
            outline = Outline(hashes, gas, header.gas_limit, header.block_access_list_hash)
        except InvalidEncoding:
            pass
        self._memo.put(payload, outline)
        return outline

    def hashes(self, payload: bytes) -> tuple[Hash32, ...]:
        """Return the hashes of a block's transactions; none of a malformed one."""
        return self.of(payload).hashes
