"""Whether the state of a store of form `runs` is what the header of its checkpoint says."""

from collections.abc import Iterator

import msgspec

from consensus.certificate import InvalidCertificate
from node.certificates import CertificateReader
from node.config import Environment
from node.durable_runs import (
    LATEST,
    RUNS,
    SNAPSHOT,
    StoredSnapshot,
    stored_snapshot,
    stored_state,
)
from node.snapshot import SnapshotLibrary
from node.upkeep.blocks import Link, misfit, verify_certificate
from node.upkeep.committees import Committees
from node.upkeep.finding import Finding, Watch, faulty, note
from primitives.errors import InvalidEncoding
from primitives.header import Header, decode_header, header_hash
from storage.account import has_code
from storage.state import StateLayer, genesis_state
from storage.store import Store

WITHOUT_GENESIS = "the chain's genesis: name its run with --run"


class RunsFound(msgspec.Struct):
    """What a look at the checkpoint has seen; filled while it goes on."""

    snapshot: StoredSnapshot | None = None
    header: Header | None = None
    """Of the checkpoint."""
    base: Link | None = None
    state: StateLayer | None = None
    """After the checkpoint, if all of it is known."""


def find_checkpoint(
    store: Store, committees: Committees, found: RunsFound, watch: Watch
) -> Iterator[Finding]:
    """Yield what is wrong with the stored checkpoint itself, its state apart.

    Args:
        store: what is looked at.
        committees: who may certify; they learn of the ends of epochs that stand there.
        found: filled with what was seen.
        watch: told of the progress.
    """
    watch(SNAPSHOT, 0)
    if store.get(SNAPSHOT, LATEST) is None:
        return
    snapshot = stored_snapshot(store)
    if snapshot is None:
        yield Finding(SNAPSHOT, LATEST.decode(), "a checkpoint in canonical form", "other bytes")
        return
    manifest = snapshot.manifest
    try:
        header = decode_header(manifest.header)
        committees.learn(manifest.closings)
        certificate = CertificateReader(0).read(manifest.certificate)
    except InvalidEncoding as error:
        yield faulty(SNAPSHOT, LATEST.decode(), error)
        return
    found.snapshot, found.header = snapshot, header
    found.base = Link(header.number, header_hash(header))
    wrong = misfit(certificate, found.base, SNAPSHOT)
    if wrong is not None:
        yield wrong
        return
    try:
        verify_certificate(certificate, header.number, committees)
    except InvalidCertificate as error:
        yield faulty(SNAPSHOT, LATEST.decode(), error)


def check_runs(
    store: Store, environment: Environment | None, found: RunsFound, watch: Watch
) -> Iterator[Finding]:
    """Yield what is wrong with the state of a checkpoint, whose root is computed anew.

    Args:
        store: what is looked at.
        environment: of the chain; without it a state over genesis cannot be put together.
        found: what `find_checkpoint` has seen.
        watch: told of the progress.
    """
    snapshot, header = found.snapshot, found.header
    named = () if snapshot is None else snapshot.runs
    for key, _ in store.scan(RUNS):
        height = int.from_bytes(key, "big")
        if height not in named:
            yield Finding(RUNS, str(height), "a run that the checkpoint names", "another")
    if snapshot is None or header is None:
        return
    for height in named:
        if store.get(RUNS, height.to_bytes(8, "big")) is None:
            yield Finding(RUNS, str(height), "the run that the checkpoint names", "none")
            return
    if environment is None and snapshot.over_genesis:
        yield note("state root", WITHOUT_GENESIS, "runs over an unknown genesis; not recomputed")
        return
    watch("state root", 0)
    genesis = genesis_state({}) if environment is None else environment.genesis_block.state
    state = stored_state(store, snapshot, genesis, SnapshotLibrary(0))
    if state is None:
        yield Finding(RUNS, "", "runs of changes in canonical form", "other bytes")
        return
    root = state.root()
    if root != header.state_root:
        expected = f"the state root of block {header.number}, 0x{header.state_root.hex()}"
        yield Finding(RUNS, "", expected, f"0x{root.hex()}")
        return
    found.state = state
    everything = state.everything()
    for address, account in everything.accounts.items():
        if account is not None and has_code(account) and account.code_hash not in everything.codes:
            expected = f"the code of account {address.hex()}, 0x{account.code_hash.hex()}"
            yield Finding(RUNS, "", expected, "none")
