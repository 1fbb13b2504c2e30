"""A whole load: find the chain, make it ready, sign ahead, send, and say what came of it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from primitives.account_key import AccountKey
from sim.load.accounts import Wallet
from sim.load.chain import ask_facts
from sim.load.engine import LoadEngine
from sim.load.errors import LoadRefused, RpcError
from sim.load.figures import build_load_result
from sim.load.plan import LoadPlan
from sim.load.preparation import Preparation, Stage
from sim.load.result import LoadResult
from sim.load.rpc import RpcClient
from sim.load.signing import Signing, SigningProcess, SigningSetup


class LoadRequest(msgspec.Struct, frozen=True):
    """What the user wants."""

    urls: tuple[str, ...]
    plan: LoadPlan
    wallet: Wallet
    chain_id: int | None = None
    """Which chain it must be; any if None."""
    payer: AccountKey | None = None
    """Who pays accounts that have too little; nobody if None."""
    run_directory: str | None = None
    """Where the result says its files are."""


class LoadSession:
    """Runs one load.

    Args:
        request: what the user wants.
        on_stage: is told what is being done, how much of it is, and how much there is.
        on_begin: gets the engine when the load begins, to watch it.
        make_signing: who signs ahead.
    """

    def __init__(
        self,
        request: LoadRequest,
        on_stage: Stage,
        on_begin: Callable[[LoadEngine], None],
        make_signing: Callable[[SigningSetup], Signing] = SigningProcess,
    ) -> None:
        self._make_signing = make_signing
        self._request = request
        self._on_stage = on_stage
        self._on_begin = on_begin
        self._engine: LoadEngine | None = None
        self._stopped = False

    @property
    def has_begun(self) -> bool:
        """Whether there is a result to be had."""
        return self._engine is not None

    def stop(self) -> None:
        """End early."""
        self._stopped = True
        if self._engine is not None:
            self._engine.stop()

    async def run(self) -> LoadResult:
        """Run the load and return its figures.

        Raises:
            LoadRefused: the chain is not the right one, or not ready, and cannot be made so.
            InvalidInput: an address is none, or the mix does not fit the accounts.
            RpcError: no node answers before the load begins.
        """
        request = self._request
        clients = [RpcClient(url, 4, request.plan.timeout_s) for url in request.urls]
        try:
            self._on_stage("connecting", 0, 0)
            facts = await ask_facts(clients, request.chain_id)
            setup = await Preparation(
                clients[0],
                request.plan,
                request.wallet,
                facts.chain_id,
                request.payer,
                self._on_stage,
            ).prepare()
        finally:
            await close_all(clients)
        engine = LoadEngine(request.plan, request.urls, setup)
        signing = self._make_signing(setup)
        self._engine = engine
        if self._stopped:
            engine.stop()
        began = datetime.now(UTC).isoformat(timespec="milliseconds")
        trouble: str | None = None
        try:
            self._on_begin(engine)
            await engine.run(signing, lambda done, of: self._on_stage("signing ahead", done, of))
        except (LoadRefused, RpcError) as error:
            if not engine.ledger.sent.total:
                raise
            trouble = str(error)
        except EOFError:
            trouble = "the process that signs has ended"
        finally:
            signing.close()
        return build_load_result(
            engine,
            facts,
            urls=request.urls,
            began=began,
            trouble=trouble,
            run_directory=request.run_directory,
        )


async def close_all(clients: Sequence[RpcClient]) -> None:
    """Hang up."""
    for client in clients:
        with suppress(RpcError):
            await client.close()
