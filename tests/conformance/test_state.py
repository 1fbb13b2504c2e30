"""Public state tests: one transaction on a small state, under every fork that a test lists.

What is compared: the state's root, the hash of the logs, the transaction and its sender as its
bytes say, and the reason for which it is refused. The state that nodes have is tried always, its
twin of plain dicts in a soak.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from contracts.evm import Evm
from primitives.fork import Fork
from primitives.kzg import CkzgVerifier
from tests.conformance.material import NOT_DATA, read_file
from tests.conformance.state_benches import BENCHES
from tests.conformance.state_cases import StateCase, read_cases
from tests.conformance.state_runs import problems_of
from tests.conformance.tally import Tally
from tests.vectors import vectors_directory

SUITES = ("GeneralStateTests", "state_tests")
"""Folders that have state tests below them, wherever they stand."""

HEAVY: Mapping[str, pytest.MarkDecorator] = MappingProxyType(
    {
        "loopExp.json": pytest.mark.slow,  # 20 s of processor time
        "loopMul.json": pytest.mark.soak,  # 220 s
        "test_run_until_out_of_gas.json": pytest.mark.slow,  # 14 s
    }
)
"""Files that have a test of their own, because they loop for much gas."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each folder with files, so that several processes can share them."""
    if "place" in metafunc.fixturenames:
        metafunc.parametrize("place", list(_places()) or [""])


def _places() -> Iterator[object]:
    top = vectors_directory() / "ethereum"
    for suite in sorted(path for name in SUITES for path in top.rglob(name)):
        files = sorted(path for path in suite.rglob("*") if path.is_file())
        yield from dict.fromkeys([str(path.parent.relative_to(top)) for path in files])
        for path in files:
            if path.name in HEAVY:
                yield pytest.param(str(path.relative_to(top)), marks=HEAVY[path.name])


@pytest.fixture(scope="module", name="kzg")
def fixture_kzg() -> CkzgVerifier:
    return CkzgVerifier()


@pytest.fixture(scope="module", name="evms")
def fixture_evms() -> Mapping[Fork, Evm]:
    return {fork: Evm(fork) for fork in Fork}


class Run:
    """Runs files on one kind of state, and counts."""

    def __init__(self, bench: str, evms: Mapping[Fork, Evm], kzg: CkzgVerifier) -> None:
        self.tally = Tally(f"state tests, {bench}")
        self._make = BENCHES[bench]
        self._evms = evms
        self._kzg = kzg

    def place(self, place: Path) -> None:
        """Run a file, or all files of a folder but those that have a test of their own."""
        if place.is_file():
            self._file(place)
            return
        for path in sorted(path for path in place.iterdir() if path.is_file()):
            if path.name in NOT_DATA:
                self.tally.leave_out(f"{path.name}, which is no test")
            elif path.name in HEAVY:
                self.tally.leave_out(f"{path.name}, a file with a slow test of its own")
            else:
                self._file(path)

    def _file(self, path: Path) -> None:
        for case in read_cases(path, read_file(path)):
            self._case(case)

    def _case(self, case: StateCase) -> None:
        if case.fork < self._make.oldest:
            name = case.fork.name.title()
            self.tally.leave_out(f"for {name}, whose empty accounts this state does not keep")
        else:
            self.tally.add(problems_of(case, self._make, self._evms[case.fork], self._kzg))


@pytest.mark.parametrize("bench", ["journal", pytest.param("naive", marks=pytest.mark.soak)])
def test_state_tests(
    vectors: Path,
    place: str,
    bench: str,
    evms: Mapping[Fork, Evm],
    kzg: CkzgVerifier,
    record_property: Callable[[str, object], None],
) -> None:
    if not place:
        pytest.skip("this set of vectors has no state tests")
    run = Run(bench, evms, kzg)
    run.place(vectors / "ethereum" / place)
    run.tally.report(record_property)
