"""`orrery store`: what users see, on stores with files."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from node.ledger import BLOCKS, height_key
from node.storage_config import StateForm
from node.upkeep.check import StoreCheck
from primitives.machine import Record
from sim.cli.entry import main
from storage.flat import ACCOUNTS
from storage.rocks import PROFILES, RocksStore, StoreFull
from storage.rocks.used import used_profile
from storage.rocks.wal import last_log
from tests.unit.node.upkeep.stores import HEIGHT, chain_store, rows

Answer = dict[str, object]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of form flat as a crash leaves it: rows in tables, and the last batch in the log."""
    place = tmp_path_factory.mktemp("stores")
    memory, _ = chain_store(StateForm.FLAT)
    records = list(rows(memory))
    with RocksStore(place / "living", PROFILES["small"]) as store:
        store.write(records)
        store.compact()
        store.write(records[-20:])
        shutil.copytree(store.path, place / "store")
    return place / "store"


@pytest.fixture(scope="module")
def exported(whole: Path) -> Path:
    """What is exported of it."""
    out = whole.with_name("exported")
    assert main(["store", "export", str(whole), str(out), "--json"]) == 0
    return out


@pytest.fixture
def out(exported: Path, tmp_path: Path) -> Path:
    """An export that a test may damage."""
    return Path(shutil.copytree(exported, tmp_path / "out"))


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    """A store that a test may damage."""
    return Path(shutil.copytree(whole, tmp_path / "store"))


def answer(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> Answer:
    assert main(["store", *map(str, arguments), "--json"]) == code
    printed = capsys.readouterr()
    assert printed.err == ""
    found: Answer = json.loads(printed.out)
    return found


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 2) -> str:
    assert main(["store", *map(str, arguments)]) == code
    printed = capsys.readouterr()
    assert printed.err.startswith("orrery: ")
    assert "Traceback" not in printed.err
    return printed.err


def files(path: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in path.iterdir() if each.is_file()}


def damage(path: Path, suffix: str, *, share: float = 0.3) -> str:
    """Flip a bit in the largest file of a kind; return its name."""
    file = max(path.glob(f"*{suffix}"), key=lambda each: each.stat().st_size)
    content = bytearray(file.read_bytes())
    content[int(share * len(content))] ^= 4
    file.write_bytes(content)
    return file.name


def test_a_good_store_is_clean_and_stays_as_it_is(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(path)
    assert main(["store", "check", str(path)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "CLEAN" in printed.out
    assert f"blocks  1 to {HEIGHT} ({HEIGHT})" in printed.out
    assert files(path) == before


def test_the_answer_for_programs_says_what_was_looked_at(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, "check", path)
    assert found["clean"] is True
    summary = found["summary"]
    assert isinstance(summary, dict)
    assert (summary["form"], summary["height"]) == ("flat", HEIGHT)
    assert summary["state_root"].startswith("0x")
    tables = found["tables"]
    assert isinstance(tables, list)
    assert {each["table"]: each["rows"] for each in tables}[BLOCKS] == HEIGHT


def test_a_torn_tail_is_told_and_is_no_damage(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = path / last_log(path)
    log.write_bytes(log.read_bytes()[:-1])
    before = files(path)
    found = answer(capsys, "check", path)
    assert isinstance(found["torn"], dict)
    assert (found["torn"]["file"], found["clean"]) == (log.name, True)
    assert main(["store", "check", str(path)]) == 0
    assert files(path) == before
    out = capsys.readouterr().out
    assert f"note     {log.name}" in out
    assert "none of which was reported durable; nothing was changed" in out


@pytest.mark.parametrize("suffix", [".sst", ".log"])
def test_a_flipped_bit_is_found_and_its_file_named(
    suffix: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = damage(path, suffix)
    assert main(["store", "check", str(path)]) == 1
    printed = capsys.readouterr()
    assert name in printed.out
    assert "DAMAGED" in printed.out
    assert printed.out.count("checksum mismatch") <= 1
    assert "orrery-view" not in printed.out


def test_a_row_that_was_changed_by_hand_is_found(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Checksums of files are right then; what the rows mean is not."""
    with RocksStore(path, PROFILES["small"]) as store:
        key, _ = next(store.scan(ACCOUNTS))
        store.write([Record(ACCOUNTS, key, None)])
    found = answer(capsys, "check", path, code=1)
    findings = found["findings"]
    assert isinstance(findings, list)
    assert any("the state root of block 10" in each["expected"] for each in findings)


def test_a_gap_in_the_chain_is_named_by_height(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with RocksStore(path, PROFILES["small"]) as store:
        store.write([Record(BLOCKS, height_key(5), None)])
    assert main(["store", "check", str(path)]) == 1
    out = capsys.readouterr().out
    assert "chain.blocks 6: expected the block after 4, found a gap before it" in out
    assert "chain.certificates 5: expected a block for the certificate" in out


@pytest.mark.parametrize("action", ["check", "stats", "compact", "prune", "export"])
def test_what_is_no_store_is_refused(
    action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {"prune": ("--keep-blocks", "9"), "export": (tmp_path / "out",)}.get(action, ())
    assert "nothing there" in refusal(capsys, action, tmp_path / "none", *more)
    (tmp_path / "file").write_text("text")
    assert "a file" in refusal(capsys, action, tmp_path / "file", *more)
    (tmp_path / "folder").mkdir()
    assert "without CURRENT" in refusal(capsys, action, tmp_path / "folder", *more)
    assert list((tmp_path / "folder").iterdir()) == []
    assert not (tmp_path / "out").exists()


def test_a_store_that_is_open_is_refused(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {"prune": ("--keep-blocks", "9"), "export": (tmp_path / "out",)}
    holder = (
        "import sys; from pathlib import Path; from storage.rocks import RocksStore\n"
        "with RocksStore(Path(sys.argv[1])): print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", holder, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        for action in ("check", "stats", "compact", "prune", "export"):
            said = refusal(capsys, action, path, *more.get(action, ()))
            assert "a store that nobody else has open" in said
        other.communicate()


def test_figures_of_a_store(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(path)
    found = answer(capsys, "stats", path)
    assert found["profile"] == "small"
    assert found["table_file_bytes"] == sum(each.stat().st_size for each in path.glob("*.sst"))
    assert found["log_bytes"] == sum(each.stat().st_size for each in path.glob("*.log")) > 0
    tables = found["tables"]
    assert isinstance(tables, list)
    assert {each["table"]: each["rows"] for each in tables}[BLOCKS] == HEIGHT
    assert answer(capsys, "stats", path, "--quick")["tables"] == []
    assert main(["store", "stats", str(path)]) == 0
    out = capsys.readouterr().out
    assert "rows by table" in out
    assert "tables by level" in out
    assert files(path) == before


def test_figures_for_prometheus(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "stats", str(path), "--openmetrics"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "# EOF"
    samples = [line for line in lines if not line.startswith("#")]
    assert all(line.startswith("storage_") for line in samples)
    assert f'storage_rows{{store="{path}",table="{BLOCKS}"}} {HEIGHT}' in samples
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(set(families)) == len(families)


def test_compacting_keeps_the_profile_that_was_used(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, "compact", path)
    assert found["bytes_after"] == sum(each.stat().st_size for each in path.glob("*.sst"))
    assert used_profile(path) == "small"
    assert answer(capsys, "check", path)["clean"] is True
    assert "one of small" in refusal(capsys, "compact", path, "--profile", "tiny")


def test_a_dry_run_of_pruning_changes_nothing(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(path)
    keep = ("--keep-blocks", 7, "--keep-history", 6)
    found = answer(capsys, "prune", path, *keep, "--dry-run")
    assert files(path) == before
    assert answer(capsys, "prune", path, *keep)["plan"] == found["plan"]
    after = answer(capsys, "check", path)
    assert after["clean"] is True
    summary = after["summary"]
    assert isinstance(summary, dict)
    assert (summary["lowest"], summary["readable_from"]) == (4, 4)


def test_pruning_too_much_is_refused(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(capsys, "prune", path, "--keep-blocks", 6)
    assert "at least 7 (the last two checkpoints are 4 and 8, the last block is 10)" in said
    assert "--keep-blocks N, --keep-history N or both" in refusal(capsys, "prune", path)
    with pytest.raises(SystemExit, match="2"):
        main(["store", "prune", str(path), "--keep-blocks", "-1"])
    assert "at least 0" in capsys.readouterr().err


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
    assert isinstance(found["summary"], dict)
    assert found["summary"]["lowest"] == 4
    found = answer(capsys, "check", path, "--archive", archive)
    assert found["clean"] is True
    assert isinstance(found["summary"], dict)
    assert (found["summary"]["lowest"], found["summary"]["blocks"]) == (1, HEIGHT)
    assert files(archive) == before
    exported = answer(capsys, "export", path, tmp_path / "out", "--archive", archive)["manifest"]
    assert isinstance(exported, dict)
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
    assert isinstance(one, dict)
    assert isinstance(other, dict)
    assert one["state_root"] == other["state_root"]
    summaries = [answer(capsys, "check", each)["summary"] for each in (path, tmp_path / "new")]
    assert isinstance(summaries[0], dict)
    assert isinstance(summaries[1], dict)
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


def test_a_run_that_is_none_is_refused(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--run: expected the directory of a run" in refusal(capsys, "check", path, "--run", path)
    assert "a file that can be read" in refusal(
        capsys, "check", path, "--committee", path / "none.json"
    )


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


def test_every_action_helps_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("check", "stats", "compact", "prune", "export", "import"):
        with pytest.raises(SystemExit, match="0"):
            main(["store", action, "--help"])
        out = capsys.readouterr().out
        assert f"orrery store {action} " in out
        assert "exit code: 0" in out
