"""Forgetting: shorter histories, and stores that change from one length to another.

A running node deletes one row with each block (`expired_records`). What is here is for the times
when the length changes, and reads what it deletes.
"""

from collections.abc import Iterator

from primitives.errors import InvalidInput
from primitives.machine import Record
from storage.flat.errors import NoFlatState
from storage.flat.head import indexed_from, read_head
from storage.flat.records import index_start_records
from storage.flat.tables import HEAD, HISTORY, INDEX, INDEXED_FROM, INDEXED_TO, height_key
from storage.store import RowSource


def prune_records(source: RowSource, kept: int) -> Iterator[Record]:
    """Yield what leaves the states of the `kept` blocks before the head, and no index.

    They may be written in batches: any first part of them leaves a store that is right.

    Raises:
        InvalidInput: `kept` is negative.
        NoFlatState: there is nothing to prune.
    """
    if kept < 0:
        raise InvalidInput("state.history", "0 or more blocks", kept)
    head = read_head(source)
    if head is None:
        raise NoFlatState
    for key in (INDEXED_TO, INDEXED_FROM):
        if source.get(HEAD, key) is not None:
            yield Record(HEAD, key, None)
    for key, _ in source.scan(INDEX):
        yield Record(INDEX, key, None)
    for key, _ in source.scan(HISTORY, end=height_key(max(0, head.height - kept + 1))):
        yield Record(HISTORY, key, None)


def adapt_records(source: RowSource, kept: int | None) -> Iterator[Record]:
    """Yield what a store needs before blocks are added that keep a history of this length.

    To be written whenever a node starts; mostly there is nothing. As with `prune_records`, any
    first part of them leaves a store that is right.

    Args:
        source: the rows of now.
        kept: of how many blocks before the head the state shall stay; None is an archive of all.

    Raises:
        InvalidInput: `kept` is negative.
        NoFlatState: there is no flat state yet (`whole_state_records`).
    """
    if kept is not None:
        yield from prune_records(source, kept)
        return
    head = read_head(source)
    if head is None:
        raise NoFlatState
    if indexed_from(source, head) is None:
        yield from index_start_records(head.height)
