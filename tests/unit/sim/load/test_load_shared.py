"""Accounts from which somebody else sends too: the load goes on, and says what it has lost."""

import asyncio
from collections.abc import Sequence

import pytest

from primitives.account_key import AccountKey
from sim.load.engine import LoadEngine
from sim.load.signing import Order, Signer, SigningSetup
from sim.workload.calls import Call
from sim.workload.minting import Purse
from tests.unit.sim.load.fake_chain import GWEI, FakeChain
from tests.unit.sim.load.fake_node import FakeNode
from tests.unit.sim.load.scenes import DUE, MS, SECOND, InlineSigning, Scene, play


class Stranger:
    """Has the key of a load's first account.

    Args:
        scene: of the load.
    """

    def __init__(self, scene: Scene) -> None:
        self.key = AccountKey(scene.wallet.secrets[0])
        self._chain = scene.chain
        self._purse = Purse([self.key], scene.chain.chain_id)

    def send(self, nonces: Sequence[int]) -> None:
        """Send transactions that take others' places."""
        call = Call(self.key.address, 1, b"", 21_000)
        for nonce in nonces:
            self._chain.overtake(self._purse.sign_at(0, nonce, call, GWEI, 100 * GWEI)[0])


async def seal(node: FakeNode) -> None:
    """Make blocks from now on."""
    while True:
        await node.tell(node.chain.seal())
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("in_flight", "taken", "resend_after"),
    [
        (4, 4, 200 * MS),  # All that is on its way: only who asks again can notice.
        (4, 2, 0),  # A later one comes into a block, so the earlier ones never will.
    ],
)
def test_what_somebody_else_has_overtaken_is_sent_under_other_nonces(
    in_flight: int, taken: int, resend_after: int
) -> None:
    async def story() -> None:
        scene = Scene(accounts=1)
        scene.set(in_flight_max=in_flight, resend_after=resend_after)
        stranger = Stranger(scene)
        async with FakeNode(scene.chain).serve(0) as node:
            loading = asyncio.create_task(scene.load([node.url]))
            await scene.when(lambda engine: engine.ledger.accepted.total == in_flight)
            stranger.send(range(taken))
            sealing = asyncio.create_task(seal(node))
            result = await loading
            sealing.cancel()
        assert result.errors == {"nonce taken": taken}
        assert result.sent == result.accepted == result.included == result.intended == DUE
        assert result.lateness_seconds.count == DUE
        assert result.resent >= taken
        assert result.unconfirmed == 0
        assert scene.chain.nonces[bytes(stranger.key.address)] == DUE + taken

    play(story)


def test_a_client_whose_transaction_is_overtaken_goes_on() -> None:
    async def story() -> None:
        scene = Scene(accounts=1)
        scene.set(
            rate=None, clients=1, duration=60 * SECOND, resend_after=200 * MS, patience=100 * MS
        )
        stranger = Stranger(scene)
        async with FakeNode(scene.chain).serve(0) as node:
            loading = asyncio.create_task(scene.load([node.url]))
            await scene.when(lambda engine: engine.ledger.accepted.total == 1)
            stranger.send([0])
            sealing = asyncio.create_task(seal(node))
            await scene.when(lambda engine: engine.ledger.included.total >= 2)
            assert scene.engine is not None
            scene.engine.stop()
            result = await loading
            sealing.cancel()
        # Its patience was over when that was found out: given up, and the client sends another.
        assert result.dropped == result.errors["nonce taken"] == 1

    play(story)


def test_a_nonce_that_somebody_else_has_taken_is_left_to_them() -> None:
    async def story() -> None:
        scene = Scene(accounts=1)
        stranger = Stranger(scene)
        async with FakeNode(scene.chain).serve(0) as node:
            stranger.send(range(2))

            def hide(method: str, parameters: list[object]) -> None:
                # Until the first transaction the node shows nothing of the strangers'.
                if method == "eth_sendRawTransaction":
                    node.shows_pool = True

            node.shows_pool = False
            node.meddle = hide
            loading = asyncio.create_task(scene.load([node.url]))
            await scene.when(taken_nonces)
            sealing = asyncio.create_task(seal(node))
            result = await loading
            sealing.cancel()
        assert result.errors == {"nonce taken": 1}
        assert result.included == DUE
        assert scene.chain.nonces[bytes(stranger.key.address)] == DUE + 2

    play(story)


def taken_nonces(engine: LoadEngine) -> bool:
    return "nonce taken" in engine.ledger.error_totals()


def test_what_blocks_hold_and_were_not_read_yet_is_not_overtaken() -> None:
    async def story() -> None:
        scene = Scene(accounts=1, chain=FakeChain())
        scene.set(in_flight_max=4, resend_after=100 * MS, sockets=False)
        async with FakeNode(scene.chain).serve(0) as node:
            late = asyncio.Event()
            height = 0

            def hold(method: str, parameters: list[object]) -> None:
                if method == "eth_getTransactionReceipt":
                    late.set()

            node.meddle = hold
            node.shows_height = lambda: height
            loading = asyncio.create_task(scene.load([node.url]))
            await scene.when(lambda engine: engine.ledger.accepted.total == 4)
            scene.chain.seal()
            # Asked again, the node says that the nonces are too low; its blocks are not known yet.
            await late.wait()
            node.shows_height = None
            sealing = asyncio.create_task(seal(node))
            result = await loading
            sealing.cancel()
        assert not result.errors
        assert result.included == DUE

    play(story)


def test_what_somebody_else_has_sent_before_in_the_same_bytes_is_included() -> None:
    async def story() -> None:
        scene = Scene(accounts=1)

        def forestall(setup: SigningSetup) -> InlineSigning:
            # In a block that is old when the load begins: nobody will tell of it.
            (signed,) = Signer(setup).fill(Order([0], GWEI, 3 * GWEI))
            scene.chain.overtake(signed.raw)
            scene.chain.seal()
            return InlineSigning(setup)

        scene.chain.fixed_fee = True
        async with scene.nodes() as (node,):
            result = await scene.load([node.url], make_signing=forestall)
        assert result.included == result.intended == result.final == DUE
        assert result.unconfirmed == 0
        assert scene.chain.nonces[bytes(scene.wallet.addresses[0])] == DUE

    play(story)
