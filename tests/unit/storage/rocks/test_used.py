"""A store's directory tells which profile it was opened with."""

from dataclasses import replace
from pathlib import Path

import pytest

from storage.rocks import PROFILES, RocksStore
from storage.rocks.used import used_profile


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_each_profile_is_told_from_the_others(name: str, tmp_path: Path) -> None:
    with RocksStore(tmp_path, PROFILES["small"]):
        pass
    with RocksStore(tmp_path, PROFILES[name]):
        pass
    assert used_profile(tmp_path) == name


def test_settings_of_no_profile_have_no_name(tmp_path: Path) -> None:
    assert used_profile(tmp_path) is None
    with RocksStore(tmp_path, replace(PROFILES["small"], point_block_bytes=2_048)):
        pass
    assert used_profile(tmp_path) is None


def test_a_file_that_cannot_be_read_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "OPTIONS-000007").write_bytes(b"\xff\xfe[")
    assert used_profile(tmp_path) is None
