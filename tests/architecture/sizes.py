"""Sizes that keep files and functions readable in one sitting."""

import ast
import re
from collections.abc import Iterable

from tests.architecture.source import Finding, Source

FILE_LINES_PLANNED = 400
"""Above this a file needs a plan to be split, or a place in the list of exceptions."""
FILE_LINES_MAX = 600
FUNCTION_LINES_USUAL = 35
"""Nine functions in ten are no longer than this."""
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100
PRAGMA = re.compile(r"\s+# (type: ignore|noqa)\b.*$")
"""A note to a tool, which the formatter cannot move; it may hang over the edge."""


def long_files(files: Iterable[Source], exceptions: frozenset[str]) -> list[Finding]:
    """Find files over the planned length that are no exception, and any over the end."""
    findings = []
    for file in files:
        lines = file.text.count("\n")
        limit = FILE_LINES_MAX if file.path in exceptions else FILE_LINES_PLANNED
        if lines > limit:
            findings.append(Finding(file.path, lines, f"file has {lines} lines, limit {limit}"))
    return findings


def long_lines(files: Iterable[Source]) -> list[Finding]:
    """Find lines wider than the page."""
    return [
        Finding(file.path, number, f"line has {len(line)} columns, limit {COLUMNS_MAX}")
        for file in files
        for number, line in enumerate(file.text.splitlines(), start=1)
        if len(PRAGMA.sub("", line)) > COLUMNS_MAX
    ]


def function_lengths(files: Iterable[Source]) -> list[tuple[int, Finding]]:
    """Measure every function, from its `def` to its last line; a nested one counts in both."""
    lengths = []
    for file in files:
        for node in ast.walk(file.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                text = f"{node.name} has {length} lines, limit {FUNCTION_LINES_MAX}"
                lengths.append((length, Finding(file.path, node.lineno, text)))
    return lengths


def long_functions(files: Iterable[Source]) -> list[Finding]:
    """Find functions over the end."""
    return [found for length, found in function_lengths(files) if length > FUNCTION_LINES_MAX]


def share_of_usual_functions(files: Iterable[Source]) -> float:
    """Return which share of the functions is no longer than usual, 0.0 to 1.0."""
    lengths = [length for length, _ in function_lengths(files)]
    return sum(length <= FUNCTION_LINES_USUAL for length in lengths) / max(len(lengths), 1)
