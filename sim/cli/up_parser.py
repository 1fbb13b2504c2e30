"""The options of `orrery up`."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path

UP = """\
Run a scenario in real time: a process for each node on this machine, with RPC and metrics, its
load and its faults. A second run in the same directory goes on with the chain.

What processes on one machine cannot do is refused by name before anything starts
(docs/guides/live-networks.md).

examples:
  orrery up scenarios/devnet.toml
  orrery up scenarios/quickstart.toml --for 60s --dir /tmp/quick --rpc-port 9545 --json
  orrery up scenarios/quickstart.toml --links

exit code: 0 nothing that was expected has failed, also after Ctrl-C; 1 an expectation failed, or
a node did not come up or ended by itself; 2 bad input, nothing ran; 130 interrupted before all
nodes were up.
"""

PORT_MAX = 65_535


def add_up(
    parser: ArgumentParser,
    seed_number: Callable[[str], int],
    add_set: Callable[[ArgumentParser], None],
) -> None:
    """Add the options.

    Args:
        parser: of the command.
        seed_number: reads a seed.
        add_set: adds `--set`.
    """
    parser.add_argument("scenario", type=Path, metavar="FILE", help="scenario file (TOML)")
    parser.add_argument(
        "--dir",
        type=Path,
        metavar="DIR",
        help="where configurations, chains and logs are (default: runs/NAME-live/)",
    )
    parser.add_argument("--seed", type=seed_number, metavar="N", help="instead of the file's seed")
    add_set(parser)
    parser.add_argument(
        "--for",
        dest="lasting",
        metavar="TIME",
        help='how long, as in "60s" (default: until Ctrl-C)',
    )
    parser.add_argument(
        "--rpc-port",
        type=port,
        default=8545,
        metavar="N",
        help="of node 0, the others count up (default: 8545)",
    )
    parser.add_argument(
        "--p2p-port",
        type=port,
        default=30300,
        metavar="N",
        help="likewise, for the other nodes (default: 30300)",
    )
    parser.add_argument(
        "--links",
        action="store_true",
        help="let messages take as long as over the scenario's links (default: loopback's speed)",
    )
    parser.add_argument("--no-load", action="store_true", help="without the scenario's workload")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")


def port(text: str) -> int:
    """Read the number of a port."""
    if not text.isdecimal() or not 1 <= int(text) <= PORT_MAX:
        raise ArgumentTypeError(f"expected a port from 1 to {PORT_MAX}, got {text!r}")
    return int(text)
