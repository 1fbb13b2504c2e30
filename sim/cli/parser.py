"""The commands and their options."""

import re
from argparse import (
    ArgumentParser,
    ArgumentTypeError,
    RawDescriptionHelpFormatter,
    _SubParsersAction,
)
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sim.cli.load_parser import LOAD, add_load
from sim.cli.store_parser import STORE, add_store
from sim.cli.up_parser import UP, add_up

SEED_END = 2**63
"""Seeds are below this."""

DESCRIPTION = """\
A working model of a blockchain network: the nodes' real code, in virtual and in real time.

example:
  orrery run scenarios/quickstart.toml
"""

RUN = """\
Simulate one scenario and write its run directory (summary.json, report.html, metrics.om, trace).

examples:
  orrery run scenarios/quickstart.toml
  orrery run scenarios/wan-100.toml --seed 7 --seeds 5 --set consensus.batch_size=500 --json
"""

TEST = """\
Run scenario files and judge their expectations.

example:
  orrery test scenarios/ --junit results.xml
"""

FUZZ = """\
Search for schedules of faults that break the network: draw a network, parameters and faults for
each run, watch it with all checkers, then let it calm down and ask that it recovers. What fails
is shrunk and written as a scenario file that `orrery run` repeats.

examples:
  orrery fuzz scenarios/chaos.toml --runs 100
  orrery fuzz scenarios/chaos.toml --runs 1000 --seed 7 --set network.validators=7 --workers 4
"""

CALIBRATE = """\
Measure on this machine what each kind of work costs, and write a calibration profile.

example:
  orrery calibrate --out profile.json
"""

BENCH = """\
Measure the simulator's own speed and memory; all benchmarks if none is named.

Benchmarks: consensus, thousand, wan, view-change, gossip, dissemination, shreds, certificates,
complexity, batching, evm, transfers, graph, parallel, state-root, store, stored-trie, flat,
commit, commit-groups, commit-loop, file-io, memory, codec, compact, decisions, spreading,
announcements, reconcile, transport, runtime, rpc, load, hostile, live, cache-speed, cache-levels;
and two that are run only when they are named: evm-peers, which needs `make peers`, and cache,
which needs public traces.

example:
  orrery bench consensus --json
  orrery bench evm state-root
"""

GRAPH = """\
Execute one block and show its dependency graph: which transactions wait for which, how much
faster than one core a schedule can be, and which cells of the state they fight over.

BLOCK is a folder with block.json (as JSON-RPC gives it, with whole transactions), pre_state.json
and bytecodes.json of a block of Ethereum's main network; or the directory of a run, which is
repeated as far as that block, under the profile that ships.

Edge rules: "deltas" lets balances that nobody looks at commute, which is what executors need;
"strict" lets all balances conflict but the fee recipient's; "lazy" looks at storage, nonces and
code only.

examples:
  orrery graph vectors/blocks/19932148
  orrery graph runs/quickstart-1 --block 12 --rule strict --out graph.svg --json

exit code: 0; 2 if there is no such block, or it does not give what its header says.
"""

VERIFY_CERTIFICATE = """\
Check that a block is final, from a certificate file and the hash of block 0 alone.

Without --genesis or --committee the file vouches for itself: it may be of any chain at all.

examples:
  orrery verify-certificate runs/quickstart-1/certificate.json --genesis 0x1f0e...
  orrery verify-certificate certificate.json --committee committee.json --json

exit code: 0 final; 1 the file does not prove it, with the reason; 2 it is no certificate file.
"""

OTHER_EXIT_CODES = frozenset(
    {"calibrate", "bench", "graph", "load", "verify-certificate", "store", "up"}
)
"""Commands to which the exit codes below do not apply."""

EXIT_CODES = """
exit code: 0 all expectations held; 1 one failed, or a checker objected; 2 bad input, nothing ran;
130 interrupted, the result is partial.
"""


def build_parser() -> ArgumentParser:
    """Return the parser of the whole command line."""
    parser = ArgumentParser(
        prog="orrery", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"orrery {_version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(_command(commands, "run", "simulate a scenario", RUN))
    add_up(_command(commands, "up", "run a scenario in real time", UP), seed_number, _add_set)
    _add_test(_command(commands, "test", "judge scenarios by their expectations", TEST))
    _add_fuzz(_command(commands, "fuzz", "search for faults that break the network", FUZZ))
    _add_calibrate(_command(commands, "calibrate", "measure what work costs here", CALIBRATE))
    _add_bench(_command(commands, "bench", "measure the simulator itself", BENCH))
    _add_graph(_command(commands, "graph", "show a block's dependency graph", GRAPH))
    _add_verify_certificate(
        _command(commands, "verify-certificate", "check that a block is final", VERIFY_CERTIFICATE)
    )
    add_load(_command(commands, "load", "send transactions to nodes", LOAD), whole_number)
    add_store(_command(commands, "store", "look after the store of a node", STORE), count)
    return parser


def whole_number(text: str) -> int:
    """Read a number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"expected a whole number, at least 1, got {text!r}")
    return int(text)


def count(text: str) -> int:
    """Read a number of at least 0."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"expected a whole number, at least 0, got {text!r}")
    return int(text)


def seed_number(text: str) -> int:
    """Read a seed."""
    if not text.isdecimal() or int(text) >= SEED_END:
        raise ArgumentTypeError(f"expected a whole number from 0 to 2**63 - 1, got {text!r}")
    return int(text)


def hash_text(text: str) -> bytes:
    """Read a 32-byte hash."""
    if not re.fullmatch("0x[0-9a-fA-F]{64}", text):
        raise ArgumentTypeError(f"expected 0x and 64 hexadecimal digits, got {text!r}")
    return bytes.fromhex(text[2:])


def _version() -> str:
    try:
        return version("orrery")
    except PackageNotFoundError:
        return "(not installed)"


def _command(
    commands: "_SubParsersAction[ArgumentParser]", name: str, summary: str, description: str
) -> ArgumentParser:
    return commands.add_parser(
        name,
        help=summary,
        description=description + ("" if name in OTHER_EXIT_CODES else EXIT_CODES),
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _add_run(parser: ArgumentParser) -> None:
    parser.add_argument("scenario", type=Path, metavar="FILE", help="scenario file (TOML)")
    parser.add_argument("--seed", type=seed_number, metavar="N", help="instead of the file's seed")
    parser.add_argument(
        "--seeds",
        type=whole_number,
        default=1,
        metavar="N",
        help="run N seeds, counting up, and give means and 95 %% intervals",
    )
    _add_set(parser)
    _add_profile(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs"),
        metavar="DIR",
        help="where run directories go (default: runs/)",
    )
    _add_workers(parser)
    parser.add_argument(
        "--execution-workers",
        type=count,
        default=0,
        metavar="N",
        help="processes that execute the blocks of a run, where it pays; the run is the same "
        "(default: 0, none beside the run's own)",
    )
    _add_json(parser)


def _add_test(parser: ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="scenario files, or directories of them (folders named soak are left out)",
    )
    parser.add_argument("--seed", type=seed_number, metavar="N", help="instead of the files' seeds")
    _add_set(parser)
    _add_profile(parser)
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write results as JUnit XML")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="keep run directories here (default: none)"
    )
    _add_workers(parser)
    _add_json(parser)


def _add_fuzz(parser: ArgumentParser) -> None:
    parser.add_argument("scenario", type=Path, metavar="FILE", help="base scenario (TOML)")
    parser.add_argument(
        "--runs", type=whole_number, default=100, metavar="N", help="how many (default: 100)"
    )
    parser.add_argument(
        "--seed",
        type=seed_number,
        metavar="N",
        help="of the first run, the others count up (default: the file's seed)",
    )
    _add_set(parser)
    parser.add_argument(
        "--shrink",
        type=count,
        default=200,
        metavar="N",
        help="runs that may be spent on making one failure smaller (default: 200)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/fuzz"),
        metavar="DIR",
        help="where failing scenarios go (default: runs/fuzz/)",
    )
    _add_workers(parser, default=2)
    _add_json(parser)


def _add_calibrate(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="the profile to write (default: profile.json)"
    )
    _add_json(parser)


def _add_bench(parser: ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run")
    _add_json(parser)


def _add_graph(parser: ArgumentParser) -> None:
    parser.add_argument("block", type=Path, metavar="BLOCK", help="folder of a block or of a run")
    parser.add_argument(
        "--block",
        dest="height",
        type=whole_number,
        metavar="N",
        help="height of the block in the run (default: the one with most transactions)",
    )
    parser.add_argument(
        "--rule",
        choices=("deltas", "strict", "lazy"),
        default="deltas",
        help="what counts as a conflict (default: deltas); bounds are given for all three",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="where the picture goes (default: runs/graph-N.svg)",
    )
    parser.add_argument("--graphml", type=Path, metavar="FILE", help="write the graph as GraphML")
    parser.add_argument("--dot", type=Path, metavar="FILE", help="write the graph for Graphviz")
    _add_json(parser)


def _add_verify_certificate(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="certificate.json of a run")
    parser.add_argument(
        "--genesis",
        type=hash_text,
        metavar="HASH",
        help="trust this chain: hash of block 0, which stands for its committee too",
    )
    parser.add_argument(
        "--committee",
        type=Path,
        metavar="FILE",
        help="trust this chain, shard, epoch and committee: committee.json of a run",
    )
    _add_json(parser)


def _add_set(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="KEY=VALUE",
        help='change one value, as in "consensus.batch_size=500"; may be repeated',
    )


def _add_profile(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        type=Path,
        metavar="FILE",
        help="what work costs, as `orrery calibrate` wrote it (default: the profile that ships)",
    )


def _add_workers(parser: ArgumentParser, default: int = 1) -> None:
    parser.add_argument(
        "--workers",
        type=whole_number,
        default=default,
        metavar="N",
        help=f"processes (default: {default})",
    )


def _add_json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
