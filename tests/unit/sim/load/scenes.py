"""Loads on nodes that live in the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec

from primitives.account_key import AccountKey
from sim.load.accounts import Wallet, seeded_wallet
from sim.load.engine import LoadEngine
from sim.load.mixes import parse_mix
from sim.load.pacing import constant_rate
from sim.load.plan import LoadPlan
from sim.load.result import LoadResult
from sim.load.session import LoadRequest, LoadSession
from sim.load.signing import Order, Signed, Signer, Signing, SigningSetup
from tests.unit.sim.load.fake_chain import FakeChain
from tests.unit.sim.load.fake_node import FakeNode

MS = 1_000_000
SECOND = 1_000 * MS
PLAN = LoadPlan(
    mix=parse_mix("transfers"),
    seed=1,
    duration=400 * MS,
    rate=constant_rate(200.0),
    spacing="fixed",
    drain=20 * SECOND,
    patience=20 * SECOND,
    ahead=500,
)
"""One every 5 ms: the first at 5 ms, the last at 395 ms."""
DUE = 79


class InlineSigning:
    """Signs in the test's own process."""

    def __init__(self, setup: SigningSetup) -> None:
        self._signer = Signer(setup)

    async def fill(self, order: Order) -> list[Signed]:
        return self._signer.fill(order)

    def close(self) -> None:
        """Nothing is left to end."""


class Scene:
    """Nodes on one chain, and accounts with money.

    Args:
        accounts: how many there are.
        chain: what the nodes know; all accounts get money on it.
    """

    def __init__(self, accounts: int = 20, chain: FakeChain | None = None) -> None:
        self.wallet: Wallet = seeded_wallet(1, accounts)
        self.chain = chain or FakeChain()
        self.chain.fund(self.wallet.addresses)
        self.stages: list[str] = []
        self.engine: LoadEngine | None = None
        self.plan = PLAN
        self.payer: AccountKey | None = None

    def set(self, **changes: Any) -> None:
        """Change the load."""
        self.plan = msgspec.structs.replace(self.plan, **changes)

    @asynccontextmanager
    async def nodes(self, count: int = 1, block_s: float = 0.05) -> AsyncIterator[list[FakeNode]]:
        """Serve the chain from several nodes, of which the first makes blocks."""
        async with AsyncExitStack() as stack:
            yield [
                await stack.enter_async_context(FakeNode(self.chain).serve(block_s * (at == 0)))
                for at in range(count)
            ]

    async def when(self, holds: Callable[[LoadEngine], bool]) -> None:
        """Wait until something holds of the load."""
        while self.engine is None or not holds(self.engine):
            await asyncio.sleep(0.01)

    async def load(
        self,
        urls: Sequence[str],
        on_begin: Callable[[LoadSession], None] | None = None,
        make_signing: Callable[[SigningSetup], Signing] = InlineSigning,
    ) -> LoadResult:
        """Run the load."""

        def begin(engine: LoadEngine) -> None:
            self.engine = engine
            if on_begin is not None:
                on_begin(session)

        request = LoadRequest(tuple(urls), self.plan, self.wallet, None, self.payer)
        session = LoadSession(
            request, lambda what, done, of: self.stages.append(what), begin, make_signing
        )
        return await session.run()


def play(scene: Callable[[], Coroutine[Any, Any, None]], limit_s: float = 60.0) -> None:
    """Run a scene; one that hangs fails."""

    async def limited() -> None:
        async with asyncio.timeout(limit_s):
            await scene()

    asyncio.run(limited())
