"""A key that votes goes with the directory that has the log of its votes."""

import errno
import os
import shutil
from functools import partial
from pathlib import Path

import pytest

from node.runtime.bonds import bind, voting_keys
from node.runtime.datadir import DataDirectory
from node.runtime.errors import ExitCode, ForeignDirectory
from node.settings import OwnSettings
from primitives.committee import Committee
from primitives.genesis import Genesis, genesis_hash
from primitives.ids import NodeId
from primitives.params import ChainParams
from tests.unit.node.runtime.process_rig import found, include, live, nothing

KEY = "node.key"


def test_a_key_goes_with_its_first_directory(tmp_path: Path) -> None:
    key = tmp_path / "node.key"
    for _ in range(2):
        bind(KEY, key, tmp_path / "data", "a1")
    # It was moved.
    bind(KEY, key, tmp_path / "elsewhere", "a1")
    with pytest.raises(ForeignDirectory) as refused:
        bind(KEY, key, tmp_path / "data", "b2")
    told = str(refused.value)
    assert told.startswith("node.data: expected the data directory that node.key votes with, which")
    assert f"remove {key}.used once" in told
    assert told.endswith("got one made anew in its place")
    with pytest.raises(ForeignDirectory, match="got another one, "):
        bind(KEY, key, tmp_path / "elsewhere", "b2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["node.key.used"]
    assert (tmp_path / "node.key.used").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{}", '{"identity": 1, "path": "x"}'])
def test_what_is_no_bond_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "node.key.used").write_text(text)
    with pytest.raises(ForeignDirectory, match=r"node\.key\.used: expected what a node writes"):
        bind(KEY, tmp_path / "node.key", tmp_path, "a1")


def test_the_keys_that_may_vote_are_bound() -> None:
    spare = OwnSettings(index=0, role="follower", spare_keys=("b.key", "c.key"))
    assert voting_keys(OwnSettings(index=0, role="follower")) == ()
    assert voting_keys(OwnSettings(index=0)) == (("node.key", "node.key"),)
    assert voting_keys(spare) == (("node.spare_keys[0]", "b.key"), ("node.spare_keys[1]", "c.key"))


def test_a_validator_does_not_start_without_the_votes_that_it_has_cast(tmp_path: Path) -> None:
    home = found(tmp_path / "net")
    assert live(home, partial(include, nonce=0))[0] == ExitCode.STOPPED
    (home / "data").rename(home / "kept")
    with pytest.raises(ForeignDirectory, match="votes with, which was"):
        live(home, nothing)
    shutil.rmtree(home / "data")
    (home / "kept").rename(home / "data")
    assert live(home, partial(include, nonce=1))[0] == ExitCode.STOPPED


def test_nor_without_its_store_alone(tmp_path: Path) -> None:
    home = found(tmp_path / "net")
    assert live(home, partial(include, nonce=0))[0] == ExitCode.STOPPED
    (home / "data" / "store").rename(home / "kept")
    for _ in range(2):
        with pytest.raises(ForeignDirectory, match="the store with the log of this node's votes"):
            live(home, nothing)
    (home / "kept").rename(home / "data" / "store")
    assert live(home, partial(include, nonce=1))[0] == ExitCode.STOPPED


def test_a_directory_whose_store_was_never_made_may_begin(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path)
    chain = Genesis(ChainParams(chain_id=7), (), Committee.of_keys([bytes(32)]))
    for _ in range(2):
        data.claim(NodeId(0), chain, genesis_hash(chain))
        data.require_votes()
    data.begin()
    with pytest.raises(ForeignDirectory):
        data.require_votes()
    data.store.mkdir()
    (data.store / "CURRENT").touch()
    data.require_votes()
    data.close()


def test_keys_on_a_read_only_disk_are_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "link", refuse)
    home = found(tmp_path / "net")
    code, events = live(home, nothing)
    assert (code, events[0]) == (ExitCode.STOPPED, "process.key_unbound")
    assert sorted(path.name for path in home.glob("node.key*")) == ["node.key"]


def test_a_directory_of_an_earlier_version_gets_its_number(tmp_path: Path) -> None:
    home = found(tmp_path / "net")
    live(home, partial(include, nonce=0))
    claim = home / "data" / "node.json"
    text = claim.read_text()
    claim.write_text(text[: text.index(',"identity"')] + "}")
    (home / "node.key.used").unlink()
    assert live(home, partial(include, nonce=1))[0] == ExitCode.STOPPED
    assert '"identity":"' in claim.read_text()
