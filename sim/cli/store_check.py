"""`orrery store check PATH`."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import msgspec
from rich.console import Console

from node.upkeep.check import StoreCheck, Summary
from node.upkeep.finding import Finding, Watch
from node.upkeep.rows import TableRows, damage, read_rows
from sim.cli.entry import Exit
from sim.cli.store_archives import ArchiveFile, check_archive, with_archive
from sim.cli.store_chain import Chain, find_chain
from sim.cli.store_shown import line, print_json, size, watching
from sim.cli.summary import output_console
from storage.rocks.errors import CorruptStore
from storage.rocks.schema import CHAIN_SCHEMA
from storage.rocks.store import RocksStore
from storage.rocks.view import require_store, unplaced, view
from storage.rocks.wal import Damage, Fault, last_log


class Answer(msgspec.Struct):
    """What `--json` prints; filled while the store is looked through."""

    path: str
    clean: bool = True
    findings: list[Finding] = []
    """What is not as it should be; those that are no damage are marked."""
    torn: Damage | None = None
    """Where the last crash has cut the logs. Opening the store drops what comes after it."""
    summary: Summary | None = None
    """What it holds; nothing if it could not be opened."""
    tables: list[TableRows] = []
    archives: list[ArchiveFile] = []
    run: str | None = None
    """The run that says what the chain is."""


def command(arguments: Namespace) -> int:
    """Look through the store, print what was found, return the exit code."""
    path: Path = arguments.path
    answer = Answer(str(path))
    console = output_console()

    def tell(said: Finding) -> None:
        place, found = unplaced(said.place), unplaced(said.found)
        finding = msgspec.structs.replace(said, place=place, found=found)
        # Damage of a file is met again by whoever needs what is in it.
        told = any((each.place, each.found) == (place, found) for each in answer.findings)
        if finding in answer.findings or (told and not finding.key):
            return
        answer.findings.append(finding)
        answer.clean = answer.clean and not finding.is_damage
        if not arguments.json:
            word = ("DAMAGED  ", "bold red") if finding.is_damage else ("note     ", "yellow")
            line(console, word, str(finding))

    try:
        require_store(path)
        chain = find_chain(arguments, path)
        answer.run = None if chain.run is None else str(chain.run)
        with watching("check") as watch, view(path) as store:
            for finding in _findings(store, chain, answer, watch, arguments):
                tell(finding)
    except CorruptStore as error:
        tell(damage(error))
    if arguments.json:
        print_json(answer)
    else:
        _show(answer, console)
    return Exit.OK if answer.clean else Exit.FAILED


def _findings(
    store: RocksStore, chain: Chain, answer: Answer, watch: Watch, arguments: Namespace
) -> Iterator[Finding]:
    """Yield all findings, those of the files first."""
    answer.torn = store.torn
    if store.torn is not None:
        yield torn_log(store.torn, last_log(arguments.path), unsynced=arguments.unsynced)
    tables = [table.name for table in CHAIN_SCHEMA.tables]
    yield from read_rows(store, tables, answer.tables, watch)
    with with_archive(store, arguments.archive) as joined:
        yield from check_archive(store, joined, answer.archives, watch)
        check = StoreCheck(joined or store, chain.environment, chain.trusted, watch)
        answer.summary = check.summary
        yield from check.findings()


def torn_log(torn: Damage, last: str, *, unsynced: bool) -> Finding:
    """Return what a torn log means.

    Args:
        torn: where it is.
        last: the name of the newest log: a crash tears no other one if every batch was synced.
        unsynced: whether the user says that they were not.
    """
    expected = "a log that is whole"
    lost = f"{torn.fault.value} at byte {torn.offset}: opening the store drops {torn.lost_bytes}"
    if torn.fault is Fault.TORN and torn.file == last:
        found = f"{lost} bytes, none of which was reported durable; nothing was changed now"
        return Finding(torn.file, "", expected, found, is_damage=False)
    if unsynced:
        found = f"{lost} bytes and what later logs hold, none of which was synced"
        return Finding(torn.file, "", expected, found, is_damage=False)
    found = (
        f"{lost} bytes and what later logs hold; if the store was not synced after each batch "
        "this may be what a crash has left: --unsynced"
    )
    return Finding(torn.file, "", expected, found)


def _show(answer: Answer, console: Console) -> None:
    if answer.summary is None:
        line(console, ("store   ", "bold"), f"{answer.path}, which does not open")
    else:
        line(console, ("store   ", "bold"), f"{answer.path}, state in form {answer.summary.form}")
        _show_summary(answer.summary, console)
    if answer.tables:
        rows = sum([table.rows for table in answer.tables])
        held_bytes = sum([table.key_bytes + table.value_bytes for table in answer.tables])
        tables = sum([table.rows > 0 for table in answer.tables])
        line(console, ("rows    ", "bold"), f"{rows:,} in {tables} tables, {size(held_bytes)}")
    for archive in answer.archives:
        line(console, ("archive ", "bold"), f"{archive.file}, {size(archive.bytes)}")
    damages = sum([finding.is_damage for finding in answer.findings])
    if damages:
        line(console, ("DAMAGED ", "bold red"), f"{damages} finding{'s' if damages > 1 else ''}")
    else:
        line(console, ("CLEAN   ", "bold green"), "every row was read, and nothing was changed")


def _show_summary(summary: Summary, console: Console) -> None:
    if summary.form == "empty":
        line(console, ("blocks  ", "bold"), "none yet")
        return
    blocks = "none held"
    if summary.blocks:
        blocks = f"{summary.lowest} to {summary.height} ({summary.blocks:,})"
        blocks += "" if summary.reads_to_end else ", behind which they cannot be read"
    line(console, ("blocks  ", "bold"), f"{blocks}; the last one is {summary.digest}")
    root = summary.state_root or "not computed, or not as expected"
    held = f"{summary.accounts:,} accounts, {summary.slots:,} slots, {summary.codes:,} codes"
    line(console, ("state   ", "bold"), f"after block {summary.state_height}: {held}")
    line(console, ("root    ", "bold"), root)
