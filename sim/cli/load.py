"""`orrery load URL`."""

import asyncio
import re
import signal
import sys
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console

from network.transport import new_event_loop
from primitives.account_key import AccountKey
from primitives.errors import InvalidInput
from primitives.ids import Duration
from sim.cli.entry import Exit
from sim.cli.load_progress import LoadProgress
from sim.cli.load_summary import show_load, show_load_trouble
from sim.cli.summary import output_console
from sim.load.accounts import Wallet, read_secret, read_wallet, seeded_wallet
from sim.load.engine import LoadEngine
from sim.load.histogram import LatencyHistogram
from sim.load.mixes import parse_mix
from sim.load.pacing import Rate, constant_rate, parse_ramp
from sim.load.plan import LoadPlan
from sim.load.result import LoadResult, encode_load
from sim.load.session import LoadRequest, LoadSession
from sim.load.urls import split_url
from sim.load.writer import begin_load_directory, check_writable, write_load_directory

DURATION = 30_000_000_000
ACCOUNTS = 1_000
ENDING = (signal.SIGINT, signal.SIGTERM)
KEY_LENGTHS = (64, 66)
"""Hexadecimal digits of a private key, without and with 0x."""
HEXADECIMAL = re.compile("(0x)?[0-9a-fA-F]+")


def command(arguments: Namespace) -> int:
    """Run the load, write its directory, print the outcome, return the exit code."""
    for url in arguments.urls:
        split_url(url)
    plan = read_plan(arguments)
    wallet = _wallet(arguments)
    payer = None if arguments.fund_from is None else _payer(arguments.fund_from)
    check_writable(arguments.out)
    request = LoadRequest(tuple(arguments.urls), plan, wallet, arguments.chain_id, payer)
    result, inclusion = _run(request)
    result = _write(arguments.out, result, inclusion)
    if arguments.json:
        show_load_trouble(result, Console(stderr=True, highlight=False))
        sys.stdout.write(encode_load(result).decode())
    else:
        show_load(result, output_console())
    if not result.passed:
        return Exit.INTERRUPTED if result.partial and result.trouble is None else Exit.FAILED
    return Exit.INTERRUPTED if result.partial else Exit.OK


def read_plan(arguments: Namespace) -> LoadPlan:
    """Return the load that the command line asks for.

    Raises:
        InvalidInput: an option is wrong, or does not go with another.
    """
    rate = _rate(arguments)
    duration = arguments.duration
    if duration is None:
        duration = (rate.length_ns if rate is not None else 0) or DURATION
    if duration <= 0:
        raise InvalidInput("--for", "a time above 0", "0s")
    if arguments.warm_up >= duration:
        raise InvalidInput("--warm-up", "less than the whole load", f"{arguments.warm_up / 1e9:g}s")
    if arguments.timeout <= 0:
        raise InvalidInput("--timeout", "a time above 0", "0s")
    if rate is not None and arguments.think is not None:
        raise InvalidInput("--think", "a closed loop (--clients)", "an open one")
    if rate is None and arguments.spacing is not None:
        raise InvalidInput("--spacing", "an open loop (--rate or --ramp)", "a closed one")
    return LoadPlan(
        mix=parse_mix(arguments.mix),
        seed=arguments.seed,
        duration=Duration(duration),
        rate=rate,
        clients=arguments.clients,
        think=arguments.think or 0,
        spacing=arguments.spacing or "poisson",
        warm_up=arguments.warm_up,
        drain=arguments.drain,
        patience=arguments.patience,
        resend_after=arguments.resend_after,
        batch=arguments.batch,
        connections=arguments.connections,
        timeout_s=arguments.timeout / 1e9,
        in_flight_max=arguments.in_flight,
        ahead=arguments.ahead,
        tip=arguments.tip,
        sockets=not arguments.no_websocket,
    )


def _rate(arguments: Namespace) -> Rate | None:
    if arguments.ramp is not None:
        return parse_ramp(arguments.ramp)
    return None if arguments.rate is None else constant_rate(arguments.rate)


def _wallet(arguments: Namespace) -> Wallet:
    if arguments.keys is None:
        return seeded_wallet(arguments.seed, arguments.accounts or ACCOUNTS)
    wallet = read_wallet(arguments.keys)
    if arguments.accounts is None:
        return wallet
    if arguments.accounts > len(wallet.secrets):
        expected = f"at most the {len(wallet.secrets):,} keys of {arguments.keys}"
        raise InvalidInput("--accounts", expected, arguments.accounts)
    count = arguments.accounts
    return Wallet(wallet.secrets[:count], wallet.addresses[:count])


def _payer(text: str) -> AccountKey:
    # What looks like a key is judged as one, and not printed as the name of a file.
    looks_like_a_key = len(text) in KEY_LENGTHS or HEXADECIMAL.fullmatch(text)
    if looks_like_a_key and not Path(text).exists():
        return AccountKey(read_secret("--fund-from", text))
    return AccountKey(read_wallet(Path(text)).secrets[0])


def _run(request: LoadRequest) -> tuple[LoadResult, LatencyHistogram]:
    engines: list[LoadEngine] = []
    with LoadProgress(Console(stderr=True)) as progress:

        def begin(engine: LoadEngine) -> None:
            engines.append(engine)
            progress.begin(engine)

        session = LoadSession(request, progress.stage, begin)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            result = runner.run(_guarded(session, progress))
    return result, engines[0].ledger.inclusion


async def _guarded(session: LoadSession, progress: LoadProgress) -> LoadResult:
    """Run the session; a Ctrl-C or SIGTERM ends it early, a second one at once."""
    loop = asyncio.get_running_loop()
    main = asyncio.ensure_future(session.run())

    def interrupt() -> None:
        for number in ENDING:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.default_int_handler)
        if session.has_begun:
            session.stop()
        else:
            main.cancel()

    for number in ENDING:
        loop.add_signal_handler(number, interrupt)
    watch = asyncio.create_task(progress.watch())
    try:
        return await main
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        watch.cancel()
        for number in ENDING:
            loop.remove_signal_handler(number)


def _write(parent: Path, result: LoadResult, inclusion: LatencyHistogram) -> LoadResult:
    stamp = datetime.fromisoformat(result.began).astimezone(UTC).strftime("%Y%m%d-%H%M%S")
    path = begin_load_directory(parent, stamp)
    result = msgspec.structs.replace(result, run_directory=str(path))
    write_load_directory(path, result, inclusion)
    return result
