"""`orrery store check|stats|compact|prune`: what users see."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from node.ledger import BLOCKS, height_key
from primitives.machine import Record
from sim.cli.entry import main
from storage.flat import ACCOUNTS
from storage.rocks import PROFILES, RocksStore
from storage.rocks.used import used_profile
from storage.rocks.wal import last_log
from tests.unit.node.upkeep.stores import HEIGHT
from tests.unit.sim.cli_store.answers import answer, damage, files, refusal


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
    assert (summary["form"], summary["height"]) == ("flat", HEIGHT)
    assert summary["state_root"].startswith("0x")
    tables = found["tables"]
    assert {each["table"]: each["rows"] for each in tables}[BLOCKS] == HEIGHT


def test_a_torn_tail_is_told_and_is_no_damage(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = path / last_log(path)
    log.write_bytes(log.read_bytes()[:-1])
    before = files(path)
    found = answer(capsys, "check", path)
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


@pytest.mark.parametrize("kept", [0.1, 0.4, 0.7, 0.99])
def test_a_manifest_without_its_end_is_damage_and_nothing_is_deleted(
    kept: float, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = path / (path / "CURRENT").read_text().strip()
    os.truncate(manifest, int(kept * manifest.stat().st_size))
    before = files(path)
    assert main(["store", "check", str(path)]) == 1
    assert f"DAMAGED  {manifest}" in capsys.readouterr().out
    assert str(manifest) in refusal(capsys, "stats", path, code=1)
    assert str(manifest) in refusal(capsys, "compact", path, code=1)
    assert files(path) == before


def test_a_row_that_was_changed_by_hand_is_found(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Checksums of files are right then; what the rows mean is not."""
    with RocksStore(path, PROFILES["small"]) as store:
        key, _ = next(store.scan(ACCOUNTS))
        store.write([Record(ACCOUNTS, key, None)])
    found = answer(capsys, "check", path, code=1)
    findings = found["findings"]
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
    (tmp_path / "run" / "store" / "node-000").mkdir(parents=True)
    (tmp_path / "run" / "store" / "node-000" / "CURRENT").touch()
    for outer in (tmp_path / "run", tmp_path / "run" / "store"):
        said = refusal(capsys, action, outer, *more)
        assert f"one that holds stores, as {tmp_path / 'run' / 'store' / 'node-000'}" in said
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
    assert (summary["lowest"], summary["readable_from"]) == (4, 4)


def test_pruning_too_much_is_refused(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(capsys, "prune", path, "--keep-blocks", 6)
    assert "at least 7 (the last two checkpoints are 4 and 8, the last block is 10)" in said
    assert "--keep-blocks N, --keep-history N or both" in refusal(capsys, "prune", path)
    with pytest.raises(SystemExit, match="2"):
        main(["store", "prune", str(path), "--keep-blocks", "-1"])
    assert "at least 0" in capsys.readouterr().err


def test_a_run_that_is_none_is_refused(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--run: expected the directory of a run" in refusal(capsys, "check", path, "--run", path)
    assert "a file that can be read" in refusal(
        capsys, "check", path, "--committee", path / "none.json"
    )


def test_every_action_helps_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("check", "stats", "compact", "prune", "export", "import"):
        with pytest.raises(SystemExit, match="0"):
            main(["store", action, "--help"])
        out = capsys.readouterr().out
        assert f"orrery store {action} " in out
        assert "exit code: 0" in out
