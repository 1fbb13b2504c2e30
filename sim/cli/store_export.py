"""`orrery store export PATH DIRECTORY`."""

import hashlib
import os
import shutil
import sys
from argparse import Namespace
from pathlib import Path

import msgspec

from node.upkeep.check import StoreCheck
from node.upkeep.exported import CHAIN_KINDS, STATE_KINDS, Manifest, encode_manifest
from node.upkeep.exporting import export
from primitives.errors import InvalidInput
from sim.cli.entry import Exit
from sim.cli.store_archives import with_archive
from sim.cli.store_chain import find_chain
from sim.cli.store_shown import line, print_json, size, watching
from sim.cli.summary import output_console
from storage.files import Zstandard
from storage.files.archive import Archive
from storage.files.frozen import MARK_KEY, MARK_TABLE
from storage.files.positioned import sync_directory
from storage.rocks.filling import require_empty
from storage.rocks.view import require_store, unplaced, view

MANIFEST = "manifest.json"
CHAIN, STATE = "chain", "state"
"""Folders of archive files in an export."""
UNFINISHED = ".exporting"
CHUNK_BYTES = 1 << 20


class Answer(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    path: str
    directory: str
    bytes: int
    """Of all files."""
    manifest: Manifest


def command(arguments: Namespace) -> int:
    """Check the store, write its export, print what is in it, return the exit code."""
    path: Path = arguments.path
    directory: Path = arguments.directory
    require_store(path)
    require_empty(directory)
    chain = find_chain(arguments, path)
    with (
        watching("export") as watch,
        view(path) as hot,
        with_archive(hot, arguments.archive) as joined,
    ):
        store = joined or hot
        check = StoreCheck(store, chain.environment, chain.trusted, watch)
        damages = [finding for finding in check.findings() if finding.is_damage]
        if damages:
            console = output_console()
            for finding in damages:
                line(console, ("DAMAGED  ", "bold red"), unplaced(str(finding)))
            return Exit.FAILED
        unfinished = directory.with_name(directory.name + UNFINISHED)
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            unfinished.mkdir(parents=True)
            with (
                Archive(unfinished / CHAIN, CHAIN_KINDS, compressor=Zstandard()) as blocks,
                Archive(unfinished / STATE, STATE_KINDS, compressor=Zstandard()) as state,
            ):
                manifest = export(store, check.summary, chain.environment, blocks, state, watch)
                blocks.roll_over()
                state.roll_over()
            manifest = msgspec.structs.replace(manifest, files=checksums(unfinished))
            if joined is None and hot.get(MARK_TABLE, MARK_KEY) is not None:
                lacking = "blocks that have moved to archive files are not exported"
                print(f"orrery: {lacking}: name their directory with --archive", file=sys.stderr)
            _finish(unfinished, directory, manifest)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    answer = Answer(str(path), str(directory), _bytes(directory), manifest)
    if arguments.json:
        print_json(answer)
    else:
        show_manifest(manifest)
        line(output_console(), f"written to {directory}: {size(answer.bytes)}")
    return Exit.OK


def show_manifest(manifest: Manifest) -> None:
    """Print what an export holds."""
    console = output_console()
    blocks = f"{manifest.lowest} to {manifest.height}" if manifest.blocks else "none"
    held = f"{manifest.accounts:,} accounts, {manifest.slots:,} slots, {manifest.codes:,} codes"
    line(console, f"blocks      {blocks}; the last one is {manifest.digest}")
    line(console, f"state       after block {manifest.state_height}, form {manifest.form}: {held}")
    line(console, f"state root  {manifest.state_root}")


def checksums(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of each archive file below a folder, by its name there."""
    found: dict[str, str] = {}
    for file in sorted(directory.glob("*/*")):
        digest = hashlib.sha256()
        with file.open("rb") as opened:
            while chunk := opened.read(CHUNK_BYTES):
                digest.update(chunk)
        found[str(file.relative_to(directory))] = digest.hexdigest()
    return found


def _finish(unfinished: Path, directory: Path, manifest: Manifest) -> None:
    """Write the manifest last, and give the folder its name once everything is on the disk."""
    with (unfinished / MANIFEST).open("wb") as file:
        file.write(encode_manifest(manifest))
        file.flush()
        os.fsync(file.fileno())
    sync_directory(unfinished)
    if directory.exists():
        directory.rmdir()
    unfinished.rename(directory)
    sync_directory(directory.parent)


def _bytes(directory: Path) -> int:
    return sum([each.stat().st_size for each in directory.glob("**/*") if each.is_file()])


def read_manifest_file(directory: Path) -> bytes:
    """Return the bytes of an export's manifest.

    Raises:
        InvalidInput: the folder has none that can be read.
    """
    try:
        return (directory / MANIFEST).read_bytes()
    except OSError as error:
        expected = f"a folder that `orrery store export` has written, with {MANIFEST}"
        raise InvalidInput(str(directory), expected, error.strerror) from error
