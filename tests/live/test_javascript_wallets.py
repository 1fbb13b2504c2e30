"""ethers.js and viem, used as their documentation does, against a real node process."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account

from tests.live.devnet import LiveProcess, one_node

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).with_name("wallets")
LIBRARIES = Path(os.environ.get("ORRERY_WALLETS", ROOT / "build" / "wallets"))
ARTIFACT = ROOT / "sim" / "contracts" / "artifacts" / "Token.json"
KEYS = {"ethers": "0x" + "e7" * 32, "viem": "0x" + "a9" * 32}
BLOCKS = ("--consensus.empty_blocks=true", "--consensus.block_interval=200ms")
"""ethers keeps a height for 250 ms and looks for receipts when there is another one: on a chain
that has no blocks but those with transactions it may wait for ever."""
STEPS = ["connected", "sent", "deployed", "heard", "refused", "proved", "done"]


def missing() -> str:
    """Return why no wallet can be tried here; empty if one can."""
    if shutil.which("node") is None:
        return "node is not on the path"
    if not (LIBRARIES / "node_modules" / "viem" / "package.json").exists():
        return "ethers and viem are not installed: `make wallets`, or name a folder ORRERY_WALLETS"
    return ""


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveProcess]:
    accounts = [Account.from_key(key).address for key in KEYS.values()]
    with one_node(tmp_path_factory.mktemp("chain") / "net", accounts, *BLOCKS) as process:
        yield process


@pytest.mark.parametrize("library", KEYS)
def test_a_wallet_does_all_that_it_is_made_for(node: LiveProcess, library: str) -> None:
    script = SCRIPTS / f"{library}.cjs"
    done = subprocess.run(
        ["node", str(script), node.url, node.ws, KEYS[library], str(ARTIFACT)],
        env={**os.environ, "ORRERY_WALLETS": str(LIBRARIES)},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{node.log}"
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["step"] for each in told] == STEPS
    sent, deployed = told[1], told[2]
    receipt = node.call("eth_getTransactionReceipt", sent["hash"])
    assert int(receipt["blockNumber"], 16) == int(sent["block"])
    token = json.loads(ARTIFACT.read_text("utf-8"))
    assert node.call("eth_getCode", deployed["address"], "latest") == "0x" + token["runtime"]
