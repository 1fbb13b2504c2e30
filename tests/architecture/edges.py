"""What may be imported where: clocks and sockets only at the edges, libraries where they belong."""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch

from tests.architecture.source import PACKAGES, Finding, Source, pyproject

LIBRARIES: Mapping[str, frozenset[str]] = {
    "primitives": frozenset(
        {"ckzg", "coincurve", "msgspec", "nacl", "py_arkworks_bls12381", "sha3"}
    ),
    "consensus": frozenset({"msgspec"}),
    "contracts": frozenset({"blake2b", "cryptography", "msgspec", "py_arkworks_bls12381"}),
    "network": frozenset(
        {
            "cryptography",
            "lz4",
            "msgspec",
            "networkx",
            "numpy",
            "siphashc",
            "uvloop",
            "zstandard",
        }
    ),
    "storage": frozenset({"lz4", "msgspec", "rocksdict", "zstandard"}),
    "node": frozenset({"aiohttp", "msgspec", "prometheus_client", "psutil", "tomli_w", "uvloop"}),
    "sim": frozenset(
        {"aiohttp", "msgspec", "networkx", "numpy", "psutil", "pytest", "rich", "zstandard"}
    ),
}
"""Which libraries each package may import; all else it declares as a Protocol."""


def banned_names() -> frozenset[str]:
    """Return the names that cores may not use, as pyproject.toml lists them for ruff."""
    tidy = pyproject()["tool"]["ruff"]["lint"]["flake8-tidy-imports"]
    return frozenset(tidy["banned-api"])


def edge_patterns() -> tuple[str, ...]:
    """Return the path patterns for which pyproject.toml lifts the ban."""
    ignores = pyproject()["tool"]["ruff"]["lint"]["per-file-ignores"]
    return tuple(pattern for pattern, rules in ignores.items() if "TID251" in rules)


def is_edge(path: str, patterns: Iterable[str]) -> bool:
    """Tell whether a file may touch the world."""
    return any(fnmatch(path, pattern) for pattern in patterns)


def imported_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) for every import, at whatever depth it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def dotted(node: ast.AST) -> str:
    """Return "a.b.c" for an attribute chain over a name, and "" for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def banned_uses(file: Source, banned: frozenset[str], edges: Iterable[str]) -> list[Finding]:
    """Find imports and calls of banned names in a file that is no edge."""
    if is_edge(file.path, edges):
        return []

    def is_banned(name: str) -> bool:
        parts = name.split(".")
        return any(".".join(parts[:end]) in banned for end in range(1, len(parts) + 1))

    findings = [
        Finding(file.path, line, f"imports {name}, which belongs to the edges")
        for line, name in imported_names(file.tree)
        if is_banned(name)
    ]
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Attribute) and (name := dotted(node)) and name in banned:
            findings.append(Finding(file.path, node.lineno, f"uses {name}"))
    return findings


def foreign_libraries(file: Source) -> list[Finding]:
    """Find libraries that the file's package may not import."""
    allowed = LIBRARIES[file.package] | frozenset(PACKAGES) | sys.stdlib_module_names
    return [
        Finding(file.path, line, f"imports {name}, which {file.package} may not")
        for line, name in imported_names(file.tree)
        if name.split(".")[0] not in allowed
    ]
