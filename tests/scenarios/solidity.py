"""The Solidity compiler, where this machine has it."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sim.contracts import Artifact
from sim.contracts.artifact import decode_artifact

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "sim" / "contracts" / "compile.js"
SOURCES = ROOT / "sim" / "contracts" / "sources"
PLACES = (os.environ.get("ORRERY_SOLC", ""), str(ROOT / "build" / "solc"))
"""Folders that may hold `node_modules` with the compiler; `make contracts` fills the second."""


def missing() -> str:
    """Return why nothing can be compiled here; empty if it can."""
    if shutil.which("node") is None:
        return "node is not on the path"
    if not _modules():
        return "solc is not installed: `make contracts` does it, or name its folder in ORRERY_SOLC"
    return ""


def _modules() -> str:
    for place in PLACES:
        modules = Path(place, "node_modules")
        if place and (modules / "solc" / "package.json").exists():
            return str(modules)
    return ""


needs_solc = pytest.mark.skipif(bool(missing()), reason=missing())


def run_compiler(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the compile script."""
    return subprocess.run(
        ["node", str(SCRIPT), *arguments],
        env={**os.environ, "NODE_PATH": _modules()},
        capture_output=True,
        text=True,
        check=False,
    )


def compile_source(source: Path, out: Path) -> Artifact:
    """Compile one source now."""
    done = run_compiler("--source", str(source), "--out", str(out))
    assert done.returncode == 0, done.stderr
    data = (out / f"{source.stem}.json").read_bytes()
    assert json.loads(data)["name"] == source.stem
    return decode_artifact(data, source.stem)
