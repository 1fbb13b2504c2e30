"""The fingerprint of the packages that a run's digest may depend on."""

import ast
from importlib.metadata import version
from pathlib import Path

import pytest

from sim import packages
from sim.packages import PACKAGES, packages_fingerprint

NO_INFLUENCE = {
    "aiohttp",
    "prometheus-client",
    "psutil",
    "rich",
    "rocksdict",
    "tomli-w",
    "uvloop",
}
"""They show a run, keep rows or drive live nodes; a simulated run needs none."""


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return a table of versions that the fingerprint takes for the installed ones."""
    table = {name: version(name) for name in PACKAGES}
    monkeypatch.setattr(packages, "version", table.__getitem__)
    return table


def test_the_fingerprint_is_eight_hexadecimal_digits() -> None:
    assert len(packages_fingerprint()) == 8
    assert int(packages_fingerprint(), 16) >= 0
    assert packages_fingerprint() == packages_fingerprint()


@pytest.mark.parametrize("name", PACKAGES)
def test_another_version_of_any_package_changes_it(name: str, versions: dict[str, str]) -> None:
    before = packages_fingerprint()
    versions[name] += ".1"
    changed = packages_fingerprint()
    assert changed != before
    versions[name] = version(name)
    assert packages_fingerprint() == before


def test_every_dependency_either_counts_or_has_no_influence(repository: Path) -> None:
    text = (repository / "pyproject.toml").read_text("utf-8")
    listed = text.split("\ndependencies = ")[1].split("\n]")[0] + "\n]"
    names = {requirement.split("==")[0] for requirement in ast.literal_eval(listed)}
    assert names == set(PACKAGES) | NO_INFLUENCE
