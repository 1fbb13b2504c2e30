"""Validators that are killed at any moment never say two different things of one place.

Three real processes and a fourth validator that says nothing and writes down what it is sent. With
it silent each of the three is needed, so a killed one leaves its last place open, and comes back
with an empty pool and other transactions to fill it with: one that had forgotten what it said
would say something else.
"""

import asyncio
import contextlib
import random
import signal
import threading
import urllib.error
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consensus.messages import Commit, NewView, Prepare, PrePrepare, ViewChange
from network.transport import DropReason, PeerInfo, Transport, new_event_loop
from node.runtime.build import make_environment, make_transport, read_chain, read_secrets
from node.settings import decode_settings
from primitives.ids import NodeId
from primitives.machine import Message, TraceEvent
from tests.live.devnet import LiveProcess, wait_for
from tests.live.test_process import OWNER, RECEIVER, Node, four, height

WRITER = 3
"""The validator that only writes down."""

Place = tuple[str, int, int, int]
"""Kind, speaker, view, sequence."""


def said(peer: int, message: Message) -> tuple[Place, object] | None:
    """Return what a message binds its speaker to, and to what; None if to nothing."""
    match message:
        case PrePrepare():
            place = ("pre-prepare", peer, message.view, message.sequence)
            return place, (message.digest, message.parent)
        case Prepare():
            place = ("prepare", message.replica, message.view, message.sequence)
            return place, (message.digest, message.parent)
        case Commit():
            return ("commit", message.replica, message.view, message.sequence), message.digest
        case ViewChange():
            return ("view-change", message.vote.replica, message.vote.view, 0), message.vote
        case NewView():
            return ("new-view", message.view, 0, 0), (message.votes, message.signature)
    return None


class Scribe:
    """A validator's connections, and what came through them."""

    def __init__(self) -> None:
        self.first: dict[Place, object] = {}
        self.different: list[tuple[Place, object, object]] = []
        self.heard = 0

    def on_message(self, peer: NodeId, message: Message, size: int) -> None:
        found = said(peer, message)
        if found is None:
            return
        self.heard += 1
        place, what = found
        before = self.first.setdefault(place, what)
        if before != what:
            self.different.append((place, before, what))

    def on_peer_opened(self, peer: PeerInfo) -> None:
        """Nothing."""

    def on_peer_closed(self, peer: NodeId, reason: DropReason) -> None:
        """Nothing."""

    def on_event(self, event: TraceEvent) -> None:
        """Nothing."""


@contextlib.contextmanager
def written_down(home: Path) -> Iterator[Scribe]:
    """Let a scribe listen in a thread of its own, in the place of a validator."""
    scribe, ready, over = Scribe(), threading.Event(), asyncio.Event()
    loop = new_event_loop()

    async def listen() -> None:
        settings = decode_settings((home / "config.toml").read_text())
        genesis = read_chain(settings, home)
        secret = read_secrets(settings, genesis, home)
        environment = make_environment(settings, genesis, secret)
        transport: Transport = make_transport(settings, environment, secret, scribe)[0]
        await transport.start(scribe)
        ready.set()
        await over.wait()
        await transport.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(listen()))
    thread.start()
    try:
        assert ready.wait(30)
        yield scribe
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(30)
        loop.close()


def test_what_binds_is_told_apart() -> None:
    scribe = Scribe()
    vote = Prepare(0, 1, b"\1" * 32, b"\0" * 32, 2, b"s")  # type: ignore[arg-type]
    for message in (vote, vote, msgspec.structs.replace(vote, view=1)):
        scribe.on_message(NodeId(2), message, 1)
    assert not scribe.different
    scribe.on_message(NodeId(2), msgspec.structs.replace(vote, digest=b"\2" * 32), 1)
    assert [place for place, _, _ in scribe.different] == [("prepare", 2, 0, 1)]


class Payer:
    """Pays on and on; each payment is one of its own, so that no two blocks are alike."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._tips = count(1)

    def pay(self, node: LiveProcess, count: int) -> None:
        """Hand some payments to one node, whatever it makes of them."""
        with contextlib.suppress(urllib.error.URLError, OSError, AssertionError, KeyError):
            first = int(node.call("eth_getTransactionCount", OWNER.address, "pending"), 16)
            for nonce in range(first, first + count):
                node.call("eth_sendRawTransaction", self._signed(nonce))

    def _signed(self, nonce: int) -> str:
        transaction: dict[str, Any] = {
            "type": 2,
            "chainId": 1337,
            "nonce": nonce,
            "to": bytes.fromhex(RECEIVER[2:]),
            "value": self._draw.randrange(1, 10**9),
            "gas": 21_000,
            "maxFeePerGas": 10**12,
            "maxPriorityFeePerGas": next(self._tips),
        }
        return str(OWNER.sign_transaction(transaction).raw_transaction.to_0x_hex())


@pytest.mark.parametrize(
    "kills",
    [pytest.param(6, marks=pytest.mark.slow), pytest.param(60, marks=pytest.mark.soak)],
)
def test_nobody_contradicts_itself_however_often_it_is_killed(tmp_path: Path, kills: int) -> None:
    draw = random.Random(kills)
    homes = [node.home for node in four(tmp_path / "net")]
    nodes = [Node(home) for home in homes[:WRITER]]
    payer = Payer(draw)
    with written_down(homes[WRITER]) as scribe:
        try:
            for node in nodes:
                node.start()
            for _ in range(kills):
                victims = draw.sample(nodes, draw.choice([1, 1, 1, 2, 3]))
                stop = threading.Event()
                paying = threading.Thread(target=pay_until, args=(payer, nodes, stop))
                paying.start()
                stop.wait(draw.uniform(0.05, 1.0))
                for node in victims:
                    node.kill(signal.SIGKILL)
                for node in victims:
                    node.start()
                stop.set()
                paying.join()
            reached = max(height(node) for node in nodes)
            payer.pay(nodes[0], 5)
            for node in nodes:
                wait_for(lambda: height(node) > reached, "they go on", node)  # noqa: B023
        finally:
            for node in nodes:
                node.stop()
    assert {kind for kind, *_ in scribe.first} >= {"pre-prepare", "prepare", "commit"}
    assert scribe.different == []


def pay_until(payer: Payer, nodes: list[Node], stop: threading.Event) -> None:
    """Pay at one node after the other."""
    while not stop.wait(0.01):
        for node in nodes:
            payer.pay(node, 3)
