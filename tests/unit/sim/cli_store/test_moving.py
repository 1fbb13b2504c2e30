"""`orrery store export|import`, and archives: what users see."""

import json
import tempfile
from pathlib import Path

import pytest

from node.upkeep.check import StoreCheck
from sim.cli.entry import main
from storage.rocks import RocksStore, StoreFull
from tests.unit.node.upkeep.stores import HEIGHT
from tests.unit.sim.cli_store.answers import answer, damage, files, refusal


def test_blocks_that_moved_to_an_archive_belong_to_the_store(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "archive"
    answer(capsys, "prune", path, "--keep-blocks", 8, "--archive", archive)
    assert "--archive: expected the directory" in refusal(capsys, "prune", path, "--keep-blocks", 7)
    answer(capsys, "prune", path, "--keep-blocks", 7, "--archive", archive)
    before = files(archive)
    found = answer(capsys, "check", path)
    assert found["clean"] is True
    assert "name it with --archive" in json.dumps(found["findings"])
    assert found["summary"]["lowest"] == 4
    assert main(["store", "export", str(path), str(tmp_path / "part")]) == 0
    assert "are not exported: name their directory with --archive" in capsys.readouterr().err
    (tmp_path / "file").touch()
    more = ("--keep-blocks", 7, "--archive", tmp_path / "file")
    assert "--archive: expected a directory" in refusal(capsys, "prune", path, *more)
    found = answer(capsys, "check", path, "--archive", archive)
    assert found["clean"] is True
    assert (found["summary"]["lowest"], found["summary"]["blocks"]) == (1, HEIGHT)
    assert files(archive) == before
    exported = answer(capsys, "export", path, tmp_path / "out", "--archive", archive)["manifest"]
    assert exported["lowest"] == 1
    assert answer(capsys, "stats", path, "--archive", archive)["archive_bytes"] == sum(
        map(len, before.values())
    )
    assert "a directory of archive files" in refusal(capsys, "check", path, "--archive", path / "x")
    name = damage(archive, ".archive")
    assert main(["store", "check", str(path), "--archive", str(archive)]) == 1
    out = capsys.readouterr().out
    assert name in out
    assert "orrery-view" not in out


def test_export_and_import_give_the_same_state_root(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(path)
    exported = answer(capsys, "export", path, tmp_path / "out")
    imported = answer(capsys, "import", tmp_path / "out", tmp_path / "new")
    assert files(path) == before
    one, other = exported["manifest"], imported["manifest"]
    assert one["state_root"] == other["state_root"]
    summaries = [answer(capsys, "check", each)["summary"] for each in (path, tmp_path / "new")]
    assert summaries[0]["state_root"] == summaries[1]["state_root"] == one["state_root"]
    assert summaries[0]["digest"] == summaries[1]["digest"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["new", "out", "store"]


def test_folders_with_something_in_them_are_not_written_to(
    path: Path, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "letter.txt").write_text("dear")
    assert "an empty directory" in refusal(capsys, "export", path, full)
    assert "an empty directory" in refusal(capsys, "import", out, full)
    assert "an empty directory" in refusal(capsys, "import", out, path)
    assert [each.name for each in full.iterdir()] == ["letter.txt"]
    assert "manifest.json" in refusal(capsys, "import", full, tmp_path / "new")


def test_a_place_without_a_name_of_its_own_is_refused(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    path: Path,
    tmp_path: Path,
) -> None:
    """What is written stands beside it first, under a longer name."""
    out, inside = tmp_path / "out", tmp_path / "inside"
    answer(capsys, "export", path, out)
    inside.mkdir()
    monkeypatch.chdir(inside)
    for place in (".", ".."):
        assert "a directory by its name" in refusal(capsys, "export", path, place)
        assert "a directory by its name" in refusal(capsys, "import", out, place)
    assert list(inside.iterdir()) == []


def test_a_damaged_export_becomes_no_store(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new"
    file = out / "state" / "00000000.archive"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    found = answer(capsys, "import", out, new, code=1)
    assert found["imported"] is False
    assert "state/00000000.archive" in json.dumps(found["findings"])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out"]
    file.unlink()
    assert main(["store", "import", str(out), str(new)]) == 1
    printed = capsys.readouterr()
    assert "no such file" in printed.out
    assert "nothing was imported" in printed.err
    assert not new.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state_root", "0x" + "11" * 32),
        ("digest", "0x" + "11" * 32),
        ("height", HEIGHT + 1),
        ("state_height", HEIGHT - 1),
        ("lowest", 2),
        ("accounts", 3),
        ("form", "runs"),
        ("form", "none"),
    ],
)
def test_a_manifest_that_says_something_else_becomes_no_store(
    name: str, value: object, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new"
    manifest = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps({**manifest, name: value}))
    found = answer(capsys, "import", out, new, code=1)
    assert found["imported"] is False
    assert found["findings"]
    assert not new.exists()


def test_a_damaged_store_is_not_exported(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(path, ".sst")
    assert main(["store", "export", str(path), str(tmp_path / "out")]) == 1
    assert not (tmp_path / "out").exists()


def test_a_full_disk_says_nothing_about_the_export(
    out: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(store: RocksStore, records: object) -> None:
        raise StoreFull(str(store.path), "room on the disk", "none")

    monkeypatch.setattr(RocksStore, "write", full)
    assert "room on the disk" in refusal(capsys, "import", out, tmp_path / "new")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out"]


def test_a_place_that_cannot_be_written_to_is_named(
    path: Path, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("text")
    for action in (
        ("export", path, tmp_path / "file" / "out"),
        ("import", out, tmp_path / "file" / "new"),
    ):
        assert str(tmp_path / "file") in refusal(capsys, *action)


def test_ctrl_c_leaves_nothing_behind(
    path: Path,
    out: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    before = files(path)

    def interrupted(check: StoreCheck) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(StoreCheck, "findings", interrupted)
    for action in (
        ("check", path),
        ("export", path, tmp_path / "other"),
        ("import", out, tmp_path / "new"),
    ):
        assert main(["store", *map(str, action)]) == 130
        assert "interrupted" in capsys.readouterr().err
    assert list(scratch.iterdir()) == []
    assert files(path) == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out", "scratch", "store"]
