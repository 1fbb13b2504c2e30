"""How the tables of a store are built: levels, rows, and what their bytes are spent on.

All of it is read from the tables' own properties, so it is exact, but it counts what is written:
a row that was overwritten or deleted counts until its table is merged.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec
from rocksdict import Rdict

from storage.rocks.schema import Family

LEVELS = 7
"""RocksDB's number of levels."""
FILES_AT = "rocksdb.num-files-at-level"
TABLES_AT = "rocksdb.aggregated-table-properties-at-level"
FIGURE = re.compile(r"([^;=]+)=(\d+)(?:;|$)")


class LevelShape(msgspec.Struct, frozen=True):
    """The tables of one family in one level."""

    family: str
    level: int
    """0 is the newest; each further one is up to ten times as large."""
    files: int
    rows: int
    """Entries, among them those that delete a row or that a newer one overwrites."""
    deletions: int
    """Entries that delete a row."""
    row_bytes: int
    """Of keys and values as they were written."""
    data_bytes: int
    """Of the blocks that hold them, compressed."""
    index_bytes: int
    filter_bytes: int

    @property
    def bytes(self) -> int:
        """Bytes of blocks of all kinds."""
        return self.data_bytes + self.index_bytes + self.filter_bytes


def shapes(families: Mapping[Family, Rdict]) -> tuple[LevelShape, ...]:
    """Return the levels of each family that are not empty, by family and level."""
    return tuple(_shapes(families))


def _shapes(families: Mapping[Family, Rdict]) -> Iterator[LevelShape]:
    for family, engine in families.items():
        for level in range(LEVELS):
            files = int(engine.property_value(f"{FILES_AT}{level}") or 0)
            if not files:
                continue
            text = engine.property_value(f"{TABLES_AT}{level}") or ""
            found = {name.strip(): int(value) for name, value in FIGURE.findall(text)}
            yield LevelShape(
                family.value,
                level,
                files,
                found.get("# entries", 0),
                found.get("# deletions", 0),
                found.get("raw key size", 0) + found.get("raw value size", 0),
                found.get("data block size", 0),
                _index_bytes(text),
                found.get("filter block size", 0),
            )


def _index_bytes(text: str) -> int:
    """Return the size of the indexes; its name has details in brackets, with signs of their own."""
    found = re.search(r"index block size \([^)]*\)=(\d+)", text)
    return int(found[1]) if found else 0
