"""`orrery store compact PATH` and `orrery store prune PATH`."""

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from node.upkeep.importing import batches
from node.upkeep.pruning import PrunePlan, plan_pruning, pruning_records
from primitives.errors import InvalidInput
from sim.cli.entry import Exit
from sim.cli.store_shown import line, print_json, size, watching
from sim.cli.summary import output_console
from storage.files.frozen import MARK_KEY, MARK_TABLE, FrozenStore
from storage.rocks import RocksStore, profile
from storage.rocks.used import used_profile
from storage.rocks.view import require_store, view
from storage.rocks.wal import log_files


class Compacted(msgspec.Struct, frozen=True):
    """What `compact --json` prints."""

    path: str
    bytes_before: int
    """Of tables and logs."""
    bytes_after: int


class Pruned(msgspec.Struct, frozen=True):
    """What `prune --json` prints."""

    path: str
    dry_run: bool
    plan: PrunePlan


def command(arguments: Namespace) -> int:
    """Do what was asked for, print what came of it, return the exit code."""
    require_store(arguments.path)
    return _compact(arguments) if arguments.action == "compact" else _prune(arguments)


def _compact(arguments: Namespace) -> int:
    path: Path = arguments.path
    before = _bytes(path)
    with watching("compact") as watch, _opened(arguments) as store:
        watch("merging tables", 0)
        store.compact()
    answer = Compacted(str(path), before, _bytes(path))
    if arguments.json:
        print_json(answer)
    else:
        line(output_console(), f"{path}: {size(before)} before, {size(answer.bytes_after)} now")
    return Exit.OK


def _prune(arguments: Namespace) -> int:
    path: Path = arguments.path
    keep_blocks, keep_history = arguments.keep_blocks, arguments.keep_history
    if keep_blocks is None and keep_history is None:
        expected = "--keep-blocks N, --keep-history N or both"
        raise InvalidInput("orrery store prune", expected, "neither")
    if arguments.dry_run:
        with view(path) as looked_at:
            plan = plan_pruning(looked_at, keep_blocks, keep_history)
    else:
        with watching("prune") as watch, _opened(arguments) as store:
            plan = plan_pruning(store, keep_blocks, keep_history)
            with _writer(store, arguments, plan) as writer:
                for count, batch in enumerate(batches(pruning_records(store, plan))):
                    watch("batches", count)
                    writer.write(batch)
    if arguments.json:
        print_json(Pruned(str(path), arguments.dry_run, plan))
    else:
        _show(plan, dry_run=arguments.dry_run)
    return Exit.OK


@contextmanager
def _writer(
    store: RocksStore, arguments: Namespace, plan: PrunePlan
) -> Iterator[RocksStore | FrozenStore]:
    """Return what deletes rows: the store, or one that moves them to an archive first.

    Raises:
        InvalidInput: what is named is no directory, or the store has an archive that is not: its
            rows would have a gap.
    """
    if arguments.archive is not None:
        if arguments.archive.exists() and not arguments.archive.is_dir():
            expected = "a directory for archive files, or none yet"
            raise InvalidInput("--archive", expected, f"a file, {arguments.archive}")
        with FrozenStore(store, arguments.archive) as joined:
            yield joined
        return
    if plan.last_block is not None and store.get(MARK_TABLE, MARK_KEY) is not None:
        expected = "the directory to which this store's old blocks move (name it)"
        raise InvalidInput("--archive", expected, "none, which would leave a gap")
    yield store


def _show(plan: PrunePlan, *, dry_run: bool) -> None:
    console = output_console()
    verb = "would go" if dry_run else "went"
    named = ", ".join([str(each) for each in plan.checkpoints]) or "none yet"
    line(console, f"last block {plan.height}, last checkpoints {named}")
    if plan.last_block is None:
        line(console, f"blocks   none {verb}; {plan.lowest} is the lowest")
    else:
        line(console, f"blocks   {plan.blocks:,} {verb}: {plan.lowest} to {plan.last_block}")
    if plan.kept_history is not None:
        line(
            console,
            f"history  {plan.history:,} rows {verb}; {plan.kept_history:,} blocks back stay",
        )
        if plan.index:
            line(console, f"index    {plan.index:,} rows {verb}: it is an archive no longer")
    if not dry_run:
        line(console, "`orrery store compact` gives the space back to the disk")


def _opened(arguments: Namespace) -> RocksStore:
    """Open the store to write it, and say what that took away."""
    name = arguments.profile or used_profile(arguments.path) or "default"
    store = RocksStore(arguments.path, profile(name))
    if store.torn is not None:
        torn = store.torn
        lost = f"{torn.lost_bytes} bytes, none of which was reported durable"
        print(
            f"orrery: {torn.file} was torn at byte {torn.offset}: dropped {lost}", file=sys.stderr
        )
    return store


def _bytes(path: Path) -> int:
    files = [*path.glob("*.sst"), *log_files(path)]
    return sum([each.stat().st_size for each in files])
