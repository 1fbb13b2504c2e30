"""Opening a store: whose it is, what a crash has left of its logs, and which version it is of.

The order matters. RocksDB makes a new store where it finds no `CURRENT` file, and deletes the
tables that its manifest does not name; it adds families that it is told of; and it forgives logs.
So each is looked at before RocksDB may write (`storage.rocks.manifest`, `storage.rocks.wal`).
"""

from pathlib import Path

import msgspec
from rocksdict import AccessType, Cache, DBRecoveryMode, Options, Rdict

from storage.rocks.engine import family_options, shared_cache, store_options
from storage.rocks.errors import CorruptStore, ForeignStore, NewerStore, translated
from storage.rocks.manifest import require_families, require_manifest
from storage.rocks.options import Durability, RocksOptions
from storage.rocks.schema import SCHEMA_KEY, Family, Schema, SchemaRow, decode_row, schema_row
from storage.rocks.wal import Damage, Fault, first_bad_checksum, inspect, last_log, tear_before

DEFAULT_FAMILY = "default"
"""RocksDB's own family: it exists in every store and holds what the store says of itself."""
FAMILY_NAMES = frozenset(family.value for family in Family)


class Opened(msgspec.Struct, frozen=True):
    """A store of RocksDB, open."""

    engine: Rdict
    """Also the family `DEFAULT_FAMILY`."""
    settings: Options
    """They carry RocksDB's counters, too."""
    found: SchemaRow | None
    """What the store says about itself; None if it is a new one."""
    torn: Damage | None
    """Where the logs ended in a crash; what came after it was not synced and was dropped."""


def open_engine(path: Path, options: RocksOptions, schema: Schema, cache: Cache | None) -> Opened:
    """Open a store, or make a new one in a directory that is empty or does not exist.

    Args:
        path: the store's directory.
        options: its settings.
        schema: the newest version that the caller understands.
        cache: a block cache shared with other stores; None makes one of its own.

    Raises:
        CorruptStore: a file is missing or damaged.
        ForeignStore: the directory holds something else.
        NewerStore: a later version wrote it.
        StoreInUse: it is open already.
    """
    path.mkdir(parents=True, exist_ok=True)
    if not (path / "CURRENT").exists():
        _refuse_headless(path)
    oldest_log = require_manifest(path)
    torn = _torn_end(path, options, oldest_log)
    blocks = shared_cache(options.block_cache_bytes) if cache is None else cache
    try:
        known = _known_families(path)
        if known and known != FAMILY_NAMES | {DEFAULT_FAMILY}:
            _refuse_unknown(path, known, schema)
        engine, settings = _open_forgiving(path, options, blocks, torn)
    except Exception as error:
        raise _named(path, error) from error
    try:
        found = _found(path, engine, schema)
    except Exception as error:
        engine.close()
        raise _named(path, error) from error
    return Opened(engine, settings, found, torn)


def _refuse_headless(path: Path) -> None:
    """Refuse a directory without `CURRENT` in which a store, or anything else, lies."""
    names = sorted(each.name for each in path.iterdir())
    if any(name.endswith(".sst") for name in names):
        raise CorruptStore(path, "CURRENT", "the file is missing")
    leftovers = ("LOCK", "LOG", "MANIFEST-", "IDENTITY", "OPTIONS-", "rocksdict-config.json")
    strange = [name for name in names if not name.startswith(leftovers) and ".log" not in name]
    if strange and not all(name.endswith(".dbtmp") for name in strange):
        raise ForeignStore(str(path), "an empty directory or a store", strange[0])


def _torn_end(path: Path, options: RocksOptions, oldest_log: int) -> Damage | None:
    """Return where the logs end in a crash, or None if they are whole.

    If each batch was synced, only the newest log can be torn: before RocksDB begins a new one, all
    of the last is on the disk. Otherwise a later log may have survived the end of an earlier one.

    Raises:
        CorruptStore: a log is damaged in a way that no crash explains.
    """
    found = inspect(path, oldest_log)
    if found is None:
        return None
    last = found.fault is Fault.TORN and found.file == last_log(path)
    if found.fault is Fault.CORRUPT or (not last and options.durability is Durability.FSYNC):
        raise CorruptStore(path, found.file, f"{found.fault.value} at byte {found.offset}")
    return found


def _known_families(path: Path) -> frozenset[str]:
    if not (path / "CURRENT").exists():
        return frozenset()
    return frozenset(Rdict.list_cf(str(path), Options(raw_mode=True)))


def _refuse_unknown(path: Path, known: frozenset[str], schema: Schema) -> None:
    """Refuse families that are not ours or lack, but let pass what a crash left of a new store."""
    settings = Options(raw_mode=True)
    settings.create_if_missing(create_if_missing=False)
    families = {name: Options(raw_mode=True) for name in sorted(known - {DEFAULT_FAMILY})}
    engine = Rdict(
        str(path), settings, families, AccessType.read_only(error_if_log_file_exist=False)
    )
    try:
        found = _found(path, engine, schema)
    finally:
        engine.close()
    if found is not None:
        require_families(path, known, found)
    if strange := sorted(known - FAMILY_NAMES - {DEFAULT_FAMILY}):
        raise ForeignStore(str(path), "the families of this schema", strange[0])


def _found(path: Path, engine: Rdict, schema: Schema) -> SchemaRow | None:
    """Return what the store says about itself, or None if it is empty."""
    row = decode_row(engine.get(SCHEMA_KEY))
    if row is None:
        if engine.latest_sequence_number():
            raise ForeignStore(str(path), "a store of this program", "rows without a schema")
        return None
    if row.version > schema.version:
        raise NewerStore(str(path), f"at most version {schema.version}", row.version)
    if row.version == schema.version:
        ours = schema_row(schema).tables
        for name, place in sorted(row.tables.items()):
            if ours.get(name) != place:
                raise ForeignStore(str(path), f"table {name} at {ours.get(name)}", place)
    return row


def _open_forgiving(
    path: Path, options: RocksOptions, cache: Cache, torn: Damage | None
) -> tuple[Rdict, Options]:
    """Open with the strictest mode that the end of the logs allows."""
    mode = DBRecoveryMode.absolute_consistency()
    if torn is not None:
        mode = DBRecoveryMode.tolerate_corrupted_tail_records()
        if torn.file != last_log(path) or torn.fault is Fault.GAP:
            mode = DBRecoveryMode.point_in_time()
        if torn.fault is Fault.GAP:
            tear_before(path, torn.file)
    families = {family.value: family_options(options, family, cache) for family in Family}
    families[DEFAULT_FAMILY] = family_options(options, None, cache)
    settings = store_options(options, mode)
    return Rdict(str(path), settings, families), settings


def _named(path: Path, error: Exception) -> Exception:
    """Return the error in our words; where RocksDB does not say which log is bad, look."""
    ours = translated(path, error)
    if not isinstance(ours, CorruptStore):
        return ours
    if ours.file.startswith("MANIFEST") and not (path / ours.file).exists():
        if any(path.glob("MANIFEST-*")):
            return CorruptStore(path, "CURRENT", f"it names {ours.file}, which is not there")
    elif not ours.file:
        damage = first_bad_checksum(path)
        if damage is not None:
            return CorruptStore(path, damage.file, f"{ours.reason} at byte {damage.offset}")
    return ours
