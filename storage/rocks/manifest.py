"""Whether a store's manifest may be believed, before RocksDB deletes the tables it does not name.

RocksDB takes a manifest that was cut off for the one of an earlier moment, opens the store as it
was then, and deletes the rest. That is right after a crash: a table that is not named yet was
being written, and its rows still stand in the logs or in the tables it was merged from. After a
loss of the manifest's own end the same table is all there is of its rows. What tells the two apart
is not the table but whether the earlier moment is still whole on the disk:

- the tables that the manifest names are there (RocksDB looks at that, too, before it deletes). If
  one is gone while others are not named, it is the manifest that tells of a moment long past;
- the logs from the oldest one that it needs on are there. RocksDB deletes a log only after the
  manifest says that all its rows are in tables. So a flush whose record is lost shows as a log that
  the rest of the manifest needs and that is gone; if the log is there, so are the rows, and it
  does not matter whether a crash or somebody else took the record away;
- the beginning is whole. Whoever opens a store begins a manifest (number N) with a copy of what
  the last one said, which has no "next file number", and goes on with one record for each family
  that names the tables made from the old logs and sets the log from which on that family is
  needed. The old logs are deleted then, and the oldest log needed may be a number that no log
  bears; what must be there is the log begun for this manifest, whose number is below N. So as long
  as not every family has such a record, a table that is not named may hold the rows of old logs.
  This is not so in a new store, which has one family and no old logs, nor with a manifest that
  replaces one while the store is open, which goes on with a change of tables at once;
- the families are there: rows of the logs for a family that the manifest does not name would be
  passed over (`require_families`). A new store gets its families before its first row.

Two cases stay open. Rows that were written without a log (`Durability.NONE`) leave no log to miss.
And a manifest that replaced one (after a gigabyte, or a write to it that failed) may need a log
older than itself, for which any other one older than itself is taken.

A manifest is a log of records as in `storage.rocks.wal`; each holds fields of a tag and a value.
Checksums are read here, too: RocksDB's list of families may never end on a changed record.

Reference: RocksDB wiki, "MANIFEST"; RocksDB, `db/version_edit.h` (tags) and
`db/version_edit.cc` (encodings); its order of steps was read off the manifests it writes.
"""

import re
from pathlib import Path

import msgspec

from storage.rocks.errors import CorruptStore, StoreInUse
from storage.rocks.schema import SchemaRow
from storage.rocks.wal import changed_record, log_files, whole_records

CURRENT = re.compile(rb"MANIFEST-(\d+)\n")
FIRST_NUMBER = 1
"""Of the manifest of a store in which nothing was opened yet; it needs no log."""
TRIES = 5

COMPARATOR, LOG_NUMBER, NEXT_FILE, LAST_SEQUENCE, COMPACT_CURSOR, DELETED_TABLE = range(1, 7)
PREVIOUS_LOG, OLDEST_LOG = 9, 10
NEW_TABLE = 103
FAMILY, FAMILY_ADD, FAMILY_DROP, FAMILY_MAX = range(200, 204)
ATOMIC_GROUP = 300
NUMBERS = frozenset(
    {LOG_NUMBER, NEXT_FILE, LAST_SEQUENCE, PREVIOUS_LOG, OLDEST_LOG, FAMILY, FAMILY_MAX}
    | {ATOMIC_GROUP}
)
SKIPPED = 1 << 13
"""Bit of the tags whose value is a string that may be passed over."""
END_OF_TABLE = 1
"""Tag of the last of the extra fields of a table."""


class Edit(msgspec.Struct):
    """One record of a manifest."""

    numbers: dict[int, int]
    """By tag."""
    added: list[int]
    """Numbers of the tables that it names."""
    deleted: list[int]
    family_name: str | None = None
    drops_family: bool = False


class Manifest(msgspec.Struct):
    """What the whole records of a manifest say."""

    number: int
    begun: bool = False
    """Whether the copy at its beginning is whole."""
    follows_logs: bool = False
    """Whether there may have been logs with rows when it was begun."""
    oldest_log: int = 0
    """The oldest log that is needed (the least number that it may have)."""
    tables: set[int] = msgspec.field(default_factory=set)
    """Named now."""
    gone: set[int] = msgspec.field(default_factory=set)
    """Named once; they may be deleted."""
    families: dict[int, str] = msgspec.field(default_factory=lambda: {0: "default"})
    logs: dict[int, int] = msgspec.field(default_factory=dict)
    """Family -> the log from which on it is needed."""
    settled: set[int] = msgspec.field(default_factory=set)
    """Families whose log was set since the manifest was begun."""

    @property
    def is_settled(self) -> bool:
        """Whether all tables that were made from older logs are named."""
        return not self.follows_logs or self.settled >= self.families.keys()

    @property
    def name(self) -> str:
        """The file's name."""
        return f"MANIFEST-{self.number:06}"

    def apply(self, edit: Edit) -> None:
        """Go on by one record."""
        family = edit.numbers.get(FAMILY, 0)
        if edit.family_name is not None:
            self.families[family] = edit.family_name
        if edit.drops_family:
            for known in (self.families, self.logs):
                known.pop(family, None)
        for number in edit.deleted:
            self.tables.discard(number)
            self.gone.add(number)
        self.tables.update(edit.added)
        if LOG_NUMBER in edit.numbers and family in self.families:
            self.logs[family] = edit.numbers[LOG_NUMBER]
            if NEXT_FILE in edit.numbers:
                self.settled.add(family)
        if NEXT_FILE in edit.numbers and not self.begun:
            self.begun = True
            replaced = bool(edit.added or edit.deleted)
            self.follows_logs = not replaced and len(self.families) > 1
        needed = min(self.logs.get(each, 0) for each in self.families)
        self.oldest_log = max(self.oldest_log, needed, edit.numbers.get(OLDEST_LOG, 0))


def require_manifest(path: Path) -> int:
    """Refuse a store whose manifest does not say all that RocksDB must know before it deletes.

    It changes nothing, and may be called while another process has the store open.

    Returns:
        The oldest log that is needed; a crash may have left older ones, which RocksDB deletes.

    Raises:
        CorruptStore: the manifest has lost its end, or a log is missing.
    """
    for _ in range(TRIES):
        content = _content(path)
        if content is None:
            return 0
        try:
            return _read(path, *content).oldest_log
        except CorruptStore:
            if content == _content(path):  # else its files are those of another moment
                raise
    raise StoreInUse(str(path), "a store that nobody else has open", "one that changes")


def require_families(path: Path, known: frozenset[str], found: SchemaRow) -> None:
    """Refuse a store whose manifest lacks a family in which the store says that it has tables.

    Raises:
        CorruptStore: it does; their rows would be passed over.
    """
    lacking = sorted({family for family, _ in found.tables.values()} - known)
    if lacking:
        name = (path / "CURRENT").read_text().strip()
        raise CorruptStore(path, name, f"it ends before it names the family {lacking[0]}")


def _content(path: Path) -> tuple[int, bytes] | None:
    """Return number and bytes of the manifest in use; None where RocksDB will refuse it."""
    try:
        match = CURRENT.fullmatch((path / "CURRENT").read_bytes())
        if match is None:
            return None
        number = int(match[1])
        return number, (path / f"MANIFEST-{number:06}").read_bytes()
    except FileNotFoundError:
        return None


def _read(path: Path, number: int, content: bytes) -> Manifest:
    """Return what a manifest says, if it is to be believed.

    Raises:
        CorruptStore: it is not.
    """
    manifest = Manifest(number)
    if (changed := changed_record(content)) is not None:
        raise CorruptStore(path, manifest.name, f"checksum mismatch at byte {changed}")
    try:
        for record in whole_records(content):
            if record:
                manifest.apply(read_edit(record))
    except (IndexError, ValueError) as error:
        reason = f"a record that cannot be read: {error}"
        raise CorruptStore(path, manifest.name, reason) from error
    if not manifest.begun:
        raise CorruptStore(path, manifest.name, "it ends within the copy that it begins with")
    there = _numbers(path)
    unnamed, missing = there - manifest.tables - manifest.gone, manifest.tables - there
    if unnamed and (missing or not manifest.is_settled):
        reason = f"it ends before it names {min(unnamed):06}.sst"
        if missing:
            reason += f", and names {min(missing):06}.sst, which is not there"
        raise CorruptStore(path, manifest.name, reason)
    _require_log(path, manifest, has_unnamed=bool(unnamed))
    return manifest


def _require_log(path: Path, manifest: Manifest, *, has_unnamed: bool) -> None:
    logs = {int(log.stem) for log in log_files(path)}
    oldest, number = manifest.oldest_log, manifest.number
    if oldest >= number:
        there, name = oldest in logs, f"{oldest:06}.log"
    else:
        there, name = any(oldest <= log < number for log in logs), f"{number - 1:06}.log"
    if there or number == FIRST_NUMBER:
        return
    if has_unnamed:
        reason = f"it has lost its end: it needs {name}, which is not there"
        raise CorruptStore(path, manifest.name, reason)
    reason = f"the file is missing, and {manifest.name} needs it (or has lost its own end)"
    raise CorruptStore(path, name, reason)


def _numbers(path: Path) -> set[int]:
    return {int(table.stem) for table in path.glob("*.sst") if table.stem.isdecimal()}


def read_edit(record: bytes) -> Edit:
    """Return one record of a manifest.

    Raises:
        ValueError: it has a field that is not known.
        IndexError: it ends within a field.
    """
    edit = Edit({}, [], [])
    at = 0
    while at < len(record):
        tag, at = _number(record, at)
        if tag in NUMBERS:
            edit.numbers[tag], at = _number(record, at)
        elif tag == FAMILY_ADD:
            name, at = _string(record, at)
            edit.family_name = name.decode("utf-8", "replace")
        elif tag == FAMILY_DROP:
            edit.drops_family = True
        elif tag == COMPARATOR or tag & SKIPPED:
            _, at = _string(record, at)
        elif tag == COMPACT_CURSOR:
            _, at = _string(record, _number(record, at)[1])
        elif tag == DELETED_TABLE:
            number, at = _number(record, _number(record, at)[1])
            edit.deleted.append(number)
        elif tag == NEW_TABLE:
            number, at = _table(record, at)
            edit.added.append(number)
        else:
            raise ValueError(f"field {tag}")
    return edit


def _table(record: bytes, at: int) -> tuple[int, int]:
    """Return a new table's number and where its field ends.

    It is level, number, size, first and last key, first and last sequence number, extra fields.
    """
    _, at = _number(record, at)
    number, at = _number(record, at)
    _, at = _number(record, at)
    for _ in range(2):
        _, at = _string(record, at)
    for _ in range(2):
        _, at = _number(record, at)
    while True:
        tag, at = _number(record, at)
        if tag == END_OF_TABLE:
            return number, at
        _, at = _string(record, at)


def _number(record: bytes, at: int) -> tuple[int, int]:
    """Read a number of groups of 7 bits, the lowest first."""
    value = shift = 0
    while True:
        byte = record[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _string(record: bytes, at: int) -> tuple[bytes, int]:
    length, at = _number(record, at)
    if at + length > len(record):
        raise IndexError("a string beyond the end")
    return record[at : at + length], at + length
