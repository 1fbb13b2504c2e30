"""`orrery up`: a scenario as processes, with faults that are real."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.unit.sim.live.networks import ROOT, free_ports, is_alive

ORRERY = (sys.executable, "-c", "import sys; from sim.cli.entry import main; sys.exit(main())")
PATIENCE_S = 300

SEVEN = """
name = "seven"
description = "seven nodes: one killed and restarted, one stopped for a while, one cut off"
duration = "{duration}s"
[network]
validators = 7
[consensus]
batch_delay = "100ms"
request_timeout = "2s"
view_change_timeout = "2s"
[workload]
kind = "transfers"
accounts = 50
rate = 40
[[events]]
at = "{pause}s"
kind = "pause"
node = 5
for = "{stop}s"
[[events]]
at = "{crash}s"
kind = "crash"
node = "primary"
for = "{down}s"
[[events]]
at = "{cut}s"
kind = "partition"
groups = [[3]]
for = "{apart}s"
[expect]
min_height = 10
agreement = true
"""

SMALL = """
name = "small"
duration = "3s"
[network]
validators = 4
[workload]
kind = "transfers"
accounts = 10
rate = 20
[expect]
agreement = true
"""


def command(file: Path, directory: Path, *options: str) -> list[str]:
    first = free_ports(20)
    ports = ("--rpc-port", str(first), "--p2p-port", str(first + 10))
    return [*ORRERY, "up", str(file), "--dir", str(directory), *ports, *options]


def up(text: str, tmp_path: Path, *options: str, code: int = 0) -> dict[str, Any]:
    """Run `orrery up --json` to its end; return what it says."""
    file = tmp_path / "scenario.toml"
    file.write_text(text)
    done = subprocess.run(
        command(file, tmp_path / "net", "--json", *options),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout) if done.stdout else {"refused": done.stderr}


@contextmanager
def running(text: str, tmp_path: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """Give an `orrery up` whose nodes all answer."""
    file = tmp_path / "scenario.toml"
    file.write_text(text)
    with subprocess.Popen(
        command(file, tmp_path / "net", *options),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if "Ctrl-C ends it" in line:
                    break
            yield process
        finally:
            process.kill()


def verdicts(summary: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["verdict"] for each in summary["judgements"]}


def check_seven(summary: dict[str, Any]) -> None:
    assert set(verdicts(summary).values()) == {"passed"}, summary["judgements"]
    assert len({each["digest"] for each in summary["nodes"]}) == 1
    assert sorted(each["starts"] for each in summary["nodes"]) == [1] * 6 + [2]
    assert not summary["losses"]
    assert summary["checked_blocks"] > 10
    assert summary["checked_transactions"] > 20
    kinds = [each["kind"] for each in summary["happenings"]]
    struck = {"stopped", "resumed", "crashed", "restarted", "partitioned", "healed"}
    assert struck <= set(kinds)
    assert summary["load"]["final"] > 20


def test_seven_nodes_one_killed_one_stopped_one_cut_off(tmp_path):
    times = {"pause": 0.5, "stop": 5, "crash": 1, "down": 2, "cut": 4, "apart": 3, "duration": 8}
    summary = up(SEVEN.format(**times), tmp_path, "--for", "8s")
    check_seven(summary)


@pytest.mark.slow
def test_seven_nodes_for_three_minutes(tmp_path):
    times = {"pause": 30, "stop": 10, "crash": 60, "down": 20, "cut": 100, "apart": 30}
    times["duration"] = 180
    summary = up(SEVEN.format(**times), tmp_path, "--for", "180s")
    check_seven(summary)
    assert summary["checked_blocks"] > 100


@pytest.mark.slow
def test_a_second_up_goes_on_with_chain_and_nonces(tmp_path):
    first = up(SMALL, tmp_path, "--for", "3s")
    second = up(SMALL, tmp_path, "--for", "3s")
    assert not first["continued"]
    assert second["continued"]
    assert second["first_height"] >= first["height"] > 0
    assert second["genesis"] == first["genesis"]
    assert second["load"]["final"] > 20
    assert second["load"]["errors"] == {}
    other = up(SMALL, tmp_path, "--for", "3s", "--seed", "2", code=2)
    assert "expected the seed 1, whose chain it holds, got 2" in other["refused"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_in_good_order(tmp_path, number):
    with running(SMALL, tmp_path) as process:
        nodes = psutil.Process(process.pid).children()
        assert len(nodes) == 4
        process.send_signal(number)
        assert process.stdout is not None
        rest = process.stdout.read()
        assert process.wait(PATIENCE_S) == 0, rest
    assert "passed  one chain" in rest
    assert not any(is_alive(node.pid) for node in nodes)
    for node in range(4):
        assert "process.ended" in (tmp_path / "net" / f"node-{node}" / "node.log").read_text()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_no_node_is_left_when_up_itself_is_killed(tmp_path):
    with running(SMALL, tmp_path) as process:
        nodes = psutil.Process(process.pid).children()
        assert len(nodes) == 4
        process.kill()
    deadline = time.monotonic() + 60
    while any(is_alive(node.pid) for node in nodes) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(is_alive(node.pid) for node in nodes)
    again = up(SMALL, tmp_path, "--for", "3s")
    assert again["continued"]
    assert set(verdicts(again).values()) == {"passed"}
