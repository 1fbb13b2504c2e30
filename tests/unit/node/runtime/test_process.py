"""A process that cannot start says why, and one that meets damage lives again."""

import asyncio
import errno
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from node.executors.processes import ProcessPool
from node.restore import DamagedLog
from node.runtime.command import main
from node.runtime.create import main as create
from node.runtime.errors import DirectoryInUse, ExitCode
from node.runtime.live import LiveNode
from node.runtime.process import DAMAGES_MAX, NodeProcess
from node.runtime.signals import Signals
from node.transaction_index import TRANSACTIONS
from primitives.ids import RequestId
from primitives.transaction import (
    transaction_hash,
)
from storage.rocks import RocksStore, StoreFull
from storage.rocks.snapshot import RocksSnapshot
from storage.store import DamagedStore
from tests.unit.node.runtime.process_rig import (
    LIMIT_S,
    OWNER,
    found,
    include,
    live,
    make,
    node_of,
    nothing,
    transfer,
    until,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where a chain's only validator has its files."""
    return found(tmp_path / "net")


# ---------------------------------------------------------------- refusals


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == ExitCode.REFUSED
    found = capsys.readouterr().err
    assert "Traceback" not in found
    return found


def test_a_configuration_that_is_wrong_is_refused_with_file_and_line(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = home / "config.toml"
    config.write_text("[node]\nindex = 0\n[rpc]\nport = 'x'\nprot = 1\n")
    told = refused(capsys, str(config)).splitlines()
    assert (
        told[0] == f'node: {config}:4: rpc.port: expected a whole number from 0 to 65535, got "x"'
    )
    assert told[1].startswith(f"node: {config}:5: rpc.prot: expected one of")


def test_what_a_configuration_names_has_to_be_there(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(home / "config.toml")
    assert "No such file" in refused(capsys, str(home / "none.toml"))
    assert "chain.genesis: expected a file that can be read, got No such file" in refused(
        capsys, config, "--chain.genesis=none.json"
    )
    assert "node.key: expected a file with a key, got No such file" in refused(
        capsys, config, "--node.key=none.key"
    )
    assert "log.file: expected a file that can be written to" in refused(
        capsys, config, "--log.file=none/log"
    )
    assert "node.data: expected a directory that can be written to" in refused(
        capsys, config, "--node.data=node.key"
    )


@pytest.mark.parametrize("host", ["10.0..1", "x" * 70])
def test_an_address_that_nobody_can_have_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    config = str(home / "config.toml")
    for section in ("network", "rpc"):
        free = ("--network.port=0", "--rpc.port=0", f"--{section}.host={host}")
        told = refused(capsys, config, *free)
        assert f"node: {section}.port: expected an address of this machine" in told
        assert f"{host}:0" in told


def test_a_key_that_others_may_read_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "node.key").chmod(0o644)
    assert "node.key: expected a key that only its owner may read (chmod 600 " in refused(
        capsys, str(home / "config.toml")
    )
    assert not (home / "data").exists()


def test_a_validator_that_the_chain_does_not_know_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(home / "config.toml")
    assert (
        "node.index: expected a validator of the chain's first committee (0), or role = follower"
        in refused(capsys, config, "--node.index=1")
    )
    (home / "other.key").touch(0o600)
    (home / "other.key").write_text("00" * 32)
    assert "node.key: expected the key of validator 0, whose public half is " in refused(
        capsys, config, "--node.key=other.key"
    )


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("--consensus.protocol=raft", "consensus.protocol: expected one of pbft"),
        ("--consensus.batching=fixt", "consensus.batching: expected one of fixed, adaptive"),
        ("--consensus.batch_gas=30000001", "consensus.batch_gas: expected at most the chain's"),
        ("--execution.scheduler=all-at-once", "execution.scheduler: expected another one"),
    ],
)
def test_what_the_chain_cannot_do_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], flag: str, told: str
) -> None:
    assert f"node: {told}" in refused(capsys, str(home / "config.toml"), flag)


def test_a_configuration_can_be_checked_without_a_start(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(home / "config.toml"), "--check"]) == 0
    assert "a configuration that a node can run with" in capsys.readouterr().out
    assert not (home / "data").exists()


def test_a_bls_chain_asks_for_a_second_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create([str(tmp_path / "net"), "--certificates=bls", "--validators=2"]) == 0
    home = tmp_path / "net" / "node-1"
    config = home / "config.toml"
    swapped = "--node.vote_key=../node-0/vote.key"
    assert "node.vote_key: expected the key of validator 1" in refused(capsys, str(config), swapped)
    config.write_text(config.read_text().replace('vote_key = "vote.key"', ""))
    expected = (
        'node.vote_key: expected a file with a BLS key, as the chain\'s certificates are "bls"'
    )
    assert expected in refused(capsys, str(config))


# ---------------------------------------------------------------- lives


def test_it_includes_transfers_in_one_life_after_the_other(home: Path) -> None:
    for nonce in range(2):
        code, events = live(home, partial(include, nonce=nonce))
        assert code == ExitCode.STOPPED
        assert events[-2:] == ["process.stopping", "process.ended"]
        assert "chain.grown" in events
    kept = RocksStore(home / "data" / "store")
    assert kept.get(TRANSACTIONS, transaction_hash(transfer(1))) is not None
    kept.close()


def rot(home: Path) -> None:
    """Turn one bit in each table of the store that names the owner's account."""
    rotten = 0
    for table in (home / "data" / "store").glob("*.sst"):
        content = table.read_bytes()
        at = content.find(OWNER[8:])
        if at < 0:
            continue
        with table.open("r+b") as file:
            file.seek(at)
            file.write(bytes([content[at] ^ 1]))
        rotten += 1
    assert rotten


def test_damage_that_a_node_comes_upon_begins_another_life_of_it(home: Path) -> None:
    live(home, partial(include, nonce=0))

    async def meet(process: NodeProcess) -> None:
        before = node_of(process)
        assert before.node.ledger.tip.number == 1
        endpoints = (home / "data" / "endpoints.json").read_bytes()
        rot(home)
        before.driver.fail(DamagedStore("state.accounts", "an account", "something else"))
        await until(lambda: node_of(process) is not before)
        # It decides anew what its own log of votes says, and goes on.
        await include(process, 1)
        assert (home / "data" / "endpoints.json").read_bytes() == endpoints

    code, events = live(home, meet)
    assert code == ExitCode.STOPPED
    first = events.index("process.restarts")
    assert events.index("process.ready") < first < events.index("store.discarded")
    assert events.count("process.ready") == 2


def test_another_life_waits_for_who_still_reads_the_store(home: Path) -> None:
    live(home, partial(include, nonce=0))

    async def meet(process: NodeProcess) -> None:
        before = node_of(process)
        reading = before.store.snapshot()
        assert isinstance(reading, RocksSnapshot)
        # What a thread has in its hands in the middle of a read.
        held = list(reading._iterators.values())
        before.driver.fail(DamagedStore("state.accounts", "an account", "something else"))
        await asyncio.sleep(0.5)
        assert node_of(process) is before
        held.clear()
        await until(lambda: node_of(process) is not before)
        await include(process, 1)

    code, events = live(home, meet)
    assert (code, events.count("process.ready")) == (ExitCode.STOPPED, 2)


def test_damage_again_and_again_ends_the_process(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_process: NodeProcess, _store: RocksStore) -> LiveNode:
        raise DamagedStore("state.head", "a row", "none")

    monkeypatch.setattr(NodeProcess, "_make", broken)
    code, events = live(home, nothing)
    assert code == ExitCode.STORE
    assert events.count("process.restarts") == DAMAGES_MAX
    assert events[-2:] == ["process.store_failed", "process.ended"]


def test_a_store_that_does_not_open_ends_it_at_once(home: Path) -> None:
    live(home, partial(include, nonce=0))
    manifest = next((home / "data" / "store").glob("MANIFEST-*"))
    manifest.write_bytes(b"?" * manifest.stat().st_size)
    code, events = live(home, nothing)
    assert (code, events) == (ExitCode.STORE, ["process.store_failed", "process.ended"])


def test_votes_that_cannot_be_read_end_it_at_once(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_process: NodeProcess, _store: RocksStore) -> LiveNode:
        raise DamagedLog("consensus.log", "garbage")

    monkeypatch.setattr(NodeProcess, "_make", broken)
    code, events = live(home, nothing)
    assert (code, events) == (ExitCode.STORE, ["process.store_failed", "process.ended"])


@pytest.mark.parametrize(
    ("error", "code", "event"),
    [
        (StoreFull("store", "room on the disk", "none"), ExitCode.STORE, "process.store_failed"),
        (KeyError("bug"), ExitCode.FAILED, "process.trace"),
    ],
)
def test_what_a_node_cannot_go_on_with_ends_the_process(
    home: Path, error: Exception, code: ExitCode, event: str
) -> None:
    async def fail(process: NodeProcess) -> None:
        node_of(process).driver.fail(error)

    found, events = live(home, fail)
    assert found == code
    assert event in events
    # What it had is there, and nobody holds it.
    assert live(home, partial(include, nonce=0))[0] == ExitCode.STOPPED


class Endless:
    """A job that takes until the loop has had a turn."""

    def __init__(self) -> None:
        self.begun, self.hold = Event(), Event()
        self.ended = False

    def run(self) -> object:
        self.begun.set()
        self.ended = self.hold.wait(LIMIT_S / 4)
        return None


def test_signals_are_heard_while_a_job_is_waited_for(home: Path) -> None:
    job = Endless()

    async def scene(process: NodeProcess) -> None:
        node_of(process).driver.scheduler.submit(RequestId(2**40), job)
        await until(job.begun.is_set)
        process.ask_to_stop("a signal")
        asyncio.get_running_loop().call_later(0.1, job.hold.set)

    assert live(home, scene)[0] == ExitCode.STOPPED
    assert job.ended


NO_ROOM = OSError(errno.ENOSPC, "No space left on device")


def raising(error: Exception) -> Callable[..., Any]:
    def act(*_: object, **__: object) -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("place", "error", "code", "event"),
    [
        ("node.runtime.face.new_token", NO_ROOM, ExitCode.STORE, "process.store_failed"),
        ("node.runtime.face.Face.forget", NO_ROOM, ExitCode.STORE, "process.store_failed"),
        ("node.runtime.face.Face.start", KeyError("bug"), ExitCode.FAILED, "process.trace"),
        (
            "node.runtime.process.NodeProcess._make",
            StoreFull("store", "room on the disk", "none"),
            ExitCode.STORE,
            "process.store_failed",
        ),
    ],
)
def test_what_keeps_a_node_from_its_start_stands_in_its_log(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    error: Exception,
    code: ExitCode,
    event: str,
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(place, raising(error))
        found, events = live(home, nothing, rpc__admin="true")
    assert (found, events[-1]) == (code, "process.ended")
    assert event in events
    # Nobody holds what it had begun with.
    assert live(home, partial(include, nonce=0))[0] == ExitCode.STOPPED


def test_who_is_refused_its_directory_leaves_no_workers_and_takes_no_address(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[ProcessPool] = []

    def note(pool: ProcessPool) -> None:
        closed.append(pool)

    monkeypatch.setattr(ProcessPool, "close", note)

    async def meet(process: NodeProcess) -> None:
        endpoints = home / "data" / "endpoints.json"
        before = endpoints.read_bytes()
        flags = {"execution__processes": "1", "execution__scheduler": "optimistic"}
        second = make(home, process.log, **flags)
        with pytest.raises(DirectoryInUse):
            await second.run()
        assert (len(closed), endpoints.read_bytes()) == (1, before)

    assert live(home, meet)[0] == ExitCode.STOPPED


def test_the_second_signal_does_not_wait() -> None:
    asked: list[str] = []
    ended: list[int] = []

    async def scene() -> None:
        signals = Signals(asyncio.get_running_loop(), lambda: asked.append("reopen"), ended.append)
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)
            await until(lambda: bool(asked))
        await until(lambda: bool(ended))
        assert asked == ["reopen"]
        # It came before there was anything to stop.
        signals.tell(asked.append)

    asyncio.run(scene())
    assert asked == ["reopen", "SIGTERM"]
    assert ended == [128 + signal.SIGINT]
