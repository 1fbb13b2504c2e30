"""The command line of one node: `python -m node.runtime` (`node.runtime.__main__`)."""

import argparse
import asyncio
import os
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from network.transport import new_event_loop
from node.plugins import make_batching, make_engine
from node.runtime.errors import ExitCode, read_text, reason
from node.runtime.library_logs import give_back, take_over
from node.runtime.logs import Log
from node.runtime.process import NodeProcess
from node.runtime.signals import Signals
from node.settings import NodeSettings, decode_settings, setting_keys
from primitives.errors import InvalidInput

FILES = 65_536
"""Open files that are asked for."""
SWITCH_SECONDS = 0.0005
"""For how long a thread that computes may keep the interpreter from one that waits for it. The loop
gives it away with each system call; at Python's own 5 ms it then waits for a whole block's
execution in pieces of that length: it is ten times as late, and a tenth to a third less comes
through (2-core Xeon, `orrery bench runtime` and `rpc`)."""

DESCRIPTION = """Run one node of a live chain.

Every key of CONFIG can also be given here, as --SECTION.KEY VALUE, or in the environment, as
ORRERY_SECTION_KEY. What is given here counts before the environment, that before the file."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a node until it ends; return the exit code."""
    given = _parser().parse_args(arguments)
    file: Path = given.config
    flags = {key: value for key, value in vars(given).items() if "." in key and value is not None}
    try:
        settings = _settings(file, flags, os.environ)
        if given.check:
            print(f"{file}: a configuration that a node can run with")  # noqa: T201
            return ExitCode.STOPPED
        log = _log(settings, file.parent)
    except InvalidInput as error:
        return _refuse(error)
    libraries = take_over(log)
    _raise_limits()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(_run(settings, file.parent, log))
    except InvalidInput as error:
        return _refuse(error)
    finally:
        sys.setswitchinterval(interval)
        give_back(libraries)
        log.close()


def _raise_limits() -> None:
    """Ask for as many open files as the system allows: tables, connections and clients are some."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


async def _run(settings: NodeSettings, directory: Path, log: Log) -> int:
    # Before the genesis is read, which may take a while.
    signals = Signals(asyncio.get_running_loop(), log.reopen)
    process = NodeProcess(settings, directory, log)
    signals.tell(process.ask_to_stop)
    return await process.run()


def _settings(file: Path, flags: Mapping[str, str], environment: Mapping[str, str]) -> NodeSettings:
    settings = decode_settings(read_text(file, str(file)), str(file), flags, environment)
    _check_named("consensus.protocol", settings.consensus.protocol, make_engine)
    _check_named("consensus.batching", settings.consensus.batching, make_batching)
    return settings


def _check_named(key: str, name: str, make: Callable[[str], object]) -> None:
    """Refuse the name of what nobody provides, by the key that has it."""
    try:
        make(name)
    except InvalidInput as error:
        raise InvalidInput(key, error.expected, error.actual) from error


def _log(settings: NodeSettings, directory: Path) -> Log:
    named = settings.log.file
    try:
        return Log(settings.log, None if named is None else directory / named)
    except OSError as error:
        raise InvalidInput("log.file", "a file that can be written to", reason(error)) from error


def _refuse(error: InvalidInput) -> ExitCode:
    for line in str(error).splitlines():
        print(f"node: {line}", file=sys.stderr)  # noqa: T201
    return ExitCode.REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m node.runtime",
        usage="%(prog)s [-h] [--check] [--SECTION.KEY VALUE ...] CONFIG",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("config", type=Path, metavar="CONFIG", help="TOML file")
    parser.add_argument("--check", action="store_true", help="read CONFIG, and do no more")
    group = parser.add_argument_group("settings")
    for key in setting_keys().values():
        group.add_argument(f"--{key}", dest=key, metavar="VALUE")
    return parser
