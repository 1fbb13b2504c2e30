"""What the commands of a live node refuse, and what they say."""

from pathlib import Path

import pytest

from node.runtime.command import main as node
from node.runtime.create import main
from node.runtime.errors import ExitCode

ACCOUNT = "--account=0x00000000000000000000000000000000000000c0=1ether"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--validators=0",), "--validators: expected a number from 1 to 10000, got 0"),
        (("--validators=100000000",), "--validators: expected a number from 1 to 10000"),
        (("--chain-id=0",), "chain.chain_id: expected a value from 1"),
        (("--account=foo",), "account: expected ADDRESS=AMOUNT"),
        (("--genesis=none.json", "--chain-id=7"), "--genesis: expected no --account, --chain-id"),
        (("--genesis=none.json", ACCOUNT), "--genesis: expected no --account"),
        (("--genesis=none.json",), "--genesis: expected a file that can be read"),
    ],
)
def test_what_makes_no_chain_is_refused_before_anything_is_written(
    options: tuple[str, ...], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "net"), *options]) == ExitCode.REFUSED
    assert f"create: {why}" in capsys.readouterr().err
    assert not (tmp_path / "net").exists()


@pytest.mark.parametrize("key", ["consensus.protocol", "consensus.batching"])
def test_a_protocol_or_policy_that_nobody_provides_is_refused_by_a_look_alone(
    key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "net")]) == ExitCode.STOPPED
    config = str(tmp_path / "net" / "node-0" / "config.toml")
    assert node([config, "--check"]) == ExitCode.STOPPED
    assert node([config, "--check", f"--{key}=raft"]) == ExitCode.REFUSED
    assert f"node: {key}: expected one of" in capsys.readouterr().err


@pytest.mark.parametrize("command", [main, node])
def test_the_help_is_short_where_an_option_is_wrong(
    command: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(command)
    with pytest.raises(SystemExit):
        command(["net", "--rpc.prot=1"])
    told = capsys.readouterr().err
    assert "unrecognized arguments: --rpc.prot=1" in told
    assert len(told.splitlines()) < 8
