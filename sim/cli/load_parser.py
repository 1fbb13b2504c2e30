"""The options of `orrery load`."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path

from primitives.errors import InvalidInput
from primitives.units import parse_amount, parse_duration

LOAD = """\
Send transactions to Ethereum nodes over JSON-RPC and measure how they fare: throughput, latency to
inclusion and to finality, errors by kind. Any node will do; nothing of it is Orrery's own.

Transactions are signed ahead. Latency counts from the instant at which a transaction should have
been sent, so a slow node cannot hide by keeping the client waiting. The accounts are those that
scenarios of the same seed have (so a network of `orrery up` has funded them), or those of a file.

--mix is one of transfers, erc20, amm, nft, storage, compute and mainnet-like, or weights as in
"transfers=8,erc20=2". Contracts that genesis lacks are created first.

examples:
  orrery load http://127.0.0.1:8545 --rate 500
  orrery load http://127.0.0.1:8545 http://127.0.0.1:8546 --ramp 100..2000/60s --mix erc20
  orrery load http://127.0.0.1:8545 --clients 50 --for 1m --fund-from funder.key --json

exit code: 0 transactions came through; 1 none did, or the load broke off; 2 bad input, no node, the
wrong chain or no money, nothing was sent; 130 interrupted, the result is partial.
"""


def add_load(parser: ArgumentParser, whole_number: Callable[[str], int]) -> None:
    """Add the options of `orrery load`.

    Args:
        parser: of the command.
        whole_number: reads a number of at least 1.
    """
    parser.add_argument("urls", nargs="+", metavar="URL", help="nodes, as in http://127.0.0.1:8545")
    _add_pace(parser, whole_number)
    _add_accounts(parser, whole_number)
    _add_requests(parser, whole_number)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs"),
        metavar="DIR",
        help="where the directory of this load goes (default: runs/)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def _add_pace(parser: ArgumentParser, whole_number: Callable[[str], int]) -> None:
    group = parser.add_argument_group("how much")
    loop = group.add_mutually_exclusive_group(required=True)
    loop.add_argument("--rate", type=float, metavar="R", help="open loop: transactions a second")
    loop.add_argument(
        "--ramp",
        metavar="RATES",
        help='open loop: "100..2000/60s" rises for a minute, "100,500/20s" holds each for 20 s',
    )
    loop.add_argument(
        "--clients",
        type=whole_number,
        metavar="N",
        help="closed loop: each waits for its block before it sends again",
    )
    group.add_argument("--mix", default="transfers", help="what they do (default: transfers)")
    group.add_argument(
        "--for",
        dest="duration",
        type=_span,
        metavar="TIME",
        help="how long (default: 30s, or as long as the ramp)",
    )
    group.add_argument(
        "--think", type=_span, metavar="TIME", help="closed loop: pause after a block (default: 0s)"
    )
    group.add_argument(
        "--spacing",
        choices=("poisson", "fixed"),
        help="open loop: gaps between transactions (default: poisson)",
    )
    group.add_argument(
        "--warm-up", type=_span, default=0, metavar="TIME", help="left out of the figures"
    )
    group.add_argument(
        "--drain",
        type=_span,
        default=parse_duration("10s"),
        metavar="TIME",
        help="longest wait for the last blocks (default: 10s)",
    )


def _add_accounts(parser: ArgumentParser, whole_number: Callable[[str], int]) -> None:
    group = parser.add_argument_group("who sends")
    group.add_argument(
        "--accounts", type=whole_number, metavar="N", help="how many of the seed (default: 1000)"
    )
    group.add_argument("--seed", type=_seed, default=1, metavar="N", help="of accounts and draws")
    group.add_argument("--keys", type=Path, metavar="FILE", help="private keys, one a line in hex")
    group.add_argument(
        "--fund-from",
        metavar="KEY",
        help="who pays accounts that have too little: a file with a private key, or the key "
        "itself, which others on this machine can then see",
    )
    group.add_argument("--chain-id", type=whole_number, metavar="N", help="refuse any other chain")
    group.add_argument(
        "--in-flight",
        type=whole_number,
        default=16,
        metavar="N",
        help="transactions of one account that may be in no block (default: 16)",
    )
    group.add_argument(
        "--tip",
        type=_amount,
        metavar="AMOUNT",
        help='beside the base fee, as in "2 gwei" (default: as the node suggests)',
    )


def _add_requests(parser: ArgumentParser, whole_number: Callable[[str], int]) -> None:
    group = parser.add_argument_group("how")
    group.add_argument(
        "--connections",
        type=whole_number,
        default=64,
        metavar="N",
        help="most to each node, kept open (default: 64)",
    )
    group.add_argument(
        "--batch",
        type=whole_number,
        default=1,
        metavar="N",
        help="most transactions of one request (default: 1)",
    )
    group.add_argument(
        "--timeout",
        type=_span,
        default=parse_duration("10s"),
        metavar="TIME",
        help="longest wait for an answer (default: 10s)",
    )
    group.add_argument(
        "--patience",
        type=_span,
        default=parse_duration("10s"),
        metavar="TIME",
        help="a transaction that no node has taken is given up after so long (default: 10s)",
    )
    group.add_argument(
        "--resend-after",
        type=_span,
        default=parse_duration("10s"),
        metavar="TIME",
        help="one that is in no block is sent to the next node after so long; 0s is never "
        "(default: 10s)",
    )
    group.add_argument(
        "--ahead",
        type=whole_number,
        default=50_000,
        metavar="N",
        help="most that are kept signed (default: 50000)",
    )
    group.add_argument(
        "--no-websocket", action="store_true", help="poll for blocks instead of subscribing"
    )


def _span(text: str) -> int:
    try:
        return parse_duration(text)
    except InvalidInput as error:
        raise ArgumentTypeError(f"expected {error.expected}, got {text!r}") from error


def _amount(text: str) -> int:
    try:
        return parse_amount(text)
    except InvalidInput as error:
        raise ArgumentTypeError(f"expected {error.expected}, got {text!r}") from error


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**63:
        raise ArgumentTypeError(f"expected a whole number from 0 to 2**63 - 1, got {text!r}")
    return int(text)
