"""From a store to what an export holds of it."""

from collections.abc import Iterator

from node.config import Environment
from node.durable_runs import stored_snapshot, stored_state
from node.flat_rows import ANCHOR as ANCHOR_ROW, CHAIN, EPOCH as EPOCH_ROW, RECEIPTS, Anchor
from node.ledger import BLOCKS, CERTIFICATES
from node.snapshot import SnapshotLibrary
from node.storage_config import StateForm
from node.upkeep.check import Summary
from node.upkeep.exported import (
    ACCOUNT,
    ANCHOR,
    BLOCK,
    CERTIFICATE,
    CLOSING,
    CODE,
    EPOCH,
    FORMAT,
    RECEIPTS as RECEIPTS_KIND,
    SLOT,
    VERSION,
    Manifest,
    Row,
    Sink,
    write_rows,
)
from node.upkeep.finding import Watch
from node.upkeep.flat_chain import stored_closings
from primitives.codec import encode_canonical
from primitives.errors import InvalidInput
from storage.changes import StateChanges
from storage.flat import ACCOUNTS, CODE as CODE_TABLE, STORAGE
from storage.flat.cells import encode_account, encode_slot
from storage.flat.tables import storage_key
from storage.store import Store


def export(
    store: Store,
    summary: Summary,
    environment: Environment | None,
    chain: Sink,
    state: Sink,
    watch: Watch,
) -> Manifest:
    """Put what a store holds into two archives; return the manifest, without checksums of files.

    Args:
        store: which was checked and found whole.
        summary: what the check has seen of it.
        environment: of the chain; None if nobody knows it.
        chain: takes records of `CHAIN_KINDS`.
        state: takes records of `STATE_KINDS`.
        watch: told of the progress.

    Raises:
        InvalidInput: there is no state to export, or it cannot be put together.
    """
    _export_blocks(store, chain, watch)
    if summary.form == StateForm.FLAT.value:
        _export_chain_rows(store, chain)
        rows = _flat_rows(store)
    else:
        rows = _runs_rows(store, environment, chain)
    counts: dict[str, int] = {}
    for kind, found in rows:
        watch(kind, 0)
        counts[kind] = write_rows(state, kind, found)
    digest = None if environment is None else environment.genesis_block.digest
    return Manifest(
        FORMAT,
        VERSION,
        summary.form,
        None if digest is None else f"0x{digest.hex()}",
        summary.lowest,
        summary.blocks,
        summary.height,
        summary.digest,
        summary.state_height,
        summary.state_root,
        counts[ACCOUNT],
        counts[SLOT],
        counts[CODE],
    )


def _export_blocks(store: Store, chain: Sink, watch: Watch) -> None:
    tables = ((BLOCKS, BLOCK), (CERTIFICATES, CERTIFICATE), (RECEIPTS, RECEIPTS_KIND))
    for table, kind in tables:
        for count, (key, row) in enumerate(store.scan(table)):
            watch(table, count)
            chain.append(kind, int.from_bytes(key, "big"), row)


def _export_chain_rows(store: Store, chain: Sink) -> None:
    for number, closing in enumerate(stored_closings(store)):
        chain.append(CLOSING, number, encode_canonical(closing))
    for key, kind in ((EPOCH_ROW, EPOCH), (ANCHOR_ROW, ANCHOR)):
        row = store.get(CHAIN, key)
        if row is not None:
            chain.append(kind, 0, row)


def _flat_rows(store: Store) -> Iterator[tuple[str, Iterator[Row]]]:
    for kind, table in ((ACCOUNT, ACCOUNTS), (SLOT, STORAGE), (CODE, CODE_TABLE)):
        yield kind, store.scan(table)


def _runs_rows(
    store: Store, environment: Environment | None, chain: Sink
) -> Iterator[tuple[str, Iterator[Row]]]:
    """Yield the whole state after the checkpoint, and put the checkpoint's proof into `chain`."""
    snapshot = stored_snapshot(store)
    if snapshot is None:
        raise InvalidInput("store", "a state: one is stored at the first checkpoint", "none yet")
    if environment is None and snapshot.over_genesis:
        expected = "the run that the chain is from (--run): the state stands on its genesis"
        raise InvalidInput("store", expected, "an unknown chain")
    genesis = None if environment is None else environment.genesis_block.state
    state = stored_state(store, snapshot, genesis, SnapshotLibrary(0))  # type: ignore[arg-type]
    assert state is not None, "a store that was checked"
    manifest = snapshot.manifest
    for number, closing in enumerate(manifest.closings):
        chain.append(CLOSING, number, encode_canonical(closing))
    chain.append(ANCHOR, 0, encode_canonical(Anchor(manifest.header, manifest.certificate)))
    return state_rows(state.everything())


def state_rows(state: StateChanges) -> Iterator[tuple[str, Iterator[Row]]]:
    """Yield the rows of a whole state by kind, as flat tables have them."""
    accounts = state.accounts
    yield (
        ACCOUNT,
        ((key, encode_account(each)) for key in sorted(accounts) if (each := accounts[key])),
    )
    yield (
        SLOT,
        (
            (storage_key(address, slot), encode_slot(state.slots[address][slot]))
            for address in sorted(state.slots)
            for slot in sorted(state.slots[address])
        ),
    )
    yield CODE, ((key, state.codes[key]) for key in sorted(state.codes))
