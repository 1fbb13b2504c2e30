"""The style that STYLE and the linters cannot see on their own, over the whole tree."""

import pytest

from tests.architecture import edges, ordering, sizes, state
from tests.architecture.source import PACKAGES, Finding, report, sources

EVERYTHING = sources(*PACKAGES, "tests", "bench")
PRODUCT = sources(*PACKAGES)
PROTOCOL = sources(*(package for package in PACKAGES if package != "sim"))

LONG_FILES: frozenset[str] = frozenset()
"""Files that may pass the planned length for now. Each needs a plan; keep the list short."""


def test_the_rules_see_the_tree() -> None:
    assert {file.package for file in PRODUCT} == set(PACKAGES)
    assert any(file.path == "primitives/machine.py" for file in PROTOCOL)


def test_files_are_short() -> None:
    found = sizes.long_files(EVERYTHING, LONG_FILES)
    assert not found, report(found)


def test_the_list_of_long_files_is_short_and_needed() -> None:
    assert len(LONG_FILES) <= 3
    needed = {found.path for found in sizes.long_files(EVERYTHING, frozenset())}
    assert needed >= LONG_FILES


def test_lines_fit_the_page() -> None:
    found = sizes.long_lines(EVERYTHING)
    assert not found, report(found)


def test_functions_end_in_sight() -> None:
    found = sizes.long_functions(EVERYTHING)
    assert not found, report(found)


def test_nine_functions_in_ten_are_small() -> None:
    assert sizes.share_of_usual_functions(PRODUCT) >= 0.9


@pytest.mark.parametrize("package", PACKAGES)
def test_clocks_sockets_and_chance_stay_at_the_edges(package: str) -> None:
    banned, patterns = edges.banned_names(), edges.edge_patterns()
    found = [use for file in sources(package) for use in edges.banned_uses(file, banned, patterns)]
    assert not found, report(found)


@pytest.mark.parametrize("package", PACKAGES)
def test_libraries_stay_where_they_belong(package: str) -> None:
    found = [use for file in sources(package) for use in edges.foreign_libraries(file)]
    assert not found, report(found)


def test_sets_are_not_iterated() -> None:
    attributes = ordering.set_attributes(PRODUCT)
    found = [place for file in PRODUCT for place in ordering.set_iterations(file, attributes)]
    assert not found, report(found)


def test_modules_hold_no_state() -> None:
    found = [place for file in PRODUCT for place in state.module_state(file)]
    assert not found, report(found)


def test_process_wide_caches_have_a_bound() -> None:
    found = [place for file in PRODUCT for place in state.unbounded_caches(file)]
    assert not found, report(found)


def test_protocol_code_does_not_ask_for_identity() -> None:
    found: list[Finding] = [place for file in PROTOCOL for place in state.identity_calls(file)]
    assert not found, report(found)
