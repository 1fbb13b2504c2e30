"""The example of docs/guides/evm.md prints what stands beside it, and its scenario runs."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli import main

SECONDS_MAX = 120


@pytest.fixture(name="text")
def fixture_text(repository: Path) -> str:
    return (repository / "docs" / "guides" / "evm.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language, "" for output, in order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [body for named, body in found if named == language]


def test_the_example_says_what_the_guide_shows(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "example.py").write_text("\n".join(blocks(text, "python")))
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = [body for body in blocks(text, "") if "pytest" not in body]
    assert done.stdout == "".join(shown)
    (scenario,) = blocks(text, "toml")
    (tmp_path / "counter.toml").write_text(scenario)
    monkeypatch.chdir(tmp_path)
    assert main(["run", "counter.toml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["transactions"] == 21
    assert main(["graph", "runs/counter-1", "--json"]) == 0
    graph = json.loads(capsys.readouterr().out)
    assert graph["depth"] == graph["transactions"] > 1
