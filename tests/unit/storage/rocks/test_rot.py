"""A flipped bit in any kind of file is found and named, or every row is still right."""

import sys
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
from rocksdict import DBRecoveryMode

from storage.rocks import opening
from tests.unit.storage.rocks.rot import KINDS, NAMED, TORN, UNNAMED, Rot, Served, printed, run

FLIPS = 4
UNREAD = {"IDENTITY", "OPTIONS", "rocksdict-config"}
"""Files that a store does not need: our settings are not read from them."""


def flip(rot: Rot, kind: str, count: int) -> None:
    for _ in range(count):
        rot.flip(kind)


def judged(rot: Rot) -> None:
    sys.stdout.write(printed(rot))
    assert set(rot.counts) == set(KINDS)
    for kind, found in rot.counts.items():
        assert not found[UNNAMED], f"{kind}: damage was met and not named"
        assert not found[TORN], f"{kind}: damage was taken for what a crash leaves"
        assert (found[NAMED] > 0) == (kind not in UNREAD), kind


def test_a_flipped_bit_is_named_or_harmless(tmp_path: Path) -> None:
    judged(run(tmp_path, FLIPS, seed=1))


@pytest.mark.soak
def test_flipped_bits_are_named_or_harmless(tmp_path: Path, soak_runs: int) -> None:
    judged(run(tmp_path, soak_runs, seed=soak_runs))


def test_a_store_that_skips_damage_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgiving = SimpleNamespace(absolute_consistency=DBRecoveryMode.skip_any_corrupted_record)
    monkeypatch.setattr(opening, "DBRecoveryMode", forgiving)
    monkeypatch.setattr(opening, "inspect", lambda path, oldest: None)
    rot = Rot(tmp_path, Random(3))
    rot.prepare()
    with pytest.raises(Served, match=r"\.log"):
        flip(rot, "log", 20)
