"""One node's process: started, struck, ended, and never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim.live.process import NodeProcess
from tests.unit.sim.live.networks import ROOT, is_alive

WAITS = "import time; print('here', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"


def process(tmp_path: Path, code: str) -> NodeProcess:
    return NodeProcess(3, [sys.executable, "-c", code], tmp_path / "node.log")


async def until(condition, patience_s: float = 20.0) -> None:
    async with asyncio.timeout(patience_s):
        while not condition():
            await asyncio.sleep(0.02)


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_it_is_started_killed_and_started_again(tmp_path):
    async def run():
        node = process(tmp_path, WAITS)
        assert not node.is_up
        assert node.pid is None
        await node.start()
        first = node.pid
        await node.start()
        assert node.pid == first
        assert await node.kill()
        assert not await node.kill()
        assert node.exit_code == -signal.SIGKILL
        await node.start()
        assert node.lives == 2
        assert node.pid not in (None, first)
        assert await node.finish(10)

    asyncio.run(run())


def test_it_has_a_session_of_its_own(tmp_path):
    """The Ctrl-C of a terminal goes to all of a process group."""

    async def run():
        node = process(tmp_path, WAITS)
        await node.start()
        assert node.pid is not None
        assert os.getsid(node.pid) == node.pid != os.getsid(0)
        await node.kill()

    asyncio.run(run())


def test_a_stopped_process_ends_as_well(tmp_path):
    async def run():
        node = process(tmp_path, WAITS)
        await node.start()
        pid = node.pid
        assert pid is not None
        await until(lambda: node.last_lines(1) == ["here"])
        node.send(signal.SIGSTOP)
        await until(lambda: state(pid) == "T")
        assert node.is_up
        assert await node.finish(20)
        assert node.exit_code == -signal.SIGTERM

    asyncio.run(run())


def test_a_stubborn_one_is_killed(tmp_path):
    async def run():
        node = process(tmp_path, STUBBORN)
        await node.start()
        await until(lambda: node.last_lines(1) == ["here"])
        assert not await node.finish(0.2)
        assert node.exit_code == -signal.SIGKILL

    asyncio.run(run())


def test_its_last_lines_are_those_of_its_life(tmp_path):
    async def run():
        node = process(tmp_path, "print('one'); print(); print('two')")
        await node.start()
        assert await node.ended() == 0
        await node.start()
        await node.ended()
        assert node.last_lines(3) == ["one", "two"]
        assert (tmp_path / "node.log").read_text() == "one\n\ntwo\n" * 2
        assert process(tmp_path / "nowhere", "").last_lines(3) == []

    asyncio.run(run())


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_it_does_not_outlive_a_parent_that_is_killed(tmp_path):
    code = f"""
import asyncio, sys
from pathlib import Path
from sim.live.process import NodeProcess

async def run():
    node = NodeProcess(0, [sys.executable, "-c", {WAITS!r}], Path({str(tmp_path / "log")!r}))
    await node.start()
    print(node.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(run())
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
    deadline = time.monotonic() + 20
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(pid)
