"""What may go from a store, and what must stay.

A peer that fetches the state of one of the last two checkpoints goes on with the blocks above it,
and a node serves both after a restart. So the blocks above the older of them stay; in form `flat`
also its own block, which proves its state, and what leads back to that. A running node keeps to
the same rule (`droppable` in `node.durable`).
"""

from collections.abc import Iterator

import msgspec

from node.durable_runs import stored_snapshot
from node.flat_rows import HEADERS, RECEIPTS
from node.ledger import BLOCKS, CERTIFICATES, height_key
from node.storage_config import StateForm
from node.transaction_index import is_indexed, unplaced_rows
from node.upkeep.form import form_of
from primitives.block import decode_block
from primitives.errors import InvalidEncoding, InvalidInput
from primitives.header import decode_header
from primitives.machine import Record
from primitives.params import MAX_BLOCK_BYTES
from storage.flat import HISTORY, INDEX, prune_records, read_head
from storage.store import Store

SERVED = 2
"""Checkpoints whose states are served."""
COMMITMENT_BYTES = 32
"""Of the extra data of a checkpoint; other blocks have none (`node.validation_header`)."""


class PrunePlan(msgspec.Struct, frozen=True):
    """What would go."""

    form: str
    height: int
    """Of the last block."""
    lowest: int
    """Height of the first block now."""
    checkpoints: tuple[int, ...]
    """The last two, ascending."""
    last_block: int | None
    """Blocks up to this height go; None if none does."""
    blocks: int
    kept_history: int | None
    """Blocks back from the head whose states stay readable; None if nothing of the history goes."""
    history: int
    """Rows of the history that go."""
    index: int
    """Rows of an archive's index that go: all of them, for an index with gaps is none."""


def plan_pruning(store: Store, keep_blocks: int | None, keep_history: int | None) -> PrunePlan:
    """Return what would go.

    Args:
        store: what is pruned.
        keep_blocks: blocks up to the last one that stay; None for all.
        keep_history: blocks back from the last one whose states stay readable; None for all.

    Raises:
        InvalidInput: a restart or a peer would miss what would go, or there is nothing to prune.
    """
    form = form_of(store)
    if form is None:
        raise InvalidInput("store", "a chain", "no blocks")
    if keep_history is not None and form is not StateForm.FLAT:
        raise InvalidInput("--keep-history", "a store of form flat", "form runs, which has none")
    heights = [int.from_bytes(key, "big") for key, _ in store.scan(BLOCKS)]
    height = _head(store, form, heights)
    checkpoints = _checkpoints(store, heights)
    older = checkpoints[0] if len(checkpoints) == SERVED else 0
    droppable = max(0, older - 1) if form is StateForm.FLAT else older
    _require("--keep-blocks", keep_blocks, height, height - droppable, checkpoints)
    _require("--keep-history", keep_history, height, height - older, checkpoints)
    last = None if keep_blocks is None else height - keep_blocks
    gone = [] if last is None else [each for each in heights if each <= last]
    rows = index = 0
    for record in () if keep_history is None else prune_records(store, keep_history):
        rows += record.table == HISTORY
        index += record.table == INDEX
    return PrunePlan(
        form.value,
        height,
        heights[0] if heights else 0,
        checkpoints,
        gone[-1] if gone else None,
        len(gone),
        keep_history,
        rows,
        index,
    )


def pruning_records(store: Store, plan: PrunePlan) -> Iterator[Record]:
    """Yield what makes a plan true, the lowest first: any part of it leaves a store that is whole.

    Args:
        store: what is pruned.
        plan: made for it as it is now.
    """
    if plan.last_block is not None:
        flat = plan.form == StateForm.FLAT.value
        tables = (BLOCKS, CERTIFICATES, *((HEADERS, RECEIPTS) if flat else ()))
        for height in range(plan.lowest, plan.last_block + 1):
            payload = store.get(BLOCKS, height_key(height)) if is_indexed(store) else None
            yield from () if payload is None else unplaced_rows(payload)
            for table in tables:
                yield Record(table, height_key(height), None)
    if plan.kept_history is not None:
        yield from prune_records(store, plan.kept_history)


def _require(
    option: str, kept: int | None, height: int, least: int, checkpoints: tuple[int, ...]
) -> None:
    if kept is None or kept >= least:
        return
    reason = "there are no two checkpoints yet"
    if len(checkpoints) == SERVED:
        reason = "the last two checkpoints are " + " and ".join(map(str, checkpoints))
    raise InvalidInput(option, f"at least {least} ({reason}, the last block is {height})", kept)


def _head(store: Store, form: StateForm, heights: list[int]) -> int:
    if form is StateForm.FLAT:
        head = read_head(store)
        return 0 if head is None else head.height
    if heights:
        return heights[-1]
    snapshot = stored_snapshot(store)
    return 0 if snapshot is None else decode_header(snapshot.manifest.header).number


def _checkpoints(store: Store, heights: list[int]) -> tuple[int, ...]:
    """Return the heights of the last two checkpoints, ascending: their headers commit to more."""
    found: list[int] = []
    for height in reversed(heights):
        payload = store.get(BLOCKS, height_key(height))
        if payload is None:
            continue
        try:
            header = decode_block(payload, MAX_BLOCK_BYTES).header
        except InvalidEncoding as error:
            raise InvalidInput(f"{BLOCKS} {height}", "a block (see `store check`)", error) from None
        if len(header.extra_data) == COMMITMENT_BYTES:
            found.append(height)
        if len(found) == SERVED:
            break
    return tuple(reversed(found))
