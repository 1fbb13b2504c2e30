"""The options of `orrery store`."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter, _SubParsersAction
from collections.abc import Callable
from functools import partial
from pathlib import Path

STORE = """\
Look after the store of a node: is it whole, what is in it, what may go, how it moves.

PATH is the directory of a store, or the data directory of a live node that is stopped. No other
process may have it open.

example:
  orrery store check runs/quickstart-1/store/node-000
"""

CHECK = """\
Look through a store, and change nothing: every row is read, then what the rows mean is checked.
Blocks must hang together, certificates must be for their blocks, and the state must have the root
that the block of it names, which is computed anew from all accounts.

Signatures are checked where somebody says who may sign: the run that the store lies in, or
another one (--run), or a committee (--committee).

examples:
  orrery store check runs/quickstart-1/store/node-000
  orrery store check PATH --committee committee.json --json

exit code: 0 clean; 1 damaged, each finding on a line; 2 there is no store, or it is in use.
"""

STATS = """\
Show what a store holds and how it is built: rows and bytes by table, levels, logs, caches, memory,
and how many bytes went to the disk for each byte of rows. Nothing is changed.

examples:
  orrery store stats PATH
  orrery store stats PATH --openmetrics > store.om

exit code: 0; 1 damaged; 2 there is no store, or it is in use.
"""

COMPACT = """\
Merge all tables of a store, so that deleted and overwritten rows take no space.

example:
  orrery store compact PATH --profile large

exit code: 0; 1 damaged; 2 there is no store, or it is in use.
"""

PRUNE = """\
Delete old blocks, and the changes that lead back to old states; `compact` then frees the space.
What a restart needs, and what others fetch at the last two checkpoints, cannot be deleted.

examples:
  orrery store prune PATH --keep-blocks 1000 --dry-run
  orrery store prune PATH --keep-history 128
  orrery store prune PATH --keep-blocks 1000 --archive PATH-archive

exit code: 0; 1 damaged; 2 there is no store, it is in use, or it would lose what it needs.
"""

EXPORT = """\
Write blocks, certificates, receipts and the state of a store as archive files, with a manifest
that has their checksums. What the node itself has voted for is not in it.

example:
  orrery store export PATH exported/

exit code: 0; 1 damaged; 2 there is no store, it is in use, or the folder is not empty.
"""

IMPORT = """\
Make a store from what `orrery store export` has written. Everything is verified: checksums, hashes
of blocks, certificates, and the state root, computed from all accounts. Nothing is left where
anything is wrong.

A validator that has voted must not go on from a store made elsewhere: it would not know its votes.

example:
  orrery store import exported/ PATH

exit code: 0; 1 damaged; 2 there is no export, or the folder for the store is not empty.
"""

Add = Callable[[ArgumentParser], None]


def add_store(parser: ArgumentParser, count: Callable[[str], int]) -> None:
    """Add the actions and their options.

    Args:
        parser: of the command.
        count: reads a number of at least 0.
    """
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _action(actions, "check", "is it whole?", CHECK, _add_check)
    _action(actions, "stats", "what is in it, and how it is built", STATS, _add_stats)
    _action(actions, "compact", "merge its tables", COMPACT, _add_compact)
    _action(actions, "prune", "delete old blocks and old states", PRUNE, partial(_add_prune, count))
    _action(actions, "export", "write it as archive files", EXPORT, _add_export)
    _action(actions, "import", "make one from such files", IMPORT, _add_import)


def _action(
    actions: "_SubParsersAction[ArgumentParser]", name: str, summary: str, text: str, add: Add
) -> None:
    parser = actions.add_parser(
        name,
        help=summary,
        description=text,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def _add_check(parser: ArgumentParser) -> None:
    _add_path(parser)
    _add_archive(parser)
    _add_chain(parser)
    parser.add_argument(
        "--unsynced",
        action="store_true",
        help="the store was not synced after each batch (durability none, wal or group): a crash "
        "may have taken an earlier log's end, and that is no damage",
    )


def _add_stats(parser: ArgumentParser) -> None:
    _add_path(parser)
    _add_archive(parser)
    parser.add_argument(
        "--quick", action="store_true", help="do not read the rows to count them by table"
    )
    parser.add_argument(
        "--openmetrics", action="store_true", help="print metrics for Prometheus instead"
    )


def _add_compact(parser: ArgumentParser) -> None:
    _add_path(parser)
    _add_profile(parser)


def _add_prune(count: Callable[[str], int], parser: ArgumentParser) -> None:
    _add_path(parser)
    _add_profile(parser)
    parser.add_argument(
        "--keep-blocks", type=count, metavar="N", help="keep the last N blocks at least"
    )
    parser.add_argument(
        "--keep-history",
        type=count,
        metavar="N",
        help="keep what leads back to the states of the last N blocks (form flat)",
    )
    parser.add_argument(
        "--archive",
        type=Path,
        metavar="DIR",
        help="move old blocks to archive files there instead of deleting them",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")


def _add_export(parser: ArgumentParser) -> None:
    _add_path(parser)
    parser.add_argument("directory", type=Path, metavar="DIRECTORY", help="an empty or new folder")
    _add_archive(parser)
    _add_chain(parser)


def _add_import(parser: ArgumentParser) -> None:
    parser.add_argument(
        "directory", type=Path, metavar="DIRECTORY", help="folder that export has written"
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="an empty or new folder")
    parser.add_argument(
        "--profile",
        default="default",
        metavar="NAME",
        help="how the new store is tuned: small, default, large, bulk-load or reference "
        "(default: default)",
    )
    _add_chain(parser)


def _add_path(parser: ArgumentParser) -> None:
    parser.add_argument(
        "path",
        type=Path,
        metavar="PATH",
        help="directory of a store, or data directory of a live node",
    )


def _add_archive(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--archive",
        type=Path,
        metavar="DIR",
        help="directory of the archive files to which old blocks of the store have moved",
    )


def _add_chain(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--run",
        type=Path,
        metavar="DIR",
        help="directory of the run that the chain is from: it says what block 0 is and who may "
        "sign (default: the one that the store lies in, if any)",
    )
    parser.add_argument(
        "--committee",
        type=Path,
        metavar="FILE",
        help="check signatures by this committee: committee.json of a run",
    )


def _add_profile(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        metavar="NAME",
        help="how the store is opened: small, default, large, bulk-load or reference "
        "(default: as it was opened last)",
    )
