"""Which tables a store has, in which column families they lie, and which version that is.

A node names tables; RocksDB knows families, each with its own write buffers and files. A family
holds the tables that are read in the same way, and a byte before each key says which of them a
row belongs to. So a later version may put a new table into a family without touching a row. A
table's number is never given to another one: old rows would turn up in it.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from types import MappingProxyType

import msgspec

from primitives.machine import Record
from storage.store import Store

NUMBER_MAX = 254
"""A table's number fits a byte, and so does the number after it, which bounds its rows."""


class Family(Enum):
    """The column families; the value is RocksDB's name for it."""

    HEADERS = "headers"
    BODIES = "bodies"
    RECEIPTS = "receipts"
    ACCOUNTS = "accounts"
    STORAGE = "storage"
    CODE = "code"
    TRIE = "trie"
    CONSENSUS = "consensus"
    TWO_PHASE_COMMIT = "two-phase-commit"
    ROLLUP = "rollup"
    HISTORY = "history"


POINT_FAMILIES = frozenset({Family.ACCOUNTS, Family.STORAGE, Family.CODE, Family.TRIE})
"""Families whose keys are hashes or begin with one; the others' keys ascend with the height."""


class Table(msgspec.Struct, frozen=True):
    """Where the rows of one table lie."""

    name: str
    """As `Record.table` has it."""
    family: Family
    number: int
    """The byte before its keys, 1 to 254; unique in the schema."""


Migration = Callable[[Store], Iterable[Record]]
"""Returns what turns a store of one version into one of the next. It may read the store; its
records are written together with the new version, in one batch."""


class Schema(msgspec.Struct, frozen=True):
    """Tables under a version, and the ways to it from earlier ones."""

    version: int
    tables: tuple[Table, ...]
    migrations: Mapping[int, Migration] = MappingProxyType({})
    """By the version they start from; each leads to the next one."""

    def by_name(self) -> dict[str, Table]:
        """Return the tables by name."""
        return {table.name: table for table in self.tables}


CHAIN_SCHEMA = Schema(
    version=1,
    tables=(
        Table("chain.blocks", Family.BODIES, 1),
        Table("chain.certificates", Family.HEADERS, 2),
        Table("chain.snapshot", Family.ACCOUNTS, 3),
        Table("chain.accounts", Family.ACCOUNTS, 4),
        Table("consensus", Family.CONSENSUS, 5),
        Table("chain.headers", Family.HEADERS, 6),
        Table("chain.receipts", Family.RECEIPTS, 7),
        Table("state.accounts", Family.ACCOUNTS, 8),
        Table("state.storage", Family.STORAGE, 9),
        Table("state.code", Family.CODE, 10),
        Table("state.trie", Family.TRIE, 11),
        Table("two-phase-commit", Family.TWO_PHASE_COMMIT, 12),
        Table("rollup", Family.ROLLUP, 13),
        Table("state.history", Family.HISTORY, 14),
        Table("state.index", Family.HISTORY, 15),
        Table("state.head", Family.HEADERS, 16),
        Table("chain.frozen", Family.HEADERS, 17),
        Table("chain.transactions", Family.ACCOUNTS, 18),
        Table("chain.heights", Family.ACCOUNTS, 19),
    ),
)
"""What a node keeps: tables of `node.ledger`, `node.durable_runs`, `node.flat_rows`,
`node.transaction_index` and `consensus.log`; those of `state` belong to `storage.flat` and
`storage.stored_trie`."""


class SchemaRow(msgspec.Struct, frozen=True):
    """What a store says about itself, under `SCHEMA_KEY` of RocksDB's own default family."""

    format: str
    version: int
    tables: dict[str, tuple[str, int]]
    """Family and number of each table."""


FORMAT = "orrery.store"
SCHEMA_KEY = b"schema"


def schema_row(schema: Schema) -> SchemaRow:
    """Return the row that a store of this schema has."""
    tables = {table.name: (table.family.value, table.number) for table in schema.tables}
    return SchemaRow(FORMAT, schema.version, tables)


def encode_row(row: SchemaRow) -> bytes:
    """Return the row as JSON: a person with RocksDB's own tools can read it."""
    return msgspec.json.encode(row, order="deterministic")


def decode_row(encoded: bytes | None) -> SchemaRow | None:
    """Return the row, or None where there is none or it is not one of ours."""
    if encoded is None:
        return None
    try:
        row = msgspec.json.decode(encoded, type=SchemaRow)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return row if row.format == FORMAT else None
