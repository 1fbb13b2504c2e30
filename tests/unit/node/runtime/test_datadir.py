"""Data directories and secrets: one process, one node, one chain; and nobody else's eyes."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from node.runtime.datadir import DataDirectory
from node.runtime.errors import DirectoryInUse, ForeignDirectory, Refused, UnusableKey
from node.runtime.keys import new_token, read_seed, write_secret
from node.settings import read_genesis
from primitives.committee import Committee
from primitives.genesis import Genesis, genesis_hash
from primitives.ids import NodeId
from primitives.params import ChainParams

NODE = NodeId(3)


def genesis(chain_id: int = 7) -> Genesis:
    return Genesis(ChainParams(chain_id=chain_id), (), Committee.of_keys([bytes(32)]))


def claim(data: DataDirectory, node: NodeId = NODE, chain_id: int = 7) -> None:
    begun = genesis(chain_id)
    data.claim(node, begun, genesis_hash(begun))


def test_a_directory_is_made_and_claimed_for_a_node_and_its_chain(tmp_path: Path) -> None:
    for _ in range(2):
        data = DataDirectory(tmp_path / "a" / "b")
        claim(data)
        assert (data.path / "lock").read_text() == f"{os.getpid()}\n"
        data.close()
    kept = read_genesis((tmp_path / "a/b/genesis.json").read_text())
    assert genesis_hash(kept) == genesis_hash(genesis())


def test_a_second_process_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path)
    with pytest.raises(DirectoryInUse) as refused:
        DataDirectory(tmp_path)
    assert f"process {os.getpid()}" in str(refused.value)
    assert str(tmp_path) in str(refused.value)
    data.close()
    DataDirectory(tmp_path).close()


def test_a_lock_holds_without_room_for_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    data = DataDirectory(tmp_path)
    with pytest.raises(DirectoryInUse, match="process unknown at work"):
        DataDirectory(tmp_path)
    data.close()


def test_the_lock_goes_with_its_process_and_not_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("12345\n")
    data = DataDirectory(tmp_path)
    with (tmp_path / "lock").open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    data.close()


def test_the_data_of_another_chain_or_node_is_refused_by_name(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path)
    claim(data)
    with pytest.raises(ForeignDirectory) as chain:
        claim(data, chain_id=8)
    assert genesis_hash(genesis()).hex() in str(chain.value)
    assert genesis_hash(genesis(8)).hex() in str(chain.value)
    with pytest.raises(ForeignDirectory) as node:
        claim(data, NodeId(4))
    assert "expected the data of node 4, got that of 3" in str(node.value)
    data.close()


def test_a_store_that_nothing_is_known_of_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    data = DataDirectory(tmp_path)
    with pytest.raises(ForeignDirectory, match=r"node\.json beside the store"):
        claim(data)
    data.close()


@pytest.mark.parametrize("text", ["", "{}", '{"format": 1}'])
def test_a_damaged_claim_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "node.json").write_text(text)
    data = DataDirectory(tmp_path)
    with pytest.raises(ForeignDirectory, match=r"node\.json: expected what a node writes there"):
        claim(data)
    data.close()


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="expected a directory that can be written to"):
        DataDirectory(tmp_path / "file")


def test_a_key_is_read_by_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "node.key"
    write_secret(file, bytes(range(32)).hex())
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_seed(file, "node.key") == bytes(range(32))
    with pytest.raises(FileExistsError):
        write_secret(file, "")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_that_others_could_use_is_not(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "node.key"
    write_secret(file, "00" * 32)
    file.chmod(mode)
    with pytest.raises(UnusableKey) as refused:
        read_seed(file, "node.key")
    assert f"chmod 600 {file}" in str(refused.value)
    assert f"mode {mode:03o}" in str(refused.value)


@pytest.mark.parametrize("text", ["", "00" * 31, "00" * 33, "zz" * 32, "\udcff"])
def test_a_file_without_a_key_is_refused_and_its_content_not_told(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "node.key"
    write_secret(file, "")
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UnusableKey, match="expected 64 hexadecimal digits") as refused:
        read_seed(file, "node.key")
    assert not text or text not in str(refused.value)


def test_a_missing_key_is_refused_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(UnusableKey, match="No such file or directory") as refused:
        read_seed(tmp_path / "none", "node.key")
    assert str(tmp_path / "none") in str(refused.value)


def test_a_token_is_made_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "admin.token"
    first, second = new_token(file), new_token(file)
    assert first != second
    assert file.read_text().strip() == second
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(second) == 64
