"""Which block a caller means: a tag, a height, or a hash.

What the tags mean here. A block of this chain is final when a quorum has committed it, and nothing
else is ever shown as a block of the chain. So `latest`, `safe` and `finalized` are the same block.
`earliest` is genesis. `pending` is the block that would come next: it stands on the state after
`latest`, and what waits in the pool counts in its nonces.

A stable checkpoint adds nothing for a caller: a block is not more final for it. It lets replicas
forget what they would need to prove the block once more.

Reference: execution-apis src/schemas/block.yaml; EIP-1898 for hashes.
"""

from enum import Enum
from typing import TypeAlias

import msgspec

from node.rpc.arguments import BadArgument, boolean, hash32, kind, uint64, unfit
from primitives.ids import Hash32


class Tag(Enum):
    """Blocks that have a name."""

    LATEST = "latest"
    SAFE = "safe"
    FINALIZED = "finalized"
    EARLIEST = "earliest"
    PENDING = "pending"


class ByHash(msgspec.Struct, frozen=True, gc=False):
    """A block named by its hash.

    Whether it must be canonical (EIP-1898) makes no difference: this node knows no others.
    """

    digest: Hash32


BlockId: TypeAlias = Tag | int | ByHash

HEIGHT_MAX = (1 << 63) - 1
"""As in Go, whose negative numbers are tags."""

_TAGS = {tag.value: tag for tag in Tag}


def block_number(value: object) -> Tag | int:
    """Decode a tag or a height.

    Raises:
        BadArgument: it is neither.
    """
    if isinstance(value, str) and value in _TAGS:
        return _TAGS[value]
    if not isinstance(value, str):
        raise unfit(kind(value), "rpc.BlockNumber")
    height = uint64(value)
    if height > HEIGHT_MAX:
        raise BadArgument("block number larger than int64")
    return height


def block_id(value: object) -> BlockId:
    """Decode a tag, a height, or an object with `blockNumber` or `blockHash`.

    Raises:
        BadArgument: it is none of them.
    """
    if not isinstance(value, dict):
        if isinstance(value, str) and len(value) == 66:
            return ByHash(Hash32(hash32(value)))
        return block_number(value)
    number, digest = value.get("blockNumber"), value.get("blockHash")
    if number is not None and digest is not None:
        raise BadArgument("cannot specify both BlockHash and BlockNumber, choose one or the other")
    if "requireCanonical" in value:
        boolean(value["requireCanonical"])
    if number is not None:
        return block_number(number)
    if digest is not None:
        return ByHash(Hash32(hash32(digest)))
    raise BadArgument("invalid arguments; neither block nor hash specified")
