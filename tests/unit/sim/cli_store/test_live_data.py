"""`orrery store` on the data directory of a live node: it says itself which chain it is of."""

import asyncio
import shutil
import sys
from functools import partial
from pathlib import Path

import pytest

from node.runtime.process import NodeProcess
from sim.cli.entry import main
from tests.unit.node.runtime.process_rig import found, include, live
from tests.unit.sim.cli_store.answers import answer

CHECK = "import sys; from sim.cli import main; sys.exit(main(['store', 'check', sys.argv[1]]))"


@pytest.fixture(scope="module", params=["ed25519", "bls"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a node with one block has left."""
    place = tmp_path_factory.mktemp("net") / "net"
    home = found(place, f"--certificates={request.param}")
    live(home, partial(include, nonce=0))
    return home / "data"


@pytest.fixture
def data(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "data"))


@pytest.mark.parametrize("inside", ["", "store"])
def test_it_is_checked_with_the_committee_that_its_genesis_names(
    data: Path, inside: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answered = answer(capsys, "check", data / inside)
    assert answered["clean"] is True
    assert answered["findings"] == []
    assert answered["run"] == str(data)
    assert answered["summary"]["height"] == 1


def test_another_committee_has_not_signed_its_blocks(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "genesis.json", data / "genesis.json")
    capsys.readouterr()
    answered = answer(capsys, "check", data, code=1)
    assert answered["clean"] is False
    places = [finding["place"] for finding in answered["findings"]]
    assert places == ["chain.blocks", "chain.certificates", "chain.snapshot"]


def test_a_genesis_that_cannot_be_read_is_named(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "genesis.json").write_text("{}")
    assert main(["store", "check", str(data)]) == 2
    assert f"{data / 'genesis.json'}: format: expected" in capsys.readouterr().err


def test_a_node_that_runs_is_left_alone(tmp_path: Path) -> None:
    home = found(tmp_path / "net")

    async def look(_process: NodeProcess) -> None:
        # From another process: a lock of this one would not keep itself out.
        command = [sys.executable, "-c", CHECK, str(home / "data")]
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        _, told = await process.communicate()
        assert process.returncode == 2
        assert b"expected a store that nobody else has open" in told

    live(home, look)
