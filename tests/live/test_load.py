"""`orrery load` as a process against a node as a process."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from primitives.address import format_address
from sim.load.accounts import seeded_wallet
from sim.load.result import LoadResult, read_load
from tests.live.devnet import PATIENCE_S, LiveProcess, one_node

ACCOUNTS = 20
MAIN = "import sys; from sim.cli.entry import main; sys.exit(main())"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveProcess]:
    """A chain of one node, where the accounts of seed 1 have money."""
    addresses = [format_address(each) for each in seeded_wallet(1, ACCOUNTS).addresses]
    with one_node(tmp_path_factory.mktemp("chain"), addresses) as process:
        yield process


def orrery(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, "load", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(*arguments: str) -> tuple[int, str, str]:
    process = orrery(*arguments)
    try:
        out, err = process.communicate(timeout=2 * PATIENCE_S)
    finally:
        process.kill()
    return process.returncode, out, err


def load(node: LiveProcess, out: Path, *arguments: str) -> LoadResult:
    """Run a load that goes to its end; return what its directory says."""
    options = [f"--accounts={ACCOUNTS}", f"--out={out}", "--json", *arguments]
    code, printed, err = finished(node.url, *options)
    assert code == 0, err
    (directory,) = out.iterdir()
    assert {path.name for path in directory.iterdir()} == {"summary.json", "report.html"}
    result = read_load(directory / "summary.json")
    told: dict[str, Any] = json.loads(printed)
    assert told["included"] == result.included
    return result


def test_a_load_comes_into_blocks_and_is_final(node: LiveProcess, tmp_path: Path) -> None:
    before = int(node.call("eth_blockNumber"), 16)
    result = load(node, tmp_path, "--rate=100", "--for=2s", "--spacing=fixed", "--drain=60s")
    assert result.intended == result.included == result.final == result.accepted == 199
    assert result.has_finality
    assert not result.errors
    assert (result.looked_at, result.failed) == (199, 0)
    counts = 0
    for number in range(before + 1, int(node.call("eth_blockNumber"), 16) + 1):
        found = node.call("eth_getBlockTransactionCountByNumber", hex(number))
        counts += int(found, 16)
    assert counts == 199


@pytest.mark.slow
@pytest.mark.parametrize("mix", ["mainnet-like", "transfers=1,erc20=1,amm=1"])
def test_contracts_are_created_and_their_calls_succeed(
    node: LiveProcess, tmp_path: Path, mix: str
) -> None:
    result = load(node, tmp_path, "--rate=40", "--for=3s", f"--mix={mix}", "--drain=60s")
    assert result.included == result.intended > 0
    assert result.looked_at > 0
    assert result.failed == 0


@pytest.mark.slow
def test_polling_sees_what_a_subscription_sees(node: LiveProcess, tmp_path: Path) -> None:
    options = ("--clients=5", "--for=1500ms", "--no-websocket", "--drain=60s", "--batch=5")
    result = load(node, tmp_path, *options)
    assert result.included == result.sent >= 5


@pytest.mark.slow
def test_another_account_pays_those_of_another_seed(node: LiveProcess, tmp_path: Path) -> None:
    key = tmp_path / "payer.key"
    key.write_text(seeded_wallet(1, 1).secrets[0].hex())
    options = ("--seed=9", "--rate=50", "--for=1s", f"--fund-from={key}", "--drain=60s")
    result = load(node, tmp_path / "out", *options)
    assert result.included == result.intended > 0


def test_ctrl_c_leaves_a_partial_result(node: LiveProcess, tmp_path: Path) -> None:
    process = orrery(
        node.url, "--rate=50", "--for=1h", f"--accounts={ACCOUNTS}", f"--out={tmp_path}"
    )
    try:
        height = int(node.call("eth_blockNumber"), 16)
        while int(node.call("eth_blockNumber"), 16) < height + 3:
            assert process.poll() is None
        # As a terminal does it: every process of the group gets it.
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    assert (process.returncode, err) == (130, "")
    assert "PARTIAL RESULT" in out
    (directory,) = tmp_path.iterdir()
    assert (directory / "PARTIAL").exists()
    assert read_load(directory / "summary.json").partial
    assert "Partial result" in (directory / "report.html").read_text("utf-8")


def test_a_load_that_cannot_begin_says_why(node: LiveProcess, tmp_path: Path) -> None:
    options = ("--rate=10", f"--out={tmp_path}")
    cases = [
        ((node.url, "--seed=5"), "(--fund-from KEY pays it), got 0 ether"),
        (("http://127.0.0.1:1",), "http://127.0.0.1:1: no connection: connection refused"),
    ]
    for arguments, why in cases:
        code, out, err = finished(*arguments, *options)
        assert (code, out) == (2, "")
        assert why in err
        assert "Traceback" not in err
    assert not list(tmp_path.iterdir())
