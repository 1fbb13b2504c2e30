"""Read the repository's sources for the tests of this folder."""

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("consensus", "contracts", "network", "node", "primitives", "sim", "storage")
"""The root packages, as the house of docs/ARCHITECTURE.md has them."""


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root ("consensus/replica.py"), text and tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The root folder that the file is in."""
        return self.path.split("/", 1)[0]

    @property
    def module(self) -> str:
        """The dotted name under which the file is imported."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@dataclass(frozen=True)
class Finding:
    """One place that breaks a rule."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def parse(text: str, path: str = "consensus/snippet.py") -> Source:
    """Make a source of a piece of text, for tests of the rules themselves."""
    return Source(path, text, ast.parse(text))


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Return every Python file under the given root folders, in the order of their paths."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return tuple(_read(path) for path in paths if "__pycache__" not in path.parts)


@cache
def _read(path: Path) -> Source:
    return parse(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())


@cache
def pyproject() -> dict[str, Any]:
    """Return the decoded pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def tracked_files() -> Iterator[Path]:
    """Yield the files that git tracks; outside a checkout, whatever is not hidden or built."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    if listing.returncode == 0 and listing.stdout:
        files = (ROOT / name for name in listing.stdout.split("\0") if name)
        yield from (path for path in files if path.is_file())
        return
    skipped = {"runs", "build", "dist", "__pycache__", ".venv", ".git"}
    for path in sorted(ROOT.rglob("*")):
        if path.is_file() and not skipped.intersection(path.relative_to(ROOT).parts):
            yield path


def report(findings: list[Finding]) -> str:
    """Return one line for each finding, for the message of an assertion."""
    return "\n" + "\n".join(str(finding) for finding in findings)
