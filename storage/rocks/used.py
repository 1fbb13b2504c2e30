"""Which profile a store was opened with last, so that whoever looks after it uses the same.

RocksDB writes its settings into a file at each opening. Merging a compressed store with the
settings of another profile would rewrite all of it without compression.

Reference: RocksDB wiki, "RocksDB Options File".
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from storage.rocks.options import Compression, RocksOptions
from storage.rocks.profiles import PROFILES
from storage.rocks.schema import Family

SECTION = re.compile(r'\[(?:CFOptions|TableOptions/BlockBasedTable) "([^"]*)"\]')
SETTING = re.compile(r"\s*([a-z_0-9]+)=(.*)")
COMPRESSIONS: Mapping[Compression, str] = MappingProxyType(
    {
        Compression.NONE: "kNoCompression",
        Compression.LZ4: "kLZ4Compression",
        Compression.ZSTD: "kZSTD",
    }
)
"""RocksDB's names for them."""


def used_profile(directory: Path) -> str | None:
    """Return the name of the profile that a store was opened with last; None if it was none."""
    found = _settings(directory, Family.ACCOUNTS.value)
    names = [
        name for name, options in PROFILES.items() if _expected(options).items() <= found.items()
    ]
    return names[0] if len(names) == 1 else None


def _expected(options: RocksOptions) -> dict[str, str]:
    """Return what the file says of a family of hashed keys; enough to tell profiles apart."""
    return {
        "write_buffer_size": str(options.write_buffer_bytes),
        "compression": COMPRESSIONS[options.compression],
        "bottommost_compression": COMPRESSIONS[options.bottom_compression],
        "target_file_size_base": str(options.file_bytes),
        "disable_auto_compactions": str(not options.compact_by_itself).lower(),
        "block_size": str(options.point_block_bytes),
    }


def _settings(directory: Path, family: str) -> dict[str, str]:
    """Return the settings of a family in the newest file; none without one that can be read."""
    files = sorted(directory.glob("OPTIONS-*[0-9]"), key=lambda file: int(file.name[8:]))
    try:
        lines = files[-1].read_text().splitlines() if files else []
    except (OSError, UnicodeDecodeError):
        lines = []
    found: dict[str, str] = {}
    inside = False
    for line in lines:
        if line.startswith("["):
            section = SECTION.fullmatch(line)
            inside = section is not None and section[1] == family
        elif inside and (setting := SETTING.fullmatch(line)):
            found[setting[1]] = setting[2]
    return found
