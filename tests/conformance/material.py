"""Finds and reads public test vectors. What it cannot read is a failure, never a skip."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from primitives.fork import Fork

NOT_DATA = frozenset({".stub", "README.md", "INDEX.md", "LICENSE"})
"""Names of files that stand beside vectors without being any."""

FORKS: Mapping[str, Fork] = MappingProxyType(
    {
        "Frontier": Fork.FRONTIER,
        "Homestead": Fork.HOMESTEAD,
        "EIP150": Fork.TANGERINE_WHISTLE,
        "EIP158": Fork.SPURIOUS_DRAGON,
        "Byzantium": Fork.BYZANTIUM,
        "Constantinople": Fork.CONSTANTINOPLE,
        "ConstantinopleFix": Fork.PETERSBURG,
        "Istanbul": Fork.ISTANBUL,
        "MuirGlacier": Fork.ISTANBUL,
        "Berlin": Fork.BERLIN,
        "London": Fork.LONDON,
        "ArrowGlacier": Fork.LONDON,
        "GrayGlacier": Fork.LONDON,
        "Merge": Fork.PARIS,
        "Paris": Fork.PARIS,
        "Shanghai": Fork.SHANGHAI,
        "Cancun": Fork.CANCUN,
        "Prague": Fork.PRAGUE,
        "Osaka": Fork.OSAKA,
        "BPO1": Fork.OSAKA,
        "BPO2": Fork.OSAKA,
    }
)
"""Names that public vectors give to forks. A fork that changed only other rules has the name of
the one before it."""


def read_files(*folders: Path) -> Iterator[tuple[Path, Any]]:
    """Read every JSON file below the folders, in the order of their paths.

    A set of vectors need not have all groups: the test is skipped when it has none of these.
    """
    present = [folder for folder in folders if folder.is_dir()]
    if not present:
        pytest.skip(f"this set of vectors has no {' or '.join(map(str, folders))}")
    for folder in present:
        yield from _read_folder(folder)


def _read_folder(folder: Path) -> Iterator[tuple[Path, Any]]:
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or path.name in NOT_DATA:
            continue
        yield path, read_file(path)


def read_file(path: Path) -> Any:
    """Read one JSON file; assert that it is one."""
    assert path.suffix == ".json", f"{path} is neither JSON nor a known companion of it"
    return json.loads(path.read_text(encoding="utf-8"))


def from_hex(text: str) -> bytes:
    """Read hexadecimal digits with or without 0x."""
    return bytes.fromhex(text.removeprefix("0x"))


def number(value: int | str) -> int:
    """Read a number, or the text of one: decimal, or hexadecimal with 0x."""
    return value if isinstance(value, int) else int(value, 0)


def report(failures: list[str], cases: int) -> None:
    """Fail with the first failures and the count of all; fail as well when nothing was run."""
    assert cases, "no vectors were found"
    shown = "\n".join(failures[:40])
    assert not failures, f"{len(failures)} of {cases} cases failed:\n{shown}"
