"""From what an export holds to the rows of a store.

Nothing of it is believed: the rows are written into a store that nobody uses yet, which is then
checked like any other (`node.upkeep.check`). What is refused here is what cannot even become rows.
"""

from collections.abc import Iterable, Iterator

from node.durable_runs import LATEST, RUNS, SNAPSHOT, StoredSnapshot
from node.flat_rows import (
    ANCHOR as ANCHOR_ROW,
    CHAIN,
    EPOCH as EPOCH_ROW,
    HEADERS,
    RECEIPTS,
    Anchor,
    closing_row,
)
from node.ledger import BLOCKS, CERTIFICATES, height_key
from node.snapshot import Closing, Manifest as SnapshotManifest
from node.storage_config import StateForm
from node.upkeep.exported import (
    ACCOUNT,
    ANCHOR,
    BLOCK,
    CERTIFICATE,
    CLOSING,
    CODE,
    EPOCH,
    RECEIPTS as RECEIPTS_KIND,
    SLOT,
    Manifest,
    Source,
    read_rows,
)
from node.upkeep.finding import Watch
from node.upkeep.flat_chain import ROW_BYTES_MAX
from primitives.block import decode_block
from primitives.codec import decode_canonical, encode_canonical
from primitives.errors import InvalidInput
from primitives.header import decode_header, encode_header
from primitives.ids import Address, Hash32
from primitives.machine import Record
from primitives.params import MAX_BLOCK_BYTES
from storage.account import Account
from storage.change_rows import encode_run
from storage.changes import StateChanges
from storage.commitment import empty_state_trie, update_state_trie
from storage.flat import FlatHead, whole_state_records
from storage.flat.cells import read_account, read_code, read_slot
from storage.flat.disk import address_of, slot_of
from storage.flat.tables import ADDRESS_BYTES
from storage.stored_trie import trie_records

BATCH_ROWS = 4_096


def import_records(
    manifest: Manifest, chain: Source, state: Source, watch: Watch
) -> Iterator[Record]:
    """Yield the rows of a store that holds what was exported.

    Args:
        manifest: of the export.
        chain: gives records of `CHAIN_KINDS`.
        state: gives records of `STATE_KINDS`.
        watch: told of the progress.

    Raises:
        InvalidInput: something cannot become rows: it is malformed, or the state has another root
            than the manifest says.
    """
    flat = manifest.form == StateForm.FLAT.value
    if not flat and manifest.form != StateForm.RUNS.value:
        raise InvalidInput("manifest.form", "runs or flat", manifest.form)
    yield from _block_records(chain, watch, with_headers=flat)
    whole = read_state(state, watch)
    watch("state root", len(whole.accounts))
    trie = update_state_trie(empty_state_trie(), whole)
    if f"0x{trie.root.hex()}" != manifest.state_root:
        expected = f"accounts with the manifest's state root {manifest.state_root}"
        raise InvalidInput("export.state", expected, f"0x{trie.root.hex()}")
    if flat:
        height, digest = manifest.state_height, bytes.fromhex(manifest.digest[2:])
        head = FlatHead(height, Hash32(digest), trie.root)
        yield from whole_state_records(head, whole, archive=False)
        yield from trie_records(empty_state_trie(), trie)
        yield from _chain_records(chain)
    else:
        yield from _checkpoint_records(chain, manifest, whole)


def read_state(state: Source, watch: Watch) -> StateChanges:
    """Return an exported state, as changes of nothing.

    Raises:
        InvalidEncoding: a row is none of its kind.
    """
    accounts: dict[Address, Account | None] = {}
    for key, row in read_rows(state, ACCOUNT):
        accounts[address_of(key)] = read_account(key, row)
    watch(ACCOUNT, len(accounts))
    slots: dict[Address, dict[int, int]] = {}
    for key, row in read_rows(state, SLOT):
        values = slots.setdefault(Address(key[:ADDRESS_BYTES]), {})
        values[slot_of(key)] = read_slot(key, row)
    watch(SLOT, len(slots))
    for address in slots:
        if address not in accounts:
            expected = "slots of accounts that exist"
            raise InvalidInput("export.state", expected, f"slots of {address.hex()}")
    codes = {Hash32(key): read_code(key, row) for key, row in read_rows(state, CODE)}
    return StateChanges(accounts, slots, {}, codes)


def batches(records: Iterable[Record], rows: int = BATCH_ROWS) -> Iterator[list[Record]]:
    """Yield records in batches of so many."""
    gathered: list[Record] = []
    for record in records:
        gathered.append(record)
        if len(gathered) == rows:
            yield gathered
            gathered = []
    if gathered:
        yield gathered


def _block_records(chain: Source, watch: Watch, *, with_headers: bool) -> Iterator[Record]:
    for count, (height, payload) in enumerate(chain.scan(BLOCK)):
        watch(BLOCK, count)
        key = height_key(height)
        yield Record(BLOCKS, key, payload)
        if with_headers:
            header = decode_block(payload, MAX_BLOCK_BYTES).header
            yield Record(HEADERS, key, encode_header(header))
    for kind, table in ((CERTIFICATE, CERTIFICATES), (RECEIPTS_KIND, RECEIPTS)):
        for height, payload in chain.scan(kind):
            yield Record(table, height_key(height), payload)


def _closings(chain: Source) -> Iterator[Closing]:
    for _, payload in chain.scan(CLOSING):
        yield decode_canonical(payload, Closing, ROW_BYTES_MAX)


def _chain_records(chain: Source) -> Iterator[Record]:
    """Yield the rows about the chain of form flat."""
    for closing in _closings(chain):
        yield closing_row(decode_header(closing.header).number, closing)
    for kind, key in ((EPOCH, EPOCH_ROW), (ANCHOR, ANCHOR_ROW)):
        for _, payload in chain.scan(kind):
            yield Record(CHAIN, key, payload)


def _checkpoint_records(chain: Source, manifest: Manifest, whole: StateChanges) -> Iterator[Record]:
    """Yield the checkpoint of form runs: one run, and the row that names it."""
    rows = [payload for _, payload in chain.scan(ANCHOR)]
    if len(rows) != 1:
        raise InvalidInput("export.chain", "the proof of one checkpoint", f"{len(rows)}")
    anchor = decode_canonical(rows[0], Anchor, ROW_BYTES_MAX)
    header = decode_header(anchor.header)
    if header.number != manifest.state_height:
        expected = f"the proof of block {manifest.state_height}"
        raise InvalidInput("export.chain", expected, f"block {header.number}")
    proof = SnapshotManifest(tuple(_closings(chain)), anchor.header, anchor.certificate)
    snapshot = StoredSnapshot(proof, over_genesis=False, runs=(header.number,))
    yield Record(RUNS, height_key(header.number), encode_run(whole))
    yield Record(SNAPSHOT, LATEST, encode_canonical(snapshot))
