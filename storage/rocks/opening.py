"""Opening a store: whose it is, what a crash has left of its logs, and which version it is of.

The order matters. RocksDB makes a new store where it finds no `CURRENT` file, and deletes the
tables that it does not know; it adds families that it is told of; and it forgives logs. So each
is looked at before RocksDB may write.
"""

from pathlib import Path

import msgspec
from rocksdict import AccessType, Cache, DBRecoveryMode, Options, Rdict

from storage.rocks.engine import family_options, shared_cache, store_options
from storage.rocks.errors import CorruptStore, ForeignStore, NewerStore, translated
from storage.rocks.options import RocksOptions
from storage.rocks.schema import SCHEMA_KEY, Family, Schema, SchemaRow, decode_row, schema_row
from storage.rocks.wal import Damage, Fault, first_bad_checksum, inspect

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
    torn: tuple[Damage, ...]
    """Ends of logs that a crash has left, and that were dropped. None held a whole batch that
    was synced."""


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
    torn = _torn_tails(path)
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


def _torn_tails(path: Path) -> tuple[Damage, ...]:
    """Return the ends of logs that a crash has left.

    Raises:
        CorruptStore: a log is damaged in another way.
    """
    faults = inspect(path)
    for fault in faults:
        if fault.fault is not Fault.TORN:
            raise CorruptStore(path, fault.file, f"{fault.fault.value} at byte {fault.offset}")
    return faults


def _known_families(path: Path) -> frozenset[str]:
    if not (path / "CURRENT").exists():
        return frozenset()
    return frozenset(Rdict.list_cf(str(path), Options(raw_mode=True)))


def _refuse_unknown(path: Path, known: frozenset[str], schema: Schema) -> None:
    """Refuse families that are not ours, but let pass what a crash left of a new store."""
    settings = Options(raw_mode=True)
    settings.create_if_missing(create_if_missing=False)
    families = {name: Options(raw_mode=True) for name in known - {DEFAULT_FAMILY}}
    engine = Rdict(
        str(path), settings, families, AccessType.read_only(error_if_log_file_exist=False)
    )
    try:
        _found(path, engine, schema)
    finally:
        engine.close()
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
    path: Path, options: RocksOptions, cache: Cache, torn: tuple[Damage, ...]
) -> tuple[Rdict, Options]:
    """Open with the strictest mode that the ends of the logs allow.

    A torn log that is not the last one is either obsolete, and then not read, or nothing behind
    its end was synced: then the store goes back to that point.
    """
    modes = [DBRecoveryMode.absolute_consistency()]
    if torn:
        modes += [DBRecoveryMode.tolerate_corrupted_tail_records()]
        newest = max((each for each in path.glob("*.log") if each.stat().st_size), key=_number)
        if any(damage.file != newest.name for damage in torn):
            modes[1] = DBRecoveryMode.point_in_time()
    families = {family.value: family_options(options, family, cache) for family in Family}
    families[DEFAULT_FAMILY] = family_options(options, None, cache)
    for mode in modes[:-1]:
        settings = store_options(options, mode)
        try:
            return Rdict(str(path), settings, families), settings
        except Exception as error:
            if "Corruption" not in str(error):
                raise
    settings = store_options(options, modes[-1])
    return Rdict(str(path), settings, families), settings


def _number(path: Path) -> int:
    return int(path.stem)


def _named(path: Path, error: Exception) -> Exception:
    """Return the error in our words; where RocksDB does not say which log is bad, look."""
    ours = translated(path, error)
    if isinstance(ours, CorruptStore) and not ours.file:
        damage = first_bad_checksum(path)
        if damage is not None:
            return CorruptStore(path, damage.file, f"{ours.reason} at byte {damage.offset}")
    return ours
