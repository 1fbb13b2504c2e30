from pathlib import Path

from sim.cli.suite import scenario_files


def test_a_folder_named_soak_runs_only_when_it_is_named(tmp_path: Path) -> None:
    quick, slow = tmp_path / "a.toml", tmp_path / "soak" / "b.toml"
    slow.parent.mkdir()
    for file in (quick, slow):
        file.write_text("")
    assert scenario_files([tmp_path]) == [quick]
    assert scenario_files([slow.parent]) == [slow]
    assert scenario_files([tmp_path, slow]) == [quick, slow]
