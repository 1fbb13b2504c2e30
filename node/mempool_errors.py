"""Why this node's pool refuses a transaction that the chain would accept.

These are policies: another node may keep the transaction, and a block may contain it.
"""

from primitives.transaction import InvalidTransaction


class AlreadyKnown(InvalidTransaction):
    """The pool holds this very transaction."""

    code = "already_known"


class ReplacementUnderpriced(InvalidTransaction):
    """Another transaction of this sender and nonce, without enough more in both fee fields."""

    code = "replacement_underpriced"


class PoolFull(InvalidTransaction):
    """The pool is full of transactions that pay as much or more, or need not give way."""

    code = "pool_full"


class QueueFull(InvalidTransaction):
    """Too many transactions wait behind nonce gaps, and this one would be the next to give way."""

    code = "queue_full"


class SenderLimitReached(InvalidTransaction):
    """The pool holds as many transactions of this sender as it allows."""

    code = "sender_limit_reached"


class DelegatedLimitReached(InvalidTransaction):
    """More than the next transaction of an account that delegates."""

    code = "delegated_limit"


class AuthorityReserved(InvalidTransaction):
    """An authorization of an account that has more in the pool than one that delegates may."""

    code = "authority_reserved"


class PooledTransactionTooLarge(InvalidTransaction):
    """More bytes than the pool takes in one transaction."""

    code = "too_large_for_pool"


class BlobsNotPooled(InvalidTransaction):
    """A blob transaction without its blobs: whoever took it from here could not include it."""

    code = "blobs_not_pooled"
