"""`orrery store import DIRECTORY PATH`."""

import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import msgspec

from node.upkeep.check import StoreCheck
from node.upkeep.exported import CHAIN_KINDS, STATE_KINDS, Manifest, decode_manifest
from node.upkeep.finding import Finding, Watch
from node.upkeep.importing import batches, import_records
from node.upkeep.rows import damage
from primitives.errors import InvalidInput
from sim.cli.entry import Exit
from sim.cli.store_chain import Chain, find_chain
from sim.cli.store_export import CHAIN, STATE, checksums, read_manifest_file, show_manifest
from sim.cli.store_shown import line, print_json, watching
from sim.cli.summary import output_console
from storage.files.archive import Archive
from storage.rocks import Durability, RocksStore, StoreFailed, StoreFull, profile
from storage.rocks.filling import filling, require_empty

COMPARED = (
    "form", "lowest", "blocks", "height", "digest",
    "state_height", "state_root", "accounts", "slots", "codes",
)  # fmt: skip
"""What a manifest says of a store that a look through the store tells, too."""


class Refused(Exception):
    """What was exported is not one chain with its state."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__()


class Answer(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    path: str
    imported: bool
    findings: list[Finding]
    manifest: Manifest


def command(arguments: Namespace) -> int:
    """Make the store, print what is in it, return the exit code."""
    path: Path = arguments.path
    directory: Path = arguments.directory
    manifest = decode_manifest(read_manifest_file(directory), str(directory))
    require_empty(path)
    chain = find_chain(arguments, directory)
    _require_chain(manifest, chain)
    findings: list[Finding] = []
    try:
        options = replace(profile(arguments.profile), durability=Durability.WAL)
        with watching("import") as watch:
            _require_files(directory, manifest)
            with filling(path, options) as store:
                _fill(store, directory, manifest, chain, watch)
    except Refused as refused:
        findings = refused.findings
    if arguments.json:
        print_json(Answer(str(path), not findings, findings, manifest))
    elif findings:
        for finding in findings:
            line(output_console(), ("DAMAGED  ", "bold red"), str(finding))
        print(f"orrery: nothing was imported; {path} is as it was", file=sys.stderr)
    else:
        show_manifest(manifest)
        line(output_console(), f"imported into {path}")
    return Exit.FAILED if findings else Exit.OK


def _fill(
    store: RocksStore, directory: Path, manifest: Manifest, chain: Chain, watch: Watch
) -> None:
    """Write all rows, then look through the store as `store check` does.

    Raises:
        Refused: something is not as it should be.
        StoreFull: the disk is; that says nothing of what was exported.
    """
    try:
        with (
            Archive(directory / CHAIN, CHAIN_KINDS) as blocks,
            Archive(directory / STATE, STATE_KINDS) as state,
        ):
            for batch in batches(import_records(manifest, blocks, state, watch)):
                store.write(batch)
    except (StoreFull, StoreFailed):
        raise
    except InvalidInput as error:
        raise Refused([damage(error)]) from error
    store.sync()
    check = StoreCheck(store, chain.environment, chain.trusted, watch)
    found = [finding for finding in check.findings() if finding.is_damage]
    summary = check.summary
    for name in COMPARED:
        promised, made = getattr(manifest, name), getattr(summary, name)
        if promised != made:
            found.append(Finding(f"manifest.{name}", "", str(made), str(promised)))
    if found:
        raise Refused(found)


def _require_chain(manifest: Manifest, chain: Chain) -> None:
    """Refuse an export of another chain than the user says it is of."""
    if chain.environment is None or manifest.genesis_hash is None:
        return
    known = f"0x{chain.environment.genesis_block.digest.hex()}"
    if manifest.genesis_hash != known:
        expected = f"an export of the chain of {chain.run}, {known}"
        raise InvalidInput("manifest.genesis_hash", expected, manifest.genesis_hash)


def _require_files(directory: Path, manifest: Manifest) -> None:
    """Hold the files against the checksums of the manifest.

    Raises:
        Refused: a file is missing, too many, or is not what was written.
    """
    found = checksums(directory)
    wrong = [
        Finding(
            name,
            "",
            f"SHA-256 {manifest.files.get(name, 'of no such file')}",
            found.get(name, "no such file"),
        )
        for name in sorted({*manifest.files, *found})
        if manifest.files.get(name) != found.get(name)
    ]
    if wrong:
        raise Refused(wrong)
