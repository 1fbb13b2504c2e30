"""Reads what is written for Prometheus: for the tests of this folder."""

import re
import shutil

import msgspec
import pytest

SERIES = re.compile(r"^(\w+)(\{.*\})? (\S+)( \S+)?$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Shown(msgspec.Struct, frozen=True):
    """A family as an exposition describes it."""

    kind: str
    unit: str
    meaning: str


class Sample(msgspec.Struct, frozen=True):
    """One line."""

    name: str
    labels: frozenset[tuple[str, str]]


def families_of(text: str) -> dict[str, Shown]:
    """Return the families of an OpenMetrics text, in order."""
    kinds: dict[str, str] = {}
    units: dict[str, str] = {}
    meanings: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kinds[name] = line.split(" ", 3)[2:]
        elif line.startswith("# UNIT "):
            name, units[name] = line.split(" ", 3)[2:]
        elif line.startswith("# HELP "):
            name, meanings[name] = line.split(" ", 3)[2:]
    return {name: Shown(kinds[name], units.get(name, ""), meanings[name]) for name in kinds}


def last_samples(text: str) -> dict[Sample, float]:
    """Return each series' last value."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        match = SERIES.match(line)
        assert match is not None, line
        name, labels, value, _ = match.groups()
        found[Sample(name, frozenset(LABEL.findall(labels or "")))] = float(value)
    return found


def tool(name: str) -> str:
    """Return a program's path; skip the test where it is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian package prometheus)")
    return found
