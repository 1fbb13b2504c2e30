"""A sender and its remedies in virtual time: no socket, and no dependence on a machine's speed."""

import asyncio
import json
import selectors
from asyncio import Future
from collections.abc import Callable, Coroutine
from typing import Any

from sim.load.accounts import seeded_wallet
from sim.load.blocks import SeenBlock
from sim.load.errors import RequestTimedOut, RpcError
from sim.load.fees import FeeQuote
from sim.load.lanes import Lanes
from sim.load.ledger import LoadLedger
from sim.load.mixes import parse_mix
from sim.load.remedies import Remedies
from sim.load.response import Response
from sim.load.rpc import RpcClient
from sim.load.sender import OPEN, Sender
from sim.load.signing import Order, Signer, SigningSetup
from tests.unit.sim.load.fake_chain import GWEI, Block, FakeChain
from tests.unit.sim.load.fake_node import FakeNode, RpcFault, Silence

SEND = "eth_sendRawTransaction"
SECOND = 1_000_000_000
DELAY_S = 0.001
"""How long an answer takes."""
TIMEOUT_S = 0.5


class Deadlock(Exception):
    """Everybody waits, and nothing is due any more."""


class Jump(selectors.SelectSelector):
    """Lets the time that somebody would sleep pass at once."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Deadlock
        self.now_s += max(timeout, 0)
        return super().select(0)


class JumpLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to whatever is due next."""

    def __init__(self) -> None:
        self._jump = Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now_s


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a scene in virtual time."""
    with asyncio.Runner(loop_factory=JumpLoop) as runner:
        runner.run(scene())


class TakenAndLost(Exception):
    """A test wants a transaction taken, and no answer."""


class Wire:
    """Stands for the connections of a client: brings requests to a node in the same process."""

    def __init__(self, node: FakeNode) -> None:
        self.node = node
        self.fate: Callable[[str], Exception | None] = lambda method: None
        """What becomes of a call: its usual answer, or a fault."""

    def post(self, body: bytes) -> "Future[Response]":
        loop = asyncio.get_running_loop()
        waiter: Future[Response] = loop.create_future()
        asked = json.loads(body)
        try:
            if isinstance(asked, list):
                found: object = [self._answer(each) for each in asked]
            else:
                found = self._answer(asked)
        except Silence:
            error = RequestTimedOut(self.node.url, TIMEOUT_S)
            loop.call_later(TIMEOUT_S, waiter.set_exception, error)
        except RpcError as error:
            loop.call_later(DELAY_S, waiter.set_exception, error)
        else:
            response = Response(200, json.dumps(found).encode(), keep=True)
            loop.call_later(DELAY_S, waiter.set_result, response)
        return waiter

    def _answer(self, call: dict[str, Any]) -> dict[str, Any]:
        fault = self.fate(call["method"])
        if isinstance(fault, TakenAndLost):
            self.node._reply(call)
            raise Silence
        if isinstance(fault, RpcFault):
            refusal = {"code": fault.code, "message": fault.message}
            return {"jsonrpc": "2.0", "id": call["id"], "error": refusal}
        if fault is not None:
            raise fault
        return self.node._reply(call)


class Bench:
    """What a load engine has beside its clocks.

    Args:
        accounts: how many send.
        nodes: how many share a pool; each is reached over a wire of its own.
        patience_s: of the sender.
    """

    def __init__(self, accounts: int = 2, nodes: int = 2, patience_s: float = 20.0) -> None:
        self.chain = FakeChain()
        self.wallet = seeded_wallet(1, accounts)
        self.chain.fund(self.wallet.addresses)
        setup = SigningSetup(
            list(self.wallet.secrets), 7, parse_mix("transfers"), 1, [0] * accounts, None
        )
        self.signer = Signer(setup)
        self.ledger = LoadLedger()
        self.lanes = Lanes(setup.nonces, 4)
        self.wires = [Wire(FakeNode(self.chain)) for _ in range(nodes)]
        clients = [RpcClient("http://127.0.0.1:1") for _ in self.wires]
        for client, wire in zip(clients, self.wires, strict=True):
            client._endpoint = wire  # type: ignore[assignment]
        self._head = seen(self.chain.head)
        parts = (self.lanes, self.signer, self.ledger, self.now)
        self.sender = Sender(clients, *parts, 1, round(patience_s * SECOND))
        self.sender.quote = FeeQuote(GWEI, GWEI)
        self.remedies = Remedies(self.sender, self.signer, clients, GWEI, lambda: self._head)
        self.sender.on_refused = self.remedies.answer
        self.sender.on_late = self.remedies.look_after
        self.resend_after = 0
        self.gone_on: list[int] = []
        self.sender.on_home = lambda client, at_ns: self.gone_on.append(client)

    def now(self) -> int:
        return round(asyncio.get_running_loop().time() * SECOND)

    def offer(self, client: int = OPEN) -> None:
        """Send one more."""
        self._supply()
        self.sender.offer(self.now(), client)

    def seal(self) -> None:
        """Make a block, and read it at once."""
        self._head = seen(self.chain.seal(), self.now())
        self.sender.on_block(self._head)

    async def go_on(self, seconds: float, block_s: float = 0.2) -> None:
        """Let time pass, with blocks, and do what an engine does beside."""
        end = self.now() + round(seconds * SECOND)
        while self.now() < end:
            self._supply()
            self.sender.push()
            if self.resend_after:
                self.sender.repeat_older(self.resend_after, 100)
            for lane in self.sender.passed_over():
                self.remedies.look_after(lane)
            await asyncio.sleep(block_s)
            self.seal()

    async def end(self) -> None:
        """End like an engine."""
        self.sender.give_up()
        await self.remedies.close()

    def _supply(self) -> None:
        corrections, self.remedies.corrections = self.remedies.corrections, {}
        quote = self.sender.quote
        order = Order(self.lanes.wanting(4, 100), quote.tip, quote.max_fee, corrections)
        for signed in self.signer.fill(order):
            self.lanes.add(signed)

    @property
    def executed(self) -> int:
        """How many transactions blocks hold."""
        return sum(self.chain.nonces.values())

    def check(self) -> None:
        """Every arrival has one end, and the chain holds what was counted, and no more."""
        ledger, sender = self.ledger, self.sender
        included = ledger.included.total
        assert not sender.waiting
        assert ledger.intended.total == included + ledger.dropped.total + sender.on_their_way
        assert included <= ledger.accepted.total <= ledger.sent.total <= ledger.intended.total
        assert self.executed == included


def seen(block: Block, at_ns: int = 0) -> SeenBlock:
    """Return a block as a load reads it."""
    return SeenBlock(
        number=block.number,
        digest=block.digest,
        parent=block.parent,
        transactions=tuple(block.digests),
        gas_used=block.gas_used,
        gas_limit=30_000_000,
        base_fee=block.base_fee,
        at_ns=at_ns,
    )
