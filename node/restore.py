"""What a node finds in its store when it starts, and what it costs to get back to work.

Blocks are executed again from genesis; execution says whether a stored block is whole. What is
lost at the end, because a crash came before it was durable, is fetched from peers afterwards.
"""

import msgspec

from node.certificates import CertificateReader
from node.costs import BODY_ROOTS, DECODE, EXECUTE, RECOVER, STATE_ROOT
from node.execution import ExecutedBlock
from node.ledger import Ledger, stored_blocks
from node.shared import ComputeCache
from node.validation_errors import InvalidBlock
from primitives.errors import InvalidEncoding
from primitives.machine import Effect, Work
from storage.store import Store


class Restored(msgspec.Struct, frozen=True):
    """The chain as far as the store had it."""

    ledger: Ledger
    work: tuple[Effect, ...]
    """What the protocol thread had to do for it."""


def restore(
    store: Store,
    genesis: ExecutedBlock,
    cache: ComputeCache,
    certificates: CertificateReader,
    recent: int,
) -> Restored:
    """Rebuild the chain and its state from the stored blocks.

    Args:
        store: the node's own.
        genesis: block 0, executed.
        cache: executes blocks.
        certificates: reads certificates. They are not verified again: they are the node's own.
        recent: how many of the last certificates the ledger keeps at hand.
    """
    ledger = Ledger(genesis, recent)
    transactions = accounts = 0
    for payload, encoded in stored_blocks(store):
        block = cache.execute(ledger.tip, payload)
        if isinstance(block, InvalidBlock):
            break
        try:
            certificate = certificates.read(encoded)
        except InvalidEncoding:
            break
        if certificate.digest != block.digest:
            break
        ledger.append(block, encoded, certificate)
        transactions += len(block.transactions)
        accounts += len(block.state.changes)
    return Restored(ledger, _work(transactions, accounts))


def _work(transactions: int, accounts: int) -> tuple[Effect, ...]:
    units = (
        (DECODE, transactions),
        (RECOVER, transactions),
        (EXECUTE, transactions),
        (BODY_ROOTS, transactions),
        (STATE_ROOT, accounts),
    )
    return tuple(Work(kind, count) for kind, count in units if count)
