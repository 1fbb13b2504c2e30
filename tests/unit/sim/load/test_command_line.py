"""What `orrery load` makes of its options."""

from pathlib import Path

import pytest

from primitives.errors import InvalidInput
from sim.cli.entry import main
from sim.cli.load import read_plan
from sim.cli.parser import build_parser
from sim.load.plan import LoadPlan

URL = "http://127.0.0.1:1"
SECOND = 1_000_000_000
NEARLY = "0x" + "5" * 63
"""A key that lacks a digit."""


def plan(*options: str) -> LoadPlan:
    return read_plan(build_parser().parse_args(["load", URL, *options]))


def test_a_ramp_lasts_as_long_as_it_says() -> None:
    assert plan("--ramp=100..2000/60s").duration == 60 * SECOND
    assert plan("--ramp=1,2,3/10s").duration == 30 * SECOND
    assert plan("--ramp=1,2,3/10s", "--for=5s").duration == 5 * SECOND
    assert plan("--rate=5").duration == 30 * SECOND


def test_options_become_the_plan() -> None:
    found = plan(
        "--clients=7", "--think=2s", "--mix=amm", "--tip=3 gwei", "--batch=5", "--no-websocket"
    )
    assert (found.clients, found.think, found.mix.text) == (7, 2 * SECOND, "amm")
    assert (found.tip, found.batch, found.sockets) == (3 * 10**9, 5, False)
    assert found.rate is None


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--rate=0",), "--rate: expected a number above 0"),
        (("--rate=5", "--for=0s"), "--for: expected a time above 0"),
        (("--rate=5", "--for=5s", "--warm-up=5s"), "--warm-up: expected less than the whole load"),
        (("--rate=5", "--timeout=0s"), "--timeout: expected a time above 0"),
        (("--ramp=5",), "--ramp: expected a ramp as in"),
        (("--rate=5", "--think=0s"), "--think: expected a closed loop"),
        (("--ramp=1..2/5s", "--think=1s"), "--think: expected a closed loop"),
        (("--clients=5", "--spacing=poisson"), "--spacing: expected an open loop"),
        (("--rate=5", "--mix=erc721"), "--mix: expected one of transfers"),
    ],
)
def test_wrong_options_are_refused_by_name(options: tuple[str, ...], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        plan(*options)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ["node:8545", "--rate=5"],
            'expected the address of a node, as in "http://127.0.0.1:8545"',
        ),
        ([URL, "--rate=5", "--keys=/nothing"], "/nothing: expected a readable file"),
        ([URL, "--rate=5", "--fund-from=/nothing"], "/nothing: expected a readable file"),
        ([URL, "--rate=5", "--fund-from=" + "zz" * 32], "--fund-from: expected a private key"),
        ([URL, "--rate=5", "--fund-from=" + NEARLY], "--fund-from: expected a private key"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["load", *arguments]) == 2
    printed = capsys.readouterr()
    assert why in printed.err
    assert printed.err.count("\n") == 1
    assert "zz" * 32 not in printed.err
    assert NEARLY not in printed.err


def test_more_accounts_than_keys_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = tmp_path / "keys"
    keys.write_text("11" * 32)
    assert main(["load", URL, "--rate=5", f"--keys={keys}", "--accounts=2"]) == 2
    assert "--accounts: expected at most the 1 keys of" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [[URL], [URL, "--rate=5", "--clients=5"], ["--rate=5"], [URL, "--rate=5", "--for=5"]],
)
def test_the_parser_refuses_the_rest(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["load", *arguments])
    assert caught.value.code == 2
    assert "orrery load: error:" in capsys.readouterr().err


def test_the_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["load", "--help"])
    printed = capsys.readouterr().out
    assert "orrery load http://127.0.0.1:8545 --rate 500" in printed
    assert printed.count("exit code:") == 1


def test_a_place_that_cannot_be_written_is_refused_before_the_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["load", URL, "--rate=5", f"--out={tmp_path / 'file' / 'runs'}"]) == 2
    assert "expected a directory that can be written to" in capsys.readouterr().err
