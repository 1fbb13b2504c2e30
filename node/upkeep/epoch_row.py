"""Whether the epoch that a store of form `flat` names is the one that its blocks lead to.

A node believes the row: it decides who may certify the next block, and to which committee the
next checkpoint has to commit.
"""

from collections.abc import Iterator, Sequence

from node.config import Environment
from node.flat_rows import ANCHOR, CHAIN, EPOCH, Anchor
from node.ledger import BLOCKS, height_key
from node.snapshot import Closing
from node.upkeep.finding import Finding, faulty
from node.upkeep.flat_chain import ROW_BYTES_MAX
from node.upkeep.pruning import COMMITMENT_BYTES
from primitives.block import Block, decode_block
from primitives.codec import decode_canonical
from primitives.committee import Committee
from primitives.committee_change import (
    COMMITTEE_ADDRESS,
    CommitteeChange,
    CommitteeChangeFailed,
    apply_changes,
    decode_changes,
)
from primitives.epoch import Epoch
from primitives.errors import InvalidEncoding, InvalidInput
from primitives.fork import LATEST
from primitives.header import decode_header
from primitives.params import MAX_BLOCK_BYTES
from primitives.transaction import decode_transaction
from storage.flat import read_head
from storage.store import Store

Changes = tuple[CommitteeChange, ...]


def check_epoch(
    store: Store, environment: Environment | None, closings: Sequence[Closing]
) -> Iterator[Finding]:
    """Yield what the row of the epoch says otherwise than genesis, closing blocks and blocks do.

    Args:
        store: what is looked at.
        environment: of the chain, if it is known; it knows the first committee.
        closings: the ends of all epochs since genesis.
    """
    name, row = EPOCH.decode(), store.get(CHAIN, EPOCH)
    if row is None:
        yield Finding(CHAIN, name, "the epoch of the next block", "no row")
        return
    try:
        epoch = decode_canonical(row, Epoch, ROW_BYTES_MAX)
    except InvalidEncoding as error:
        yield faulty(CHAIN, name, error)
        return
    if epoch.number != len(closings):
        expected = f"epoch {len(closings)}, after so many ends of epochs"
        yield Finding(CHAIN, name, expected, str(epoch.number))
        return
    since = decode_header(closings[-1].header).number if closings else 0
    if epoch.since != since:
        yield Finding(CHAIN, name, f"an epoch since block {since}", f"since {epoch.since}")
    known = closings[-1].committee if closings else None
    if known is None and environment is not None:
        known = environment.genesis.committee
    if known is not None and epoch.committee != known:
        began = "the last closing block" if closings else "genesis"
        yield Finding(CHAIN, name, f"the committee of {began}", "another")
        return
    pending = _pending(store, epoch.committee)
    if pending is not None and epoch.pending != pending:
        expected = "the committee as transactions since the last checkpoint have changed it"
        yield Finding(CHAIN, name, expected, "another")


def _pending(store: Store, committee: Committee) -> Committee | None:
    """Return the committee with all changes since the last checkpoint; None if some are unknown."""
    blocks = _since_checkpoint(store)
    if blocks is None:
        return None
    try:
        changes = [change for block in blocks for change in _changes(block)]
    except InvalidInput:
        return None
    for each in changes:
        try:
            committee = apply_changes(committee, each)
        except CommitteeChangeFailed:
            continue  # so its receipt says
    return committee


def _since_checkpoint(store: Store) -> list[Block] | None:
    """Return the blocks above the last checkpoint, ascending; None if one is not held."""
    head, anchor = read_head(store), store.get(CHAIN, ANCHOR)
    lowest = 0
    if anchor is not None:
        lowest = decode_header(decode_canonical(anchor, Anchor, ROW_BYTES_MAX).header).number
    found: list[Block] = []
    height = 0 if head is None else head.height
    while height > lowest:
        payload = store.get(BLOCKS, height_key(height))
        if payload is None:
            return None
        block = decode_block(payload, MAX_BLOCK_BYTES)
        if len(block.header.extra_data) == COMMITMENT_BYTES:
            break
        found.append(block)
        height -= 1
    return found[::-1]


def _changes(block: Block) -> Iterator[Changes]:
    for raw in block.transactions:
        if raw.find(COMMITTEE_ADDRESS) >= 0:
            transaction = decode_transaction(raw, LATEST)
            if transaction.to == COMMITTEE_ADDRESS:
                yield decode_changes(transaction.data)
