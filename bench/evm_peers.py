"""`orrery bench evm-peers`: our virtual machine beside py-evm and EELS, on the same blocks.

Every engine runs in a process of its own, one after the other, and executes each block several
times: from the second time on, whatever it keeps of code is there. Reading, decoding and the
recovery of senders are not timed, nor are roots; journals and receipts are. The gas used
must be that of the block.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.peers import cases
from bench.peers.case import Case
from bench.rows import BenchFailed
from primitives.errors import OrreryError

PEERS_PYTHON = cases.ROOT / ".venv-peers" / "bin" / "python"
OURS = "orrery"
ENGINES: Mapping[str, str] = MappingProxyType(
    {
        OURS: "bench.peers.orrery_row",
        "py-evm": "bench.peers.py_evm_row",
        "eels": "bench.peers.eels_row",
    }
)
REPEATS: Mapping[str, int] = MappingProxyType({OURS: 5, "py-evm": 2, "eels": 1})
"""How often each engine executes a block. EELS keeps nothing of code, and takes long."""


class PeersMissing(OrreryError):
    """The environment of the peers has not been set up."""

    def __init__(self, expected: Path) -> None:
        super().__init__(f"no {expected}: run `make peers` first")


def bench_evm_peers() -> dict[str, Any]:
    """Execute three blocks of mainnet and a loop by our virtual machine and two others.

    Raises:
        PeersMissing: `make peers` has not been run.
        InvalidInput: the test vectors have no blocks of mainnet.
        BenchFailed: an engine did not come to the block's gas.
    """
    if not PEERS_PYTHON.exists():
        raise PeersMissing(PEERS_PYTHON)
    rows = []
    for case in _cases():
        seconds = {engine: _measure(engine, case) for engine in ENGINES}
        rows.append(peers_row(case, seconds))
    return {"rows": rows}


def _cases() -> Iterator[Case]:
    yield cases.loop_case()
    blocks = cases.vectors_directory() / "blocks"
    for name in cases.MAINNET:
        yield cases.mainnet_case(blocks / name)


def _measure(engine: str, case: Case) -> dict[str, float]:
    """Let an engine execute a block; return the seconds of the first and of the best time."""
    python = sys.executable if engine == OURS else str(PEERS_PYTHON)
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(case, file)
        file.flush()
        options = json.dumps({"file": file.name, "repeats": REPEATS[engine]})
        command = [python, "-P", "-m", ENGINES[engine], options]
        environment = {**os.environ, "PYTHONPATH": str(cases.ROOT)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise BenchFailed(ENGINES[engine], done.stderr or done.stdout)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def peers_row(case: Case, seconds: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Return the row of one block: ratios to the faster peer first, then what they are made of.

    Args:
        case: the block.
        seconds: of each engine, `first_seconds` and `best_seconds`.
    """
    ours = seconds[OURS]
    peers = {engine: each for engine, each in seconds.items() if engine != OURS}
    faster = min(peers, key=lambda engine: peers[engine]["best_seconds"])
    best = peers[faster]["best_seconds"]
    first = min(each["first_seconds"] for each in peers.values())
    return {
        "block": case["name"],
        "first_ratio": round(first / ours["first_seconds"], 2),
        "best_ratio": round(best / ours["best_seconds"], 2),
        "faster_peer": faster,
        "block_transactions": len(case["transactions"]),
        "mgas": round(case["gas_used"] / 1e6, 2),
        "mgas_per_second": round(case["gas_used"] / 1e6 / ours["best_seconds"]),
        **{
            f"{engine.replace('-', '_')}_{name}": value
            for engine, each in seconds.items()
            for name, value in each.items()
        },
    }
