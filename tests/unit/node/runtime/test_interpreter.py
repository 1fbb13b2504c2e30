"""What a node's process asks of the interpreter while it runs."""

import gc
import sys
from pathlib import Path

import pytest

from node.runtime import command as program, create
from node.runtime.process import COLLECTED_AT, NodeProcess
from node.settings import NodeSettings


def test_threads_take_turns_quickly_for_as_long_as_the_node_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []

    async def run(_settings: NodeSettings, _directory: Path, _log: object) -> int:
        seen.append(sys.getswitchinterval())
        return 0

    monkeypatch.setattr(program, "_run", run)
    assert create.main([str(tmp_path / "chain")]) == 0
    before = sys.getswitchinterval()
    assert program.main([str(tmp_path / "chain" / "node-0" / "config.toml")]) == 0
    assert seen == [pytest.approx(program.SWITCH_SECONDS)]
    assert before > program.SWITCH_SECONDS
    assert sys.getswitchinterval() == before


def test_the_collector_looks_seldom_once_the_node_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int, int]] = []

    async def start(process: NodeProcess, *_: object) -> None:
        seen.append(gc.get_threshold())
        process.ask_to_stop("the test has seen it")

    monkeypatch.setattr(NodeProcess, "_start", start)
    assert create.main([str(tmp_path / "chain")]) == 0
    before = gc.get_threshold()
    try:
        assert program.main([str(tmp_path / "chain" / "node-0" / "config.toml")]) == 0
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
    assert seen == [COLLECTED_AT]
