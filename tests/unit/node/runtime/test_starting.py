"""Ctrl-C while a program is still being imported, and after that."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from node.runtime import __main__ as program, command, create
from node.runtime.starting import INTERRUPTED, ending_at_once

BEGIN = """
import os, signal, sys
from importlib.abc import MetaPathFinder

class Interrupting(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), int(sys.argv[2]))

sys.meta_path.insert(0, Interrupting())
from {module} import main
sys.exit(main(["{file}"]))
"""
"""Sends itself a signal when it comes to a module."""


def begun(module: str, file: Path, at: str, number: int) -> "subprocess.CompletedProcess[str]":
    text = BEGIN.format(module=module, file=file)
    line = [sys.executable, "-c", text, at, str(int(number))]
    root = Path(__file__).parents[4]
    return subprocess.run(line, capture_output=True, text=True, cwd=root, timeout=300, check=False)


@pytest.mark.parametrize(
    ("module", "at"),
    [
        ("node.runtime.__main__", "node.runtime.command"),
        ("node.runtime.__main__", "node.node"),
        ("node.runtime.create", "node.runtime.founding"),
        ("node.runtime.create", "primitives.genesis_json"),
    ],
)
def test_an_interrupt_between_imports_ends_it_without_a_traceback(
    module: str, at: str, tmp_path: Path
) -> None:
    done = begun(module, tmp_path / "net", at, signal.SIGINT)
    assert done.returncode == INTERRUPTED
    (line,) = done.stderr.split("\n", 1)[1].splitlines()
    assert line.startswith(("node: interrupted", "create: interrupted"))
    assert not (tmp_path / "net").exists()


def test_sigterm_between_imports_ends_it_without_a_traceback(tmp_path: Path) -> None:
    at = "node.runtime.command"
    done = begun("node.runtime.__main__", tmp_path, at, signal.SIGTERM)
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")


@pytest.mark.parametrize("module", ["node.runtime.__main__", "node.runtime.create"])
def test_next_to_nothing_is_imported_before_signals_are_heard(module: str) -> None:
    text = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True
    ).stdout.split()
    own = {name for name in loaded if name.split(".")[0] in ("node", "primitives", "network")}
    assert own == {"node", "node.runtime", "node.runtime.starting", module}
    assert not {"asyncio", "msgspec", "numpy", "argparse"} & set(loaded)


def test_an_interrupt_while_the_configuration_is_read_has_no_traceback_either(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_settings", interrupted)
    assert program.main(["config.toml"]) == INTERRUPTED
    assert capsys.readouterr().err == "\nnode: interrupted\n"


def test_who_ignores_the_signal_keeps_ignoring_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ending_at_once("too late"):
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_was_done_at_an_interrupt_is_done_again_once_all_is_imported() -> None:
    before = signal.getsignal(signal.SIGINT)
    with ending_at_once("too early"):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_what_an_unfinished_founding_has_left_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "net" / "node-1"
    home.mkdir(parents=True)
    assert create.main([str(tmp_path / "net"), "--validators=2"]) == 2
    assert f"create: {home}: expected no such directory yet" in capsys.readouterr().err
    assert [each.name for each in (tmp_path / "net").iterdir()] == ["node-1"]
